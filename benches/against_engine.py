#!/usr/bin/env python3
"""Files per second, ours and Flywheel's official engine's, in one run over the same files and profiles.

    against_engine.py PROGRAM [--files N]

PROGRAM is fwupload, built for release. 1000 files like a CT scanner's (some 200 elements, 512 KiB of pixels) are written
to a temporary folder and read once, so that both sides find them in the page cache. The profiles are those of
`benches/profiles`. Both write every cleaned file. The engine is loaded once per process, its profile once per run; the
time to start it is not counted, ours is. fwupload waits for the disk after each file, so that what it calls written is
written; the engine does not. Point TMPDIR to a file system in memory to compare the work without the disk.

Needs flywheel-migration in the Python that runs this. Prints Markdown.
"""

import argparse
import multiprocessing
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "parity"))

import corpus  # noqa: E402
import engine  # noqa: E402
from fs.osfs import OSFS  # noqa: E402


def ct_image(number):
    """A file of the size and make of a scanner's."""
    more = {
        "t00280010": corpus.numbers("US", 512),
        "t00280011": corpus.numbers("US", 512),
        "t7FE00010": corpus.Value("OW", bytes((number + at) % 256 for at in range(256)) * 2048),
        "t00290010": corpus.text("LO", "SIEMENS CSA HEADER"),
        **{f"t0029{element:04x}": corpus.text("LO", "private value") for element in range(0x1010, 0x1050)},
        **{f"t0018{element:04x}": corpus.text("DS", "1.25") for element in range(0x1200, 0x1240)},
    }
    return corpus.file_bytes(corpus.study(number, **more))


def write_files(folder, count):
    for number in range(count):
        pathlib.Path(folder, f"{number:04d}.dcm").write_bytes(ct_image(number))


def in_cache(folder):
    for path in pathlib.Path(folder).iterdir():
        path.read_bytes()


def engine_part(profile, folder, names, out):
    """The engine over some files, one call each, as for files of many series."""
    ready = engine.load(engine.read_profile(profile))
    source, target = OSFS(folder), OSFS(out)
    for name in names:
        ready.process_packfile("dicom", source, target, [name])


def engine_seconds(pool, processes, profile, folder, out):
    names = sorted(os.listdir(folder))
    started = time.perf_counter()
    parts = [pool.apply_async(engine_part, (profile, folder, names[at::processes], out)) for at in range(processes)]
    for part in parts:
        part.get()
    return time.perf_counter() - started


def our_seconds(program, jobs, profile, folder, out):
    started = time.perf_counter()
    command = [program, "profile", "test", profile, folder, "--output", out, "--json", "--jobs", str(jobs)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def measured(work, count, run):
    """Files per second of a run into an empty folder, of which it must leave every file."""
    out = tempfile.mkdtemp(dir=work)
    seconds = run(out)
    written = len(os.listdir(out))
    shutil.rmtree(out)
    if written != count:
        sys.exit(f"{written} files written, not {count}")
    return count / seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("program")
    arguments.add_argument("--files", type=int, default=1000)
    given = arguments.parse_args()
    program = os.path.abspath(given.program)
    cores = os.cpu_count()
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        folder = os.path.join(work, "in")
        os.mkdir(folder)
        write_files(folder, given.files)
        size = sum(path.stat().st_size for path in pathlib.Path(folder).iterdir())
        print(f"{given.files} files of {size // given.files} bytes, {cores} cores, {platform.machine()}; files per second\n")
        print("| profile | engine, 1 process | fwupload, 1 job | ratio | engine, 2 processes | fwupload, 2 jobs | ratio |")
        print("|---|---|---|---|---|---|---|")
        with multiprocessing.Pool(2, engine.settle, (work,)) as pool:
            pool.map(abs, range(64))
            for profile in sorted((HERE / "profiles").iterdir()):
                print(row(pool, program, str(profile), folder, work, given.files), flush=True)


def row(pool, program, profile, folder, work, count):
    cells = [pathlib.Path(profile).stem]
    for workers in (1, 2):
        in_cache(folder)
        theirs = measured(work, count, lambda out: engine_seconds(pool, workers, profile, folder, out))
        ours = measured(work, count, lambda out: our_seconds(program, workers, profile, folder, out))
        cells += [f"{theirs:.0f}", f"{ours:.0f}", f"{ours / theirs:.1f}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
