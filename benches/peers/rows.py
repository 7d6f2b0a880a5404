"""What is measured: one function for each group of rows."""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Optional

from runs import GROUP, HERE, MEGA, Bench, Failed, Run, Server, Trial, file_system, interleaved, measure, median, ratio, size_of

ONE_JOB = ("-j", "1")
ALL_THE_SAME = ("--residual", "warn", "-q")
LOOKING = ("--profile", "basic")
# The same without a look at the pixels.
BASIC = ("--profile", str(pathlib.Path(__file__).resolve().parent / "basic.toml"))
# The two engines and the program read the same profile. It leaves references to what it replaces, which the program finds
# and would not send: it is told to warn, and to keep the warnings to itself.
PROFILE = """version: 1
name: peers
dicom:
  {recurse}remove-private-tags: true
  fields:
    - {{name: PatientName, replace-with: REDACTED}}
    - {{name: PatientID, hash: true}}
    - {{name: PatientBirthDate, remove: true}}
    - {{name: StudyInstanceUID, hashuid: true}}
    - {{name: SeriesInstanceUID, hashuid: true}}
    - {{name: SOPInstanceUID, hashuid: true}}
    - {{name: AccessionNumber, remove: true}}
    - {{name: InstitutionName, remove: true}}
    - {{name: ReferringPhysicianName, remove: true}}
    - {{name: StudyID, remove: true}}
"""


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a figure should be at most, or at least."""

    sign: str
    bound: float
    unit: str = "x"

    def __str__(self):
        return f"{self.sign} {figure(self.bound, self.unit)}"

    def met(self, value: float) -> bool:
        return value <= self.bound if self.sign == "<=" else value >= self.bound


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table. Without a value nothing could be measured; without a goal it is for information."""

    group: str
    what: str
    ours: str
    peer: str
    value: Optional[float] = None
    goal: Optional[Goal] = None
    runs: dict[str, list[Run]] = dataclasses.field(default_factory=dict)

    @property
    def figure(self) -> str:
        return "-" if self.value is None else figure(self.value, self.goal.unit if self.goal else "x")

    @property
    def verdict(self) -> str:
        if self.value is None or self.goal is None:
            return "-" if self.runs else "not measured"
        return "met" if self.goal.met(self.value) else "missed"


def figure(value: float, unit: str) -> str:
    digits = 2 if unit == "x" else 0 if value >= 100 else 1
    return f"{value:.{digits}f} {unit}"


def speed(runs: list[Run], files: int) -> str:
    return f"{files / median(runs):,.0f} files/s"


def rate(runs: list[Run], size: int) -> str:
    return f"{size / MEGA / median(runs):,.0f} MB/s"


def seconds(runs: list[Run]) -> str:
    return f"{median(runs):.3f} s"


def absent(group: str, what: str, peer: str) -> Row:
    return Row(group, what, "-", f"{peer}: not installed")


def count(bench: Bench, full: int, quick: int) -> int:
    return quick if bench.quick else full


def ct(bench: Bench) -> pathlib.Path:
    return bench.corpus("ct", count(bench, 1000, 40))


def small(bench: Bench) -> pathlib.Path:
    return bench.corpus("small", count(bench, 5000, 200))


def files_in(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.rglob("*.dcm"))


# -- the header, and whole files, against engines that clean -----------------------------------------------------------


@functools.cache
def engines(python: str) -> dict[str, str]:
    """Versions of Flywheel's engines in that Python."""
    return json.loads(measure([python, HERE / "guest.py", "versions"]).said)


def guest(bench: Bench, *arguments) -> Run:
    """A run of an engine, of which only the time of the work itself counts."""
    run = measure([bench.python, HERE / "guest.py", *arguments])
    return dataclasses.replace(run, wall=json.loads(run.said)["seconds"])


@contextlib.contextmanager
def profile(bench: Bench, recursive: bool) -> Iterator[pathlib.Path]:
    with bench.fresh() as place:
        path = place / "peers.yaml"
        path.write_text(PROFILE.format(recurse="recurse-sequence: true\n  " if recursive else ""))
        yield path


