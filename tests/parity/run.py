#!/usr/bin/env python3
"""Judges fwupload's profiles against Flywheel's official engine.

    run.py [--only NAME]... [--keep FOLDER] [--examples N] PROGRAM

PROGRAM is fwupload, built. Every profile in `profiles/` is carried out by both engines on every file of `corpus.py`. Each
pair of profile and file ends in exactly one class; one that is neither the same nor a documented difference fails the run.
Needs flywheel-migration and what its package for pixel data needs, in the Python that runs this.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent

import compare  # noqa: E402
import corpus  # noqa: E402
import documented  # noqa: E402
import engine  # noqa: E402
import pixels  # noqa: E402

# Profiles that run over what both engines made under another one.
AFTER = {"50-decrypt": "34-encrypt"}

IDENTICAL, DOCUMENTED, REFUSED, ONLY_OURS, NEITHER, UNEXPLAINED = CLASSES = (
    "identical",
    "documented",
    "refused by us",
    "only by us",
    "by neither",
    "UNEXPLAINED",
)


def ours(program, profile, folder, out):
    """What fwupload did with each file, by name; and why it refused the profile, if it did."""
    command = [program, "profile", "test", profile, folder, "--output", out, "--json", "--residual", "warn"]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    results = {os.path.basename(line["path"]): line for line in lines if line.get("type") == "file"}
    return results, "" if results else (done.stderr or done.stdout).strip()


def judge(profile, document, folder, out, ours_by_name, names):
    """Runs the engine on some files and gives, for each, the class it falls in and why."""
    return [(name, *judge_one(profile, document, folder, out, name, ours_by_name.get(name))) for name in names]


def refused(names):
    """The verdicts for a profile that fwupload would not have."""
    return [(name, UNEXPLAINED, ["the profile was refused by us"]) for name in names]


def judge_one(profile, document, folder, out, name, mine):
    before, theirs = os.path.join(folder, name), os.path.join(out, "theirs", name)
    result = engine.clean(document, folder, name, theirs)
    mine = mine or {"outcome": "skipped", "code": "", "message": "not mentioned"}
    cleaned = mine["outcome"] == "cleaned"
    case = (document, before, mine, result)
    if not cleaned and result.outcome != "cleaned":
        return NEITHER, [f"{mine.get('code')} | {result.reason}"]
    if not cleaned:
        decision = documented.covering(documented.REFUSED_BY_US, *case)
        return (REFUSED, [decision.id]) if decision else (UNEXPLAINED, [f"{mine['outcome']} by us: {mine.get('code')}: {mine.get('message')}"])
    if result.outcome != "cleaned":
        decision = documented.covering(documented.REFUSED_BY_THEM, *case)
        return (ONLY_OURS, [decision.id]) if decision else (UNEXPLAINED, [f"{result.outcome} by the engine: {result.reason}"])
    return compared(document, before, os.path.join(out, "ours", mine["output"]), theirs, result.name)


def compared(document, before, mine, theirs, their_name):
    rules = (documented.dicom(document).get("alter_pixels") or {}).get("pixels", [])
    fault = compare.meta_fault(before, mine, theirs, altered=bool(rules)) or (rules and pixels.fault(rules, before, mine))
    if fault:
        return UNEXPLAINED, [f"file meta information or image: {fault}"]
    found = [(d, documented.covering(documented.ELEMENTS, document, d)) for d in compare.differences(before, mine, theirs)]
    # A name that another file of the folder has gets a number; the engine saw one file at a time.
    our_name = re.sub(r"-\d+(?=\.[^.]*$)", "", os.path.basename(mine))
    if os.path.basename(mine) != their_name != our_name:
        decision = documented.covering(documented.NAMES, document, before, compare.read(mine), our_name, their_name)
        found.append((f"named {our_name}, by the engine {their_name}", decision))
    unexplained = [str(d) for d, decision in found if decision is None]
    if unexplained:
        return UNEXPLAINED, unexplained
    return (DOCUMENTED, sorted({decision.id for _, decision in found})) if found else (IDENTICAL, [])


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("program")
    arguments.add_argument("--only", action="append", help="a profile, by the start of its name")
    arguments.add_argument("--keep", help="work in this folder and leave everything there")
    arguments.add_argument("--examples", type=int, default=12, help="how many unexplained pairs to show for each profile")
    given = arguments.parse_args()
    program = os.path.abspath(given.program)
    with tempfile.TemporaryDirectory(prefix="parity-") as work:
        return run(program, os.path.abspath(given.keep or work), given)


def run(program, work, given):
    started = time.monotonic()
    folder = os.path.join(work, "in")
    os.makedirs(folder, exist_ok=True)
    corpus.gather(folder)
    corpus.make(folder)
    names = sorted(os.listdir(folder))
    profiles = prepared(work, given.only)
    totals = collections.Counter()
    first = [path for path in profiles if path.stem not in AFTER]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), initializer=engine.settle, initargs=(work,)) as pool:
        print(f"{'profile':<28}" + "".join(f"{kind:>15}" for kind in CLASSES), flush=True)
        begun = [(path, begin(pool, program, str(path), folder, work, names)) for path in first]
        for path, parts in begun:
            totals += report(path.stem, [verdict for part in parts for verdict in part.result()], given.examples)
        for path in (path for path in profiles if path.stem in AFTER):
            inputs = both_results(work, AFTER[path.stem])
            parts = begin(pool, program, str(path), inputs, work, sorted(os.listdir(inputs)))
            totals += report(path.stem, [verdict for part in parts for verdict in part.result()], given.examples)
    print_totals(totals, len(profiles), len(names), time.monotonic() - started)
    return 1 if totals[UNEXPLAINED] else 0


def both_results(work, profile):
    """A folder with what both engines made under a profile."""
    folder = os.path.join(work, f"{profile} results")
    os.makedirs(folder, exist_ok=True)
    for side in ("ours", "theirs"):
        for path in pathlib.Path(work, profile, side).iterdir():
            shutil.copyfile(path, os.path.join(folder, f"{side}-{path.name}.dcm"))
    return folder


def prepared(work, only):
    """The profiles with the paths of the keys put in, in the working folder."""
    keys = os.path.join(work, "keys")
    if not os.path.exists(keys):
        os.makedirs(keys)
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=parity", "-days", "2"]
        paths = ["-keyout", os.path.join(keys, "private.pem"), "-out", os.path.join(keys, "certificate.pem")]
        subprocess.run(command + paths, check=True, capture_output=True)
    ready = []
    for path in sorted((HERE / "profiles").iterdir()):
        if not only or path.name.startswith(tuple(only)):
            ready.append(pathlib.Path(work, path.name))
            ready[-1].write_text(path.read_text(encoding="utf-8").replace("@KEYS@", keys), encoding="utf-8")
    return ready


def begin(pool, program, profile, folder, work, names):
    """Has fwupload clean the files and hands the rest of the work out in parts."""
    document = engine.read_profile(profile)
    engine.load(document)
    out = os.path.join(work, os.path.splitext(os.path.basename(profile))[0])
    for side in ("ours", "theirs"):
        os.makedirs(os.path.join(out, side), exist_ok=True)
    mine, refusal = ours(program, profile, folder, os.path.join(out, "ours"))
    if refusal:
        print(refusal.splitlines()[0][:300])
        return [pool.submit(refused, names)]
    size = 24
    parts = [names[at : at + size] for at in range(0, len(names), size)]
    return [pool.submit(judge, profile, document, folder, out, mine, part) for part in parts]


def report(name, verdicts, examples):
    """Prints a profile's line and what is unexplained in it; gives the counts of classes and of decisions."""
    counts = collections.Counter(kind for _, kind, _ in verdicts)
    print(f"{name:<28}" + "".join(f"{counts[kind]:>15}" for kind in CLASSES), flush=True)
    for file, _, details in [verdict for verdict in verdicts if verdict[1] == UNEXPLAINED][:examples]:
        print(f"    {file}: " + "\n        ".join(details[:4]))
    for _, kind, details in verdicts:
        if kind in (DOCUMENTED, REFUSED, ONLY_OURS):
            counts.update((kind, detail) for detail in details)
    return counts


def print_totals(totals, profiles, files, seconds):
    print(f"\n{profiles} profiles, {files} files, {sum(totals[kind] for kind in CLASSES)} pairs, {seconds:.0f} s")
    for kind in CLASSES:
        print(f"{totals[kind]:>8} {kind}")
    for kind, decisions in ((DOCUMENTED, documented.ELEMENTS + documented.NAMES), (REFUSED, documented.REFUSED_BY_US), (ONLY_OURS, documented.REFUSED_BY_THEM)):
        print(f"\n{kind}: how many files each decision is seen in")
        for decision in decisions:
            print(f"{totals[(kind, decision.id)]:>8} {decision.id}: {decision.reason}" + (f" ({decision.quirk})" if decision.quirk else ""))


if __name__ == "__main__":
    sys.exit(main())
