"""Runs programs and takes their time, processor time and peak memory; keeps the corpora and everything made beside them."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Optional

HERE = pathlib.Path(__file__).resolve().parent
# ru_maxrss is in bytes on macOS and in KiB elsewhere
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
QUOTED = 400
MEGA = 1e6
GROUP = "bench"


class Failed(Exception):
    """A program that did not do what it was asked to do."""


@dataclasses.dataclass(frozen=True)
class Run:
    """What one run of a program took; `size` is what it left, where it is asked for."""

    wall: float
    cpu: float
    peak: float
    size: int = 0
    said: bytes = b""


Trial = Callable[[], Run]


@dataclasses.dataclass(frozen=True)
class Server:
    """A sandbox that is running."""

    url: str
    key: str


def measure(command: Sequence, environment: Optional[dict] = None, folder: Optional[pathlib.Path] = None) -> Run:
    """Runs a program to its end; what it waits for counts with it. Peaks below that of a bare Python cannot be seen."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints, tempfile.NamedTemporaryFile("r") as figures:
        timed = [sys.executable, "-I", "-S", str(HERE / "timed.py"), figures.name, *map(str, command)]
        launched = subprocess.run(
            timed, stdin=subprocess.DEVNULL, stdout=said, stderr=complaints, env=environment, cwd=folder, check=False
        )
        said.seek(0)
        complaints.seek(0)
        code, *measured = figures.read().split() or [str(launched.returncode)]
        if int(code) != 0:
            text = complaints.read().decode(errors="replace").strip()[-QUOTED:]
            raise Failed(f"{pathlib.Path(str(command[0])).name} ended with {code}: {text}")
        wall, cpu, peak = map(float, measured)
        return Run(wall, cpu, peak * PEAK_UNIT / MEGA, said=said.read())


def interleaved(trials: dict[str, Trial], rounds: int) -> dict[str, list[Run]]:
    """Runs of each, in turn; the first round warms up and does not count."""
    runs: dict[str, list[Run]] = {name: [] for name in trials}
    for number in range(rounds + 1):
        for name, trial in trials.items():
            run = trial()
            if number > 0:
                runs[name].append(run)
    return runs


def median(runs: list[Run], of: str = "wall") -> float:
    return statistics.median(getattr(run, of) for run in runs)


def ratio(above: list[Run], below: list[Run], of: str = "wall") -> float:
    """The median of the ratios within each round, so that a machine that slows down slows both."""
    pairs = zip(above, below)
    return statistics.median(getattr(a, of) / max(getattr(b, of), 1e-6) for a, b in pairs)


def size_of(place: pathlib.Path) -> int:
    """Bytes of all files in a folder, or of a file."""
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) if place.is_dir() else place.stat().st_size


def file_system(folder: pathlib.Path) -> str:
    """The kind of file system that a folder is on, where the system tells."""
    table = pathlib.Path("/proc/mounts")
    mounts = [line.split() for line in table.read_text().splitlines()] if table.exists() else []
    above = {str(folder), *map(str, folder.parents)}
    return max(((len(fields[1]), fields[2]) for fields in mounts if fields[1] in above), default=(0, "unknown"))[1]


@dataclasses.dataclass
class Bench:
    """What is measured, where, and how often."""

    program: pathlib.Path
    folder: pathlib.Path
    rounds: int
    quick: bool
    python: str
    dcmanon: Optional[str]

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        self.key_file = self.scratch / "pseudonym.key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text("015a" * 16 + "\n")
        # the user's own settings must not change what is measured, and no proxy may stand before this machine
        alien = re.compile(r"FWUPLOAD_|(https?|all|no)_proxy$", re.IGNORECASE)
        kept = {name: value for name, value in os.environ.items() if not alien.match(name)}
        self.environment = {**kept, "FWUPLOAD_CONFIG_HOME": str(self.scratch / "config")}
        self.help = {(): self.ask("--help"), ("sandbox",): self.ask("sandbox", "--help")}

    def close(self) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)

    def ask(self, *arguments: str) -> str:
        """What the program answers to a short question."""
        return measure([self.program, *arguments], self.environment).said.decode().strip()

    def if_known(self, *flag: str, to: tuple = ()) -> list[str]:
        """The flag, if this build has it: older ones are measured with the same script."""
        return list(flag) if flag[0] in self.help[to] else []

    def corpus(self, kind: str, count: int) -> pathlib.Path:
        """The corpus, made if it is not there from an earlier run. By another process: this one is to stay small."""
        script = HERE / "corpus.py"
        stamp = f"{kind} {count} {zlib.crc32(script.read_bytes()):08x}\n"
        place, made = self.folder / f"{kind}-{count}", self.folder / f"{kind}-{count}.made"
        if not (made.exists() and made.read_text() == stamp):
            print(f"making {kind}: {count}", file=sys.stderr)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            subprocess.run([sys.executable, script, kind, place, str(count)], check=True)
            made.write_text(stamp)
        return place

    @contextlib.contextmanager
    def fresh(self) -> Iterator[pathlib.Path]:
        """An empty folder, which goes again."""
        place = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def ours(self, paths: Sequence[pathlib.Path], *options, key: str = "", also: Optional[dict] = None) -> Run:
        """A run of the program over some folders that knows of no earlier run."""
        with self.fresh() as state:
            environment = {**self.environment, **(also or {}), "FWUPLOAD_STATE_HOME": str(state)}
            if key:
                environment["FWUPLOAD_API_KEY"] = key
            keys = ["--pseudonym-key-file", self.key_file]
            return measure([self.program, *paths, "-p", f"{GROUP}/ours", "-q", *keys, *options], environment, self.scratch)

    def without_sending(self, paths: Sequence[pathlib.Path], *options, also: Optional[dict] = None) -> Run:
        """All but the sending, into nowhere."""
        return self.ours(paths, "--dry-run", "--offline", *options, also=also)

    def to_disk(self, paths: Sequence[pathlib.Path], *options) -> Run:
        """Cleans into a folder."""
        with self.fresh() as out:
            run = self.ours(paths, "--offline", "--output", out / "cleaned", *options)
            return dataclasses.replace(run, size=size_of(out))

    def upload(self, paths: Sequence[pathlib.Path], *options) -> Run:
        """Uploads to a new server."""
        with self.server() as server:
            return self.ours(paths, *options, key=server.key)

    @contextlib.contextmanager
    def server(self) -> Iterator[Server]:
        """A server of Flywheel's in a process of its own, which throws away what it receives."""
        with self.fresh() as place:
            discard = self.if_known("--discard", to=("sandbox",))
            command = [str(self.program), "sandbox", str(place), "--project", f"{GROUP}/ours", *discard]
            with subprocess.Popen(command, stdout=subprocess.PIPE, env=self.environment, text=True) as process:
                try:
                    ready = json.loads(next(iter(process.stdout or ()), "{}"))
                    if "url" not in ready:
                        raise Failed("the sandbox did not start")
                    yield Server(ready["url"], ready["key"])
                finally:
                    process.send_signal(signal.SIGINT)