def header_rows(bench: Bench) -> Iterator[Row]:
    """The stage that reads, cleans, writes, checks and searches, against the time that the engine spends on headers alone."""
    version = engines(bench.python).get("fw-file-rs")
    folder = small(bench)
    files = len(files_in(folder))
    for depth in ("flat", "recursive"):
        what = f"headers of `small`, one thread, {depth}"
        if not version:
            yield absent("header", what, "fw-file-rs")
            continue
        with profile(bench, depth == "recursive") as path:
            trials = {
                "ours": lambda: cleaning(bench.without_sending([folder], "--profile", path, *ONE_JOB, *ALL_THE_SAME, "--json")),
                "peer": lambda: guest(bench, "fw-file-rs", path, folder),
            }
            runs = interleaved(trials, bench.rounds)
        theirs = f"fw-file-rs {version}: {speed(runs['peer'], files)}"
        value = ratio(runs["peer"], runs["ours"])
        yield Row("header", what, speed(runs["ours"], files), theirs, value, Goal(">=", 3), runs)


def cleaning(run: Run) -> Run:
    """The run, of which only the stage that cleans counts."""
    events = (json.loads(line) for line in run.said.splitlines())
    stages = next(event["stages"] for event in events if event["type"] == "stages")
    return dataclasses.replace(run, wall=next(stage["busy"] for stage in stages if stage["name"] == "clean"))


def engine_rows(bench: Bench) -> Iterator[Row]:
    """Whole files to disk under one profile, on as many files as the engine's patience allows."""
    what, version = "first files of `small` to disk, one thread, recursive", engines(bench.python).get("flywheel-migration")
    if not version:
        yield absent("engine", what, "flywheel-migration")
        return
    folder = bench.corpus("small", count(bench, 200, 40))
    files = len(files_in(folder))

    def theirs() -> Run:
        with bench.fresh() as out:
            return complete(guest(bench, "flywheel-migration", path, folder, out), out, files)

    with profile(bench, recursive=True) as path:
        ours = functools.partial(bench.to_disk, [folder], "--profile", path, *ONE_JOB, *ALL_THE_SAME, *uncompressed(bench))
        runs = interleaved({"ours": ours, "peer": theirs}, bench.rounds)
    peer = f"flywheel-migration {version}: {speed(runs['peer'], files)}"
    yield Row("engine", what, speed(runs["ours"], files), peer, ratio(runs["peer"], runs["ours"]), Goal(">=", 50), runs)


def dcmanon_rows(bench: Bench) -> Iterator[Row]:
    """Whole programs to disk, each with its own profile; the peer's cleans the top level alone."""
    for name, folder in (("small", small(bench)), ("ct", ct(bench))):
        what = f"`{name}` to disk, one thread"
        if not bench.dcmanon:
            yield absent("dcmanon", what, "dcmanon")
            continue
        files = len(files_in(folder))
        ours = functools.partial(bench.to_disk, [folder], *BASIC, *ONE_JOB, *uncompressed(bench))
        runs = interleaved({"ours": ours, "peer": functools.partial(by_dcmanon, bench, folder, files)}, bench.rounds)
        peer = f"dcmanon: {speed(runs['peer'], files)}"
        yield Row("dcmanon", what, speed(runs["ours"], files), peer, ratio(runs["peer"], runs["ours"]), Goal(">=", 2), runs)


def by_dcmanon(bench: Bench, folder: pathlib.Path, files: int) -> Run:
    with bench.fresh() as out:
        command = [bench.dcmanon, "anonymize", "-i", folder, "-o", out, "-r"]
        return complete(measure(command, {**os.environ, "RAYON_NUM_THREADS": "1"}), out, files)


def complete(run: Run, out: pathlib.Path, files: int) -> Run:
    """The run, if it wrote every file: whether they are clean is not judged."""
    written = sum(path.is_file() for path in out.rglob("*"))
    if written != files:
        raise Failed(f"a peer wrote {written} files, not {files}")
    return run


# -- to disk -----------------------------------------------------------------------------------------------------------


def disk_rows(bench: Bench) -> Iterator[Row]:
    """Cleaning into a folder, the residual check with it, against copying."""
    folder = ct(bench)

    def copied() -> Run:
        with bench.fresh() as out:
            return measure(["cp", "-r", folder, out])

    ours = functools.partial(bench.to_disk, [folder], *BASIC, *ONE_JOB, *uncompressed(bench))
    runs = interleaved({"ours": ours, "peer": copied}, bench.rounds)
    what = "`ct` to disk, basic, one thread: wall"
    value = ratio(runs["ours"], runs["peer"])
    yield Row("disk", what, seconds(runs["ours"]), f"cp: {seconds(runs['peer'])}", value, Goal("<=", 1.5), runs)


def uncompressed(bench: Bench) -> list[str]:
    return bench.if_known("--compression", "none")


