#!/usr/bin/env python3
"""Scores what fwupload does about text in pictures, on pictures that it makes, and proves the scorer while it is at it.

    run.py [--count N] [--seed N] [--profile NAME|FILE] [--only NAME,...] [--keep FOLDER] PROGRAM

PROGRAM is fwupload, built. Needs what requirements.txt lists. Exits with 1 if a limit is exceeded or a control fails.
"""

import argparse
import concurrent.futures
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from dataclasses import dataclass

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
warnings.filterwarnings("ignore", module="pydicom")
# One thread for each process: there are as many processes as cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from pydicom import dcmread  # noqa: E402

import controls  # noqa: E402
import dicomfile  # noqa: E402
from pictures import paint, specify  # noqa: E402
from scorer import Verdict, Written, judge, limits, misses, table  # noqa: E402

KEY = "015c" * 16
SOME_FAILED, ALL_FAILED = 3, 9
COUNT = 250
# Of pictures without text, and of those made to fool, for each one with text.
SHARES = {"text": 1.0, "free": 0.8, "hard": 0.4}
# Pictures of each kind that the controls are about.
FOR_CONTROLS = {"text": 40, "free": 12, "hard": 12}
MISSES_SHOWN = 60
# What the program is made to let through, to see that the scorer counts it as left.
KEEPING = ('burned-in = "detect"', 'burned-in = "keep"')
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("program")
    arguments.add_argument("--count", type=int, default=COUNT, help="pictures with text; others in proportion")
    arguments.add_argument("--seed", type=int, default=1, help="other pictures")
    arguments.add_argument("--profile", default="basic", help="a built-in name or a file")
    arguments.add_argument("--only", default="", help="these pictures alone, by name, with commas between; no limits")
    arguments.add_argument("--keep", help="work in this folder and leave everything there")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="pixels-") as work:
        return run(pathlib.Path(given.keep or work).resolve(), given)


def run(work: pathlib.Path, given: argparse.Namespace) -> int:
    started = time.monotonic()
    names = (
        given.only.split(",") if given.only else [f"{kind}-{n:04d}" for kind in SHARES for n in range(round(given.count * SHARES[kind]))]
    )
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        pictures = list(pool.map(make, names, [given.seed] * len(names), [work / "in"] * len(names), chunksize=4))
        files = sum(len(each.files) for each in pictures)
        lines = sum(line.identifies for each in pictures for line in each.lines)
        print(f"{len(pictures)} pictures in {files} files, {lines} identifying lines, seed {given.seed}, {_since(started)}", flush=True)
        program = Program(pathlib.Path(given.program).resolve(), work)
        failed = []
        if not given.only:
            failed += prove(program, pictures, work)
            print(f"scorer proven by controls, {_since(started)}" if not failed else f"{len(failed)} controls fail", flush=True)
        verdicts = clean(program, pool, pictures, given.profile, work / "out")
    print(f"cleaned and judged, {_since(started)}\n")
    if not given.only:
        print(*table(verdicts), "", *limits(verdicts), "", sep="\n")
        failed += [str(limit) for limit in limits(verdicts) if not limit.holds]
    missed = list(misses(verdicts))
    print(*missed[:MISSES_SHOWN], *([f"and {len(missed) - MISSES_SHOWN} more"] if missed[MISSES_SHOWN:] else []), sep="\n")
    if given.keep:
        (work / "misses.txt").write_text("".join(f"{miss}\n" for miss in missed), "utf-8")
    if given.only:
        for each in verdicts:
            print(f"{each.spec}\n  {len(each.left)} of {len(each.lines)} lines left, {each.refused} refused, {each.changed} changed")
        return 0
    beside = sum(each.beside_lines > 0 for each in verdicts if each.spec.kind == "text")
    print(f"told, not judged: {beside} pictures changed between the lines of a block, further than 12 pixels from each of them")
    for failure in failed:
        print(f"failed: {failure}")
    print(f"\n{'all limits hold' if not failed else f'{len(failed)} failed'}, {_since(started)}")
    return 1 if failed else 0


def _since(started: float) -> str:
    return f"at {time.monotonic() - started:.0f} s"


