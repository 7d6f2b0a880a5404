"""What every engine's test needs: studies, a sandbox, what one run leaves in one, and processes that end with the test."""

import contextlib
import dataclasses
import hashlib
import importlib.util
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RECIPES = ROOT / "examples/shards"
PROJECT = "demo/phantom"
PROFILE = """name = "engines"
[dicom]
fields = [
  { name = "PatientName", remove = true },
  { name = "PatientID", hash = true },
  { name = "PatientBirthDate", remove = true },
  { name = "StudyInstanceUID", hashuid = true },
  { name = "SeriesInstanceUID", hashuid = true },
  { name = "SOPInstanceUID", hashuid = true },
]
"""


class Skipped(Exception):
    """What the engine needs cannot be had here."""


def insist(holds, otherwise):
    if not holds:
        raise AssertionError(otherwise)


def needs(*programs):
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [program for program in programs if not shutil.which(program, path=path)]
    if missing:
        raise Skipped(f"{' and '.join(missing)} cannot be found here")


def wait_for(holds, what, seconds=60.0):
    """The first true value of `holds()`; fails after the time."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        insist(time.monotonic() < end, f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
    return value


def module(path):
    spec = importlib.util.spec_from_file_location(path.parent.name + "_" + path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def write_study(folder, patients, series=2, slices=4, size=64 * 1024, cut_short=False):
    """A study for each patient, its pixels noise. With `cut_short`, one file more that cannot be read to its end."""
    instance = module(ROOT / "tests/soak/run.py").instance
    noise = random.Random(1)
    for patient in range(1, patients + 1):
        for number in range(1, series + 1):
            below = folder / f"p{patient}" / f"s{number}"
            below.mkdir(parents=True)
            for at in range(1, slices + 1):
                (below / f"{at}.dcm").write_bytes(instance(patient, number, at, noise.randbytes(size)))
    if cut_short:
        below = folder / "p1/s9"
        below.mkdir()
        (below / "1.dcm").write_bytes(instance(1, 9, 1, noise.randbytes(size))[: size // 2])
    return patients * series * slices + cut_short


@dataclasses.dataclass
class Sandbox:
    """A server with its folder, and the key for it."""

    process: subprocess.Popen
    folder: pathlib.Path
    key: str

    def holds(self):
        """Every file of the project by its path: names and digests of its members, or its own digest."""
        held = {}
        for path in sorted((self.folder / PROJECT).rglob("*")):
            if path.is_file() and zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    content = sorted((name, hashlib.sha256(archive.read(name)).hexdigest()) for name in archive.namelist())
            elif path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                continue
            held[str(path.relative_to(self.folder))] = content
        return held

    def counts(self):
        """How many containers of each kind the project has, empty ones too."""
        project = self.ask("/lookup", {"path": PROJECT.split("/")})["_id"]
        return {kind: len(self.ask(f"/projects/{project}/{kind}")) for kind in ("subjects", "sessions", "acquisitions")}

    def ask(self, path, body=None):
        host, port, _, key = self.key.split(":")
        request = urllib.request.Request(f"http://{host}:{port}/api{path}", data=body and json.dumps(body).encode())
        request.add_header("Authorization", f"scitran-user {key}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


class Work:
    """A folder for one test: keys, studies, sandboxes, an environment for the program, and all that is to be ended."""

    def __init__(self, program, folder, stack):
        self.folder, self.stack, self.wanted, self.code = folder, stack, {}, 0
        (folder / "bin").mkdir()
        (folder / "tmp").mkdir()
        self.program = folder / "bin/fwupload"
        self.program.symlink_to(program)
        self.secret("adni.key", os.urandom(32).hex())
        (folder / "engines.toml").write_text(PROFILE)
        shutil.copytree(ROOT / "examples/study", folder / "example")

    def secret(self, name, text):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def environment(self, **more):
        """Nothing of the caller's environment but the folders of programs."""
        path = f"{self.folder}/bin:{os.environ['PATH']}:/usr/sbin:/sbin"
        return {"PATH": path, "HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp"), "LC_ALL": "C.UTF-8", **more}

    def start(self, command, **settings):
        """Starts a process that ends with the test at the latest."""
        settings.setdefault("env", self.environment())
        process = subprocess.Popen([str(word) for word in command], cwd=self.folder, start_new_session=True, **settings)

        def end():
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

        self.stack.callback(end)
        return process

    def run(self, command, codes=(0,), folder=None, timeout=300, **variables):
        """Runs to the end, insists on the exit code, and gives what was said on both ways; `code` is the exit code."""
        ran = subprocess.run(
            [str(word) for word in command],
            cwd=folder or self.folder,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        shown = " ".join(str(word) for word in command)[:200]
        insist(ran.returncode in codes, f"{shown} ended with {ran.returncode} and not {codes}:\n{ran.stdout[-4000:]}")
        self.code = ran.returncode
        return ran.stdout

    def sandbox(self, name):
        """A new server, whose key is written to `flywheel.key`."""
        folder = self.folder / name
        command = [self.program, "sandbox", folder, "--project", PROJECT]
        process = self.start(command, stdout=subprocess.PIPE, text=True)
        key = json.loads(process.stdout.readline())["key"]
        self.secret("flywheel.key", key)
        return Sandbox(process, folder, key)

    def one_run_leaves(self, study, profile, code):
        """What a server holds after one run without shards, which ends with this code. Kept for the next question."""
        asked = (str(study), str(profile))
        if asked not in self.wanted:
            number = len(self.wanted)
            here = (self.folder / "flywheel.key").read_text()
            site = self.sandbox(f"one-run-{number}")
            command = [self.program, study, "--project", PROJECT, "--profile", profile, "--api-key-file", "flywheel.key"]
            command += ["--pseudonym-key-file", "adni.key", "--report", f"one-run-{number}.jsonl"]
            self.run(command, codes=(code,), FWUPLOAD_STATE_HOME=str(self.folder / f"one-run-{number}-state"))
            self.secret("flywheel.key", here)
            self.wanted[asked] = site.holds(), site.counts()
        return self.wanted[asked]

    def same_as_one_run(self, site, study, profile, code):
        """Insists that the server holds what one run leaves; gives the number of files."""
        (wanted, containers), held, counts = self.one_run_leaves(study, profile, code), site.holds(), site.counts()
        missing, more = sorted(wanted.keys() - held.keys()), sorted(held.keys() - wanted.keys())
        other = [path for path in wanted.keys() & held.keys() if wanted[path] != held[path]]
        insist(not (missing or more or other), f"missing {missing}; not wanted {more}; with other content {other}")
        insist(counts == containers, f"{counts} and not {containers}")
        insist(wanted, "one run left nothing")
        return len(held)


def end_of(report):
    """The last record of a report, if the run that wrote it came to its end."""
    if not report.exists():
        return None
    lines = report.read_text().splitlines()
    last = json.loads(lines[-1]) if lines and lines[-1].endswith("}") else {}
    return last if last.get("type") == "end" else None


def say(engine, text):
    print(f"{engine}: {text}", flush=True)


@contextlib.contextmanager
def timed(engine, what):
    begun = time.monotonic()
    said = []
    yield said
    say(engine, f"{what}: {'; '.join(said) or 'yes'} ({time.monotonic() - begun:.1f} s)")