def compress_rows(bench: Bench) -> Iterator[Row]:
    """Cleaning and compressing into a folder, on all cores, against programs that compress alone."""
    compression = bench.if_known("--compression", "1")
    for name, folder in (("small", small(bench)), ("ct", ct(bench))):
        trials: dict[str, Trial] = {"ours": functools.partial(bench.to_disk, [folder], *BASIC, *compression)}
        if shutil.which("pigz"):
            trials["pigz"] = functools.partial(by_pigz, bench, folder)
        if shutil.which("zip"):
            trials["zip"] = functools.partial(by_zip, bench, folder)
        source, runs = size_of(folder), interleaved(trials, bench.rounds) if compression else {}
        for peer in ("pigz", "zip"):
            rows = {"rate": f"`{name}`, compressed: rate", "size": f"`{name}`, compressed: output"}
            if not compression:
                yield Row("compress", rows["rate"], "this build does not compress", peer)
                continue
            if peer not in runs:
                yield absent("compress", rows["rate"], peer)
                continue
            ours, theirs = runs["ours"], runs[peer]
            pair = {"ours": ours, "peer": theirs}
            value = ratio(theirs, ours)
            told = f"{peer} -1: {rate(theirs, source)}"
            yield Row("compress", rows["rate"], rate(ours, source), told, value, Goal(">=", 1), pair)
            told = f"{peer} -1: {theirs[0].size / MEGA:.1f} MB"
            value = ratio(ours, theirs, "size")
            yield Row("compress", rows["size"], f"{ours[0].size / MEGA:.1f} MB", told, value, Goal("<=", 1), pair)


def by_pigz(bench: Bench, folder: pathlib.Path) -> Run:
    """Each file on its own, as in a package, on all cores. They are replaced, so it is given copies."""
    with bench.fresh() as out:
        copies = out / "copies"
        shutil.copytree(folder, copies)
        each = f"find . -type f -print0 | xargs -0 -n 50 -P {os.cpu_count()} pigz -1 -p 1"
        run = measure(["sh", "-c", each], folder=copies)
        return dataclasses.replace(run, size=size_of(out))


def by_zip(bench: Bench, folder: pathlib.Path) -> Run:
    with bench.fresh() as out:
        run = measure(["zip", "-1", "-r", "-q", out / "out.zip", "."], folder=folder)
        return dataclasses.replace(run, size=size_of(out))


def second_core_rows(bench: Bench) -> Iterator[Row]:
    """Whether another thread adds work."""
    folder = ct(bench)
    trials: dict[str, Trial] = {
        jobs: functools.partial(bench.to_disk, [folder], *BASIC, "-j", jobs, *uncompressed(bench)) for jobs in ("1", "2")
    }
    runs = interleaved(trials, bench.rounds)
    growth = (ratio(runs["2"], runs["1"], "cpu") - 1) * 100
    one, two = (f"{median(runs[jobs], 'cpu'):.3f} s cpu" for jobs in ("1", "2"))
    what = "`ct` to disk, second thread: growth of cpu"
    yield Row("second-core", what, f"`-j 2`: {two}", f"`-j 1`: {one}", growth, Goal("<=", 10, "%"), runs)


# -- to a server -------------------------------------------------------------------------------------------------------


def curl(bench: Bench, *arguments) -> Run:
    """curl without the user's own settings."""
    return measure(["curl", "-q", "-sS", "--fail", *arguments], bench.environment)


def container_id(bench: Bench, server: Server, kind: str, document: dict) -> str:
    """Makes a container by the API and gives its id."""
    headers = ["-H", f"Authorization: scitran-user {server.key}", "-H", "Content-Type: application/json"]
    return json.loads(curl(bench, *headers, "--data", json.dumps(document), f"{server.url}/api/{kind}").said)["_id"]


def acquisitions(bench: Bench, server: Server, labels: list[str]) -> dict[str, str]:
    """Ids of new acquisitions by their labels."""
    project = container_id(bench, server, "projects", {"group": GROUP, "label": "peer"})
    subject = container_id(bench, server, "subjects", {"project": project, "label": "one", "code": "one"})
    session = container_id(bench, server, "sessions", {"project": project, "subject": {"_id": subject}, "label": "one"})
    return {label: container_id(bench, server, "acquisitions", {"session": session, "label": label}) for label in labels}