def make(name: str, seed: int, folder: pathlib.Path) -> Written:
    """Writes a picture's files, and beside the folder the pixels of those that are compressed."""
    picture = paint(specify(name, seed))
    inputs, stored = folder / picture.spec.kind / name, folder.parent / "stored"
    inputs.mkdir(parents=True, exist_ok=True)
    stored.mkdir(parents=True, exist_ok=True)
    written = Written(picture.spec, picture.lines, picture.blocks, [], [])
    for number, (data, pixels) in enumerate(dicomfile.data_sets(picture), 1):
        written.files.append(inputs / f"{number:03d}.dcm")
        data.save_as(written.files[-1], enforce_file_format=True)
        native = not data.file_meta.TransferSyntaxUID.is_compressed
        written.stored.append(None if native else stored / f"{name}-{number:03d}.npy")
        if not native:
            np.save(written.stored[-1], pixels)
    return written


@dataclass
class Program:
    """fwupload, away from the user's own settings."""

    path: pathlib.Path
    work: pathlib.Path

    def clean(self, profile: str, inputs: list[pathlib.Path], out: pathlib.Path) -> tuple[dict, dict]:
        """The files that came out, by series and instance number, and the codes of those that failed, by path."""
        home = self.work / "home"
        home.mkdir(parents=True, exist_ok=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        own = {name: str(home) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FWUPLOAD_")}
        packed = out.with_suffix(".packed")
        command = [self.path, *inputs, "-p", "demo/phantom", "--profile", profile, "--offline", "--output", packed, "--compression", "none"]
        done = subprocess.run(
            [*map(str, command), "--json", "--report", str(out.with_suffix(".jsonl"))], capture_output=True, cwd=home, check=False,
            stdin=subprocess.DEVNULL, env={**kept, **own, "FWUPLOAD_PSEUDONYM_KEY": KEY},
        )  # fmt: skip
        if done.returncode not in {0, SOME_FAILED, ALL_FAILED}:
            sys.exit(done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        codes = {pathlib.Path(event["path"]): event["code"] for event in events if event.get("type") == "failed"}
        return dict(_unpacked(packed, out)), codes


def _unpacked(packed: pathlib.Path, out: pathlib.Path):
    """Writes what the packages hold, one by one, by Series and Instance Number, which profiles keep."""
    out.mkdir(parents=True, exist_ok=True)
    for package in sorted(packed.rglob("*")):
        if not package.is_file():
            continue
        data = package.read_bytes()
        if zipfile.is_zipfile(package):
            with zipfile.ZipFile(package) as archive:
                instances = [archive.read(name) for name in archive.namelist()]
        else:
            instances = [data]
        package.unlink()
        for instance in instances:
            header = dcmread(io.BytesIO(instance), stop_before_pixels=True, specific_tags=["SeriesNumber", "InstanceNumber"])
            place = int(header.SeriesNumber), int(header.InstanceNumber)
            path = out / f"{place[0]}-{place[1]:03d}.dcm"
            path.write_bytes(instance)
            yield place, path


def clean(program: Program, pool, pictures: list[Written], profile: str, out: pathlib.Path) -> list[Verdict]:
    """Cleans all pictures of a kind in one run, and judges them."""
    verdicts = []
    path = pathlib.Path(profile)
    profile = str(path.resolve()) if path.is_file() else profile
    for kind in SHARES:
        chosen = [each for each in pictures if each.spec.kind == kind]
        if not chosen:
            continue
        started = time.monotonic()
        outputs, codes = program.clean(profile, [each.files[0].parent for each in chosen], out / kind)
        print(f"{kind}: {sum(len(each.files) for each in chosen)} files in {time.monotonic() - started:.1f} s", flush=True)
        places = [{n: outputs[each.spec.number, n] for n in range(1, 99) if (each.spec.number, n) in outputs} for each in chosen]
        failed = [{n: codes[file] for n, file in enumerate(each.files, 1) if file in codes} for each in chosen]
        verdicts += pool.map(judge, chosen, places, failed, chunksize=4)
    return verdicts


def prove(program: Program, pictures: list[Written], work: pathlib.Path) -> list[str]:
    """The scorer, on tools whose score is known: what does not hold."""
    by_kind = {kind: [each for each in pictures if each.spec.kind == kind and not each.spec.by_rule] for kind in SHARES}
    chosen = [each for kind, most in FOR_CONTROLS.items() for each in by_kind[kind][:most]]
    (work / "controls").mkdir(parents=True, exist_ok=True)
    found = list(controls.controls(chosen, work / "controls"))
    keeping = work / "keeping.toml"
    keeping.write_text((REPOSITORY / "profiles" / "basic.toml").read_text("utf-8").replace(*KEEPING), "utf-8")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        kept = clean(program, pool, chosen, str(keeping), work / "kept")
    found.append(controls.all_or_nothing('the program with burned-in = "keep"', kept, left=True))
    return [f"control: {name}: {said}" for name, holds, said in found if not holds]


if __name__ == "__main__":
    sys.exit(main())
