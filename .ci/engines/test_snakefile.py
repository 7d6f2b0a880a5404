"""examples/shards/Snakefile, by Snakemake on this machine."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from common import RECIPES, Skipped, end_of, insist, say, timed, wait_for, write_study


def snakemake():
    beside = pathlib.Path(sys.executable).parent / "snakemake"
    found = str(beside) if beside.exists() else shutil.which("snakemake")
    if not found:
        raise Skipped("Snakemake is not installed here")
    return found


def uploads(work, name):
    """Processes of the program that send the shards of a case."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes()
            if (entry / "cwd").readlink() == work.folder / name and b"--shard" in line and b"/fwupload\0" in b"/" + line:
                found += [int(entry.name)] if not line.startswith((b"/bin/bash", b"bash", b"/bin/sh")) else []
        except OSError:
            continue
    return found


def command(name, *more, study="study", profile="../engines.toml", shards=4, **values):
    """As it is typed, in a folder for each case."""
    config = {"shards": shards, "input": f"../{study}", "project": "demo/phantom", "profile": profile,
              "api_key_file": "../flywheel.key", "pseudonym_key_file": "../adni.key", **values}
    return [snakemake(), "--snakefile", RECIPES / "Snakefile", "--directory", name, "--cores", "2", "--keep-going", *more,
            "--config", *(f"{key}={value}" for key, value in config.items())]


def test(work, short):
    files = write_study(work.folder / "study", patients=8)
    say("snakefile", f"Snakemake {work.run([snakemake(), '--version']).strip()}; {files} files of 8 patients")
    with timed("snakefile", "a dry run plans a job for each shard, and the merge"):
        planned = work.run(command("dry", "--dry-run"))
        counted = [line.split() for line in planned.splitlines()]
        insist(["shard", "4"] in counted and ["merge", "1"] in counted, planned)
    cases = [("failed", "example", "basic", 3), ("well", "study", "../engines.toml", 0)]
    for name, study, profile, code in cases[: 1 if short else 2]:
        site = work.sandbox(f"site-{name}")
        with timed("snakefile", f"{name}: {code} is a result") as said:
            text = work.run(command(name, study=study, profile=profile))
            end = end_of(work.folder / name / "reports/all.jsonl")
            insist(end and end["exit_code"] == code, f"{end}\n{text}")
            insist(f"the shards end with {code}" in text, text)
            one = profile.removeprefix("../")
            said.append(f"{work.same_as_one_run(site, study, one, code)} series as of one run")
            text = work.run(command(name, study=study, profile=profile))
            insist("Nothing to be done" in text, text)
    if short:
        return
    site = work.sandbox("site-plan")
    with timed("snakefile", "with a plan") as said:
        text = work.run(command("planned", plan="plan"))
        insist((work.folder / "planned/plan/plan.json").exists(), text)
        said.append(f"{work.same_as_one_run(site, 'study', 'engines.toml', 0)} series as of one run")
        insist("Nothing to be done" in work.run(command("planned", plan="plan")), text)
    slow = {"FWUPLOAD_BWLIMIT": "150K", "FWUPLOAD_UPLOADS": "1"}
    site = work.sandbox("site-killed")
    with timed("snakefile", "a shard is killed: it is tried again, and goes on") as said:
        process = work.start(command("killed"), env=work.environment(**slow), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_for(site.holds, "the first series")
        killed = uploads(work, "killed")
        for upload in killed:
            os.kill(upload, signal.SIGKILL)
        text = process.communicate(timeout=300)[0]
        insist(killed and process.returncode == 0 and "Trying to restart job" in text, f"{process.returncode}: {text}")
        said.append(f"{len(killed)} killed, {work.same_as_one_run(site, 'study', 'engines.toml', 0)} series as of one run")
    site = work.sandbox("site-stopped")
    with timed("snakefile", "Snakemake is terminated: the same command goes on") as said:
        process = work.start(command("stopped"), env=work.environment(**slow), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_for(site.holds, "the first series")
        process.terminate()
        text = process.communicate(timeout=120)[0]
        code = process.returncode
        left = len(uploads(work, "stopped"))
        wait_for(lambda: not uploads(work, "stopped"), "the end of the uploads", 120)
        work.run(command("stopped", "--unlock"))
        again = work.run(command("stopped", "--rerun-incomplete"))
        said.append(f"it ended with {code}, {left} uploads were still under way")
        said.append(f"then {work.same_as_one_run(site, 'study', 'engines.toml', 0)} series as of one run")
    site = work.sandbox("site-refused")
    key = (work.folder / "flywheel.key").read_text()
    with timed("snakefile", "a key that is refused is an error, and nothing is merged") as said:
        work.secret("flywheel.key", key[:-1] + ("0" if key[-1] != "0" else "1"))
        text = work.run(command("refused"), codes=(1,))
        insist(not (work.folder / "refused/reports/all.jsonl").exists() and "exit" in text, text)
        work.secret("flywheel.key", key)
        work.run(command("refused"))
        said.append(f"with the right one, {work.same_as_one_run(site, 'study', 'engines.toml', 0)} series as of one run")