def sent_by_curl(bench: Bench, files: list[pathlib.Path]) -> Run:
    """The files as they are, each by a form of its own, all over one connection; an acquisition for each folder of them."""
    with bench.server() as server, bench.fresh() as place:
        ids = acquisitions(bench, server, sorted({path.parent.name for path in files}))
        requests = [
            f'url = "{server.url}/api/acquisitions/{ids[path.parent.name]}/files"\n'
            f'header = "Authorization: scitran-user {server.key}"\nheader = "Expect:"\n'
            f'form = "file=@\\"{path}\\""\noutput = "{os.devnull}"\nfail\n'
            for path in files
        ]
        config = place / "curl.conf"
        config.write_text("next\n".join(requests))
        return curl(bench, "--fail-early", "-K", config)


def against_curl(bench: Bench, source: pathlib.Path) -> dict[str, list[Run]]:
    files = files_in(source) if source.is_dir() else [source]
    trials: dict[str, Trial] = {
        "ours": functools.partial(bench.upload, [source], *BASIC, *uncompressed(bench)),
        "peer": functools.partial(sent_by_curl, bench, files),
    }
    return interleaved(trials, bench.rounds)


def pipeline_rows(bench: Bench) -> Iterator[Row]:
    """Cleaning and sending, against sending alone."""
    what = "`ct` uploaded, basic: rate"
    if not shutil.which("curl"):
        yield absent("pipeline", what, "curl")
        return
    folder = ct(bench)
    runs, size = against_curl(bench, folder), size_of(folder)
    value = ratio(runs["peer"], runs["ours"])
    yield Row("pipeline", what, rate(runs["ours"], size), f"curl: {rate(runs['peer'], size)}", value, Goal(">=", 1), runs)


def small_rows(bench: Bench) -> Iterator[Row]:
    what = "`small` uploaded, basic: rate"
    if not shutil.which("curl"):
        yield absent("small", what, "curl")
        return
    folder = small(bench)
    runs, files = against_curl(bench, folder), len(files_in(folder))
    value = ratio(runs["peer"], runs["ours"])
    yield Row("small", what, speed(runs["ours"], files), f"curl: {speed(runs['peer'], files)}", value, Goal(">=", 3), runs)


def big_rows(bench: Bench) -> Iterator[Row]:
    """Single files too large for memory."""
    folder = bench.corpus("big", count(bench, 763, 4))
    for name in ("native", "encapsulated"):
        path = folder / f"{name}.dcm"
        what = f"{size_of(path) / MEGA:,.0f} MB {name}, uploaded"
        if not shutil.which("curl"):
            yield absent("big", what, "curl")
            continue
        runs = against_curl(bench, path)
        value = ratio(runs["ours"], runs["peer"])
        ours, theirs = seconds(runs["ours"]), f"curl: {seconds(runs['peer'])}"
        yield Row("big", f"{what}: wall", ours, theirs, value, Goal("<=", 1.1), runs)
        yield peak_row("big", f"{what}: peak memory", runs, 48)


def peak_row(group: str, what: str, runs: dict[str, list[Run]], bound: float) -> Row:
    peaks = {name: max(run.peak for run in made) for name, made in runs.items()}
    peer = f"curl: {figure(peaks['peer'], 'MB')}" if "peer" in peaks else "-"
    return Row(group, what, figure(peaks["ours"], "MB"), peer, peaks["ours"], Goal("<=", bound, "MB"), runs)


# -- text in pictures ---------------------------------------------------------------------------------------------------


def pixel_rows(bench: Bench) -> Iterator[Row]:
    """Finding the text of pictures and blanking it, against programs that read it; and what looking costs where there is none."""
    folder = bench.corpus("banner", count(bench, 100, 4))
    files = len(files_in(folder))
    ours = functools.partial(bench.to_disk, [folder], *LOOKING, *ONE_JOB, *uncompressed(bench))
    presidio, tesseract = engines(bench.python).get("presidio-image-redactor"), shutil.which("tesseract")
    trials: dict[str, Trial] = {"ours": ours}
    if tesseract:
        trials["tesseract"] = functools.partial(by_tesseract, tesseract, folder)
    if tesseract and presidio:
        trials["presidio-image-redactor"] = functools.partial(by_presidio, bench, folder, files)
    runs = interleaved(trials, min(bench.rounds, 3))
    for peer in ("tesseract", "presidio-image-redactor"):
        what = "pictures with a banner, blanked, to disk, one thread"
        if peer not in runs:
            yield absent("pixels", what, peer)
            continue
        value = ratio(runs[peer], runs["ours"])
        pair = {"ours": runs["ours"], "peer": runs[peer]}
        yield Row("pixels", what, speed(runs["ours"], files), f"{peer}: {speed(runs[peer], files)}", value, Goal(">=", 10), pair)
    slices = ct(bench)
    trials = {
        name: functools.partial(bench.to_disk, [slices], *profile, *ONE_JOB, *uncompressed(bench))
        for name, profile in (("ours", LOOKING), ("peer", BASIC))
    }
    runs = interleaved(trials, bench.rounds)
    what = "`ct` to disk, basic, one thread, looked at: wall"
    value = ratio(runs["ours"], runs["peer"])
    yield Row("pixels", what, seconds(runs["ours"]), f"not looked at: {seconds(runs['peer'])}", value, Goal("<=", 1.4), runs)


def by_tesseract(program: str, folder: pathlib.Path) -> Run:
    """Reads each picture, at its size and in one thread. What it reads is not judged."""
    each = 'find . -name "*.pgm" -exec "$0" {} - --psm 11 tsv ";"'
    return measure(["sh", "-c", each, program], {**os.environ, "OMP_THREAD_LIMIT": "1"}, folder)


def by_presidio(bench: Bench, folder: pathlib.Path, files: int) -> Run:
    with bench.fresh() as out:
        return complete(guest(bench, "presidio-image-redactor", folder, out), out, files)


# -- files that take their time ----------------------------------------------------------------------------------------

SLOW_MS = 2
IN_MEMORY = ("tmpfs", "ramfs")


def slow_disk_rows(bench: Bench) -> Iterator[Row]:
    """Files on which each call waits, as on a network, against copying them, which takes one after the other."""
    what = f"`small`, {SLOW_MS} ms for each opening and each read, dry run: rate"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or not sys.platform.startswith("linux"):
        yield Row("slow-disk", what, "-", "needs a C compiler, on Linux")
        return
    folder = bench.corpus("small", count(bench, 1000, 100))
    files = len(files_in(folder))
    with bench.fresh() as place:
        library = place / "slow_files.so"
        measure([compiler, "-O2", "-shared", "-fPIC", "-o", library, HERE / "slow_files.c", "-ldl"])
        slow = {"LD_PRELOAD": str(library), "SLOW_BELOW": str(folder), "SLOW_MS": str(SLOW_MS)}

        def copied() -> Run:
            with bench.fresh() as out:
                return measure(["cp", "-r", folder, out], {**bench.environment, **slow})

        jobs = {name: ("-j", name) for name in ("1", "2", "8")}
        trials: dict[str, Trial] = {
            name: functools.partial(bench.without_sending, [folder], *BASIC, *flag, also=slow) for name, flag in jobs.items()
        }
        runs = interleaved({**trials, "peer": copied}, bench.rounds)
    for name in jobs:
        pair = {"ours": runs[name], "peer": runs["peer"]}
        value = ratio(runs["peer"], runs[name])
        told = f"cp: {speed(runs['peer'], files)}"
        yield Row("slow-disk", f"{what}, `-j {name}`", speed(runs[name], files), told, value, Goal(">=", 2), pair)


def cold_rows(bench: Bench) -> Iterator[Row]:
    """Files that are on the disk alone, against the same files in memory: what waiting for the disk adds."""
    what = "`small` from a disk, its pages dropped, dry run: wall"
    if not hasattr(os, "posix_fadvise"):
        yield Row("cold", what, "-", "this system has no way to drop pages of single files")
        return
    disk = next((place for place in (bench.folder, pathlib.Path(tempfile.gettempdir())) if is_disk(place)), None)
    if not disk:
        yield Row("cold", what, "-", "needs a folder on a disk: `--folder`, or TMPDIR")
        return
    source = small(bench)
    with tempfile.TemporaryDirectory(prefix="fwupload-cold-", dir=disk) as place:
        folder = pathlib.Path(place) / "small"
        shutil.copytree(source, folder)
        for path in files_in(folder):
            with path.open("rb") as file:
                os.fsync(file.fileno())
        warm = functools.partial(bench.without_sending, [folder], *BASIC)
        read = functools.partial(measure, ["sh", "-c", 'find "$0" -type f -exec cat {} + > /dev/null', folder])

        def cold(trial: Trial) -> Run:
            dropped(folder)
            return trial()

        trials: dict[str, Trial] = {
            "ours": functools.partial(cold, warm),
            "peer": warm,
            "cat": functools.partial(cold, read),
            "cat warm": read,
        }
        runs = interleaved(trials, bench.rounds)
    value = ratio(runs["ours"], runs["peer"])
    told = f"in memory: {seconds(runs['peer'])}; cat: {seconds(runs['cat'])}, in memory {seconds(runs['cat warm'])}"
    yield Row("cold", what, seconds(runs["ours"]), told, value, Goal("<=", 1.25), runs)


def is_disk(folder: pathlib.Path) -> bool:
    return file_system(folder.resolve()) not in IN_MEMORY


def dropped(folder: pathlib.Path) -> None:
    """Has the system forget what it holds of these files, and of no others: names and sizes it may keep."""
    for path in files_in(folder):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


# -- start, and many files ---------------------------------------------------------------------------------------------


def start_rows(bench: Bench) -> Iterator[Row]:
    """Small costs that no user should notice."""
    runs = interleaved({"ours": lambda: measure([bench.program, "--version"], bench.environment)}, 4 * bench.rounds)
    value = median(runs["ours"]) * 1000
    yield Row("start", "`fwupload --version`: wall", figure(value, "ms"), "-", value, Goal("<=", 20, "ms"), runs)
    folders = sorted(path for path in small(bench).iterdir())[:10]
    runs = interleaved({"ours": lambda: indexed(bench, folders)}, bench.rounds)
    value, files = median(runs["ours"]) * 1000, sum(len(files_in(folder)) for folder in folders)
    what = f"walk and index of {files} of `small`: time of all threads"
    yield Row("start", what, figure(value, "ms"), "-", value, Goal("<=", 100, "ms"), runs)


def indexed(bench: Bench, folders: list[pathlib.Path]) -> Run:
    """A run of which only the time in the first two stages counts."""
    run = bench.without_sending(folders, *BASIC, "--json")
    events = [json.loads(line) for line in run.said.splitlines()]
    stages = next((event["stages"] for event in events if event["type"] == "stages"), None)
    if stages is None:
        raise Failed("fwupload did not tell of its stages")
    busy = sum(stage["busy"] for stage in stages if stage["name"] in ("walk", "index"))
    return dataclasses.replace(run, wall=busy, said=b"")


def prepared(bench: Bench, folder: pathlib.Path) -> Trial:
    return functools.partial(bench.without_sending, [folder], *BASIC)


def uploaded(bench: Bench, folder: pathlib.Path) -> Trial:
    return functools.partial(bench.upload, [folder], *BASIC, "--uploads", "8", *uncompressed(bench))


# How many files are tried.
WAYS = {"dry run": prepared, "upload": uploaded}


def scaling_rows(bench: Bench) -> Iterator[Row]:
    """Time per file may not grow with their number: each number is compared with the one before it."""
    counts = (100, 200) if bench.quick else (1_000, 10_000, 100_000)
    folders = {files: bench.corpus("small", files) for files in counts}
    for way, trial in WAYS.items():
        runs = interleaved({str(files): trial(bench, folder) for files, folder in folders.items()}, min(bench.rounds, 3))
        fewer: list[Run] = []
        for files in counts:
            made = runs[str(files)]
            each = [dataclasses.replace(run, wall=run.wall / files) for run in made]
            what = f"{files:,} small instances, {way}: time of each"
            ours = f"{speed(made, files)}, {figure(max(run.peak for run in made), 'MB')}"
            value, goal = (ratio(each, fewer), Goal("<=", 1.1)) if fewer else (None, None)
            yield Row("scaling", what, ours, "the number before" if fewer else "-", value, goal, {"ours": made})
            fewer = each


def million_rows(bench: Bench) -> Iterator[Row]:
    """A million instances of 1.3 KB in a thousand series: a tree of some 4 GB, where a file takes at least a block of 4 KiB."""
    files = count(bench, 1_000_000, 2_000)
    folder = bench.corpus("tiny", files)
    for way, trial in WAYS.items():
        start = time.monotonic()
        run = trial(bench, folder)()
        print(f"{files:,} instances, {way}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        yield peak_row("million", f"{files:,} instances, {way}: peak memory", {"ours": [run]}, 150)


GROUPS = {
    "header": header_rows,
    "dcmanon": dcmanon_rows,
    "engine": engine_rows,
    "disk": disk_rows,
    "pipeline": pipeline_rows,
    "small": small_rows,
    "compress": compress_rows,
    "big": big_rows,
    "pixels": pixel_rows,
    "cold": cold_rows,
    "slow-disk": slow_disk_rows,
    "start": start_rows,
    "second-core": second_core_rows,
    "scaling": scaling_rows,
    "million": million_rows,
}
ON_REQUEST = ("scaling", "million")
