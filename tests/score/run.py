#!/usr/bin/env python3
"""Scores fwupload's de-identification on an invented hospital, and proves the scorer while it is at it.

    run.py [--profiles NAME,...] [--quick] [--verbose] [--seed N] [--keep FOLDER] PROGRAM

PROGRAM is fwupload, built. A profile is a built-in name or a file, with `=NAME` after it to hold it to the promises of
another one (`site.toml=longitudinal`). Needs nothing but Python. Exits with 1 if anything leaks or a control fails.

Four numbers for each profile, never added up: `leaks`, files `refused` (in brackets those that could have been cleaned),
the share of what the profile has to keep that was `kept`, and `faults` that the files did not have before.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import controls  # noqa: E402
import corpus  # noqa: E402
from promises import Promise, promise_of  # noqa: E402
from scorer import Judge  # noqa: E402
from verdict import ELSEWHERE, Finding, Output, Score, places_in_order, same_uids  # noqa: E402

KEY, OTHER_KEY = "015c" * 16, "01a7" * 16
SOME_FAILED, ALL_FAILED = 3, 9
PEOPLE, PEOPLE_QUICK = 8, 4


class Unusable(Exception):
    """The program did not do its work at all."""


@dataclass
class Program:
    """fwupload, away from the user's own settings, and all that it said while cleaning."""

    path: str
    work: pathlib.Path
    said: dict[str, bytes] = field(default_factory=dict)

    def run(self, key: str, *arguments: object) -> subprocess.CompletedProcess:
        home = self.work / "home"
        home.mkdir(exist_ok=True)
        own = {name: str(home) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FWUPLOAD_")}
        environment = {**kept, **own, "FWUPLOAD_PSEUDONYM_KEY": key}
        command = [self.path, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, env=environment, cwd=home, stdin=subprocess.DEVNULL, check=False)

    def clean(self, profile: str, folder: pathlib.Path, out: pathlib.Path, key: str = KEY) -> dict[str, Output | None]:
        """What came of each file, by its path in the folder; None where it was refused."""
        done = self.run(key, "profile", "test", profile, folder, "--output", out, "--json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        files = [event for event in events if event.get("type") == "file"]
        if done.returncode not in {0, SOME_FAILED, ALL_FAILED} or not files:
            raise Unusable(done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}")
        # Paths are the caller's own and named on purpose; everything beside them is searched.
        told = [{name: value for name, value in event.items() if name != "path"} for event in events]
        self.said[profile] = json.dumps(told, ensure_ascii=False).encode() + done.stderr.replace(bytes(folder), b"")
        return {os.path.relpath(event["path"], folder): _output(event, out) for event in files}


def _output(event, out):
    if event["outcome"] != "cleaned":
        return None
    return Output(event["output"], (out / event["output"]).read_bytes())


@dataclass
class Tests:
    """What holds and what does not."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)

    def expect(self, name: str, holds: bool, said: str = "") -> None:
        if holds:
            self.passed += 1
        else:
            self.failed.append(f"{name}: {said}" if said else name)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("program")
    arguments.add_argument(
        "--profiles", default="basic,longitudinal,strict,uids-and-dates-kept", help="built-in names or files, with commas between"
    )
    arguments.add_argument("--quick", action="store_true", help="fewer people")
    arguments.add_argument("--verbose", action="store_true", help="counts by class, and what was lost or is wrong, by attribute")
    arguments.add_argument("--seed", type=int, default=1, help="another hospital")
    arguments.add_argument("--keep", help="work in this folder and leave everything there")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="score-") as work:
        return run(pathlib.Path(given.keep or work).resolve(), given)


def run(work: pathlib.Path, given: argparse.Namespace) -> int:
    started, tests = time.monotonic(), Tests()
    written = corpus.corpus(given.seed, PEOPLE_QUICK if given.quick else PEOPLE)
    folder = work / "in"
    corpus.save(written, folder, work / "key.jsonl")
    judge = Judge(written)
    print(f"{len(written)} files of {len(judge.people)} people, {sum(len(each.rows) for each in written)} checks, seed {given.seed}")
    prove(tests, written, judge, given)
    program = Program(str(pathlib.Path(given.program).resolve()), work)
    profiles = {pathlib.Path(text).name: _named(text) for text in given.profiles.split(",")}
    scores = dict(scored(tests, program, judge, profiles, folder, work, given.seed))
    show(scores)
    if given.verbose:
        show_places(scores)
        for profile, score in scores.items():
            show_details(profile, score)
    show_refused_edges(scores)
    for failure in tests.failed:
        print(f"failed: {failure}")
    print(f"\nin {time.monotonic() - started:.0f} s")
    print(f"{tests.passed} passed, {len(tests.failed)} failed")
    return 1 if tests.failed else 0


def _named(text: str) -> tuple[str, Promise]:
    """A profile and what it is held to."""
    profile, _, promise = text.partition("=")
    path = pathlib.Path(profile)
    return (str(path.resolve()) if path.is_file() else profile), promise_of(promise or profile)


def prove(tests: Tests, written: list[corpus.Written], judge: Judge, given: argparse.Namespace) -> None:
    """The scorer, on tools whose score is known."""
    for name, holds, said in controls.controls(written, judge, given.seed):
        tests.expect(f"control: {name}", holds, said)
        if given.verbose or not holds:
            print(f"  {'holds' if holds else 'FAILS'}  {name}: {said}")
    print(f"scorer proven by {tests.passed} controls" if not tests.failed else f"{len(tests.failed)} controls fail")
    again = corpus.corpus(given.seed, len(judge.people))
    tests.expect("the same seed gives the same bytes", [each.data for each in again] == [each.data for each in written])


def scored(tests, program, judge, profiles, folder, work, seed) -> Iterator[tuple[str, Score]]:
    """The score of each profile; the first one is also uploaded, and done again with the same key and with another."""
    for number, (name, (profile, promise)) in enumerate(profiles.items()):
        try:
            outputs = program.clean(profile, folder, work / f"out-{number}")
        except Unusable as error:
            tests.expect(f"{name}: runs", False, str(error))
            continue
        score = judge.score(outputs, promise)
        apart(program, profile, promise, judge, outputs, score, work / f"apart-{number}", seed)
        score.leaks += beside(judge, promise, {"what it printed": program.said[profile]})
        tests.expect(f"{name}: nothing leaks", not score.leaks, f"{len(score.leaks)} leaks")
        unread = [finding for finding in score.invalid if finding.what.startswith("cannot be read")]
        tests.expect(f"{name}: what comes out can be read", not unread, ", ".join(finding.file for finding in unread))
        yield name, score
        if promise.keyed:
            keys(tests, program, name, profile, folder, work / f"again-{number}", outputs)
        if number == 0:
            known = {label for file, output in outputs.items() if output for label in judge.found_in(file, output, promise)}
            yield f"{name}, on the way", uploaded(tests, program, judge, name, profile, promise, folder, known)


def apart(program, profile, promise, judge, outputs, score, work, seed: int) -> None:
    """A refused file hides what else is in it: where it has several edges, each is tried in a file of its own."""
    refused = [each for file, each in judge.corpus.items() if not outputs.get(file) and each.spec.apart]
    if refused:
        written = corpus.apart(refused, seed)
        corpus.save(written, work / "in", work / "key.jsonl")
        one_by_one = Judge(written).score(program.clean(profile, work / "in", work / "out"), promise)
        score.leaks += one_by_one.leaks
        score.asked += one_by_one.asked
        score.apart = one_by_one.files, len(one_by_one.refused)


def keys(tests, program, name, profile, folder, work, outputs) -> None:
    """The same key gives the same bytes; another one gives other UIDs, all of them."""
    tests.expect(f"{name}: the same key gives the same bytes", program.clean(profile, folder, work / "same") == outputs)
    shared = same_uids(outputs, program.clean(profile, folder, work / "other", OTHER_KEY))
    tests.expect(f"{name}: another key shares no UID", not shared, f"{len(shared)} shared")


def uploaded(tests, program, judge, name, profile, promise, folder, known: set[str]) -> Score:
    """The whole way to a server: all that it stored, and all that was said and written down on the way.

    What the cleaned files hold is counted with the profile already.
    """
    work = program.work
    sandbox, report = work / "sandbox", work / "report.jsonl"
    options = ("--profile", profile, "--report", report, "--redact-paths", "--json", "-vv", "--yes")
    done = program.run(KEY, folder, "--project", "score/score", "--create-project", "--sandbox", sandbox, *options)
    ran = done.returncode in {0, SOME_FAILED}
    tests.expect(f"{name}: uploads", ran, f"exit code {done.returncode}")
    surfaces = {"stdout": done.stdout, "stderr": done.stderr}
    for path in sorted([*sandbox.rglob("*"), *(work / "home").rglob("*"), report]):
        surfaces[f"the name {path.relative_to(work)}"] = path.name.encode()
        if path.is_file():
            surfaces[str(path.relative_to(work))] = path.read_bytes()
    events = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = collections.Counter(event["type"] for event in events)
    refused = [event["path"] for event in events if event["type"] in {"failed", "skipped"}]
    score = Score(files=outcomes["uploaded"] + len(refused), refused=refused, stayed=-1)
    score.leaks = beside(judge, promise, surfaces, known)
    tests.expect(f"{name}: every file has one outcome", score.files == len(judge.corpus), f"{score.files} outcomes")
    tests.expect(f"{name}: nothing leaks on the way", not score.leaks, f"{len(score.leaks)} leaks")
    return score


def beside(judge: Judge, promise: Promise, surfaces: dict[str, bytes], known: Iterable[str] = ()) -> list[Finding]:
    """Canaries in anything that is no cleaned file of its own, or holds several of them."""
    # What one person's dates are shifted to may be another's: then only what is searched person by person counts.
    people = () if "dates-shifted" in promise.traits else judge.people
    found = [(where, judge.search(data, promise, people).difference(known)) for where, data in surfaces.items()]
    return [Finding(judge.places.get(label, ELSEWHERE), where, "", "found by the search") for where, labels in found for label in labels]


# What is shown


def show(scores: dict[str, Score]) -> None:
    print(f"\n{'profile':<28}{'files':>7}{'leaks':>8}{'refused':>14}{'kept':>9}{'faults':>8}")
    for name, score in scores.items():
        refused = f"{len(score.refused)} ({len(score.refused_in_vain)})"
        if score.stayed < 0:
            print(f"{name:<28}{score.files:>7}{len(score.leaks):>8}{len(score.refused):>10}    {'-':>9}{'-':>8}")
            continue
        print(f"{name:<28}{score.files:>7}{len(score.leaks):>8}{refused:>14}{score.retention:>8.1f}%{len(score.invalid):>8}")


def show_refused_edges(scores: dict[str, Score]) -> None:
    """Edges may be cleaned or refused; which way was taken."""
    for name, score in scores.items():
        kinds = collections.Counter(_kind(file) for file in score.refused if pathlib.PurePath(file).parent.name == "edges")
        if kinds and score.asked:
            files, refused = score.apart
            again = f"; of {files} elements of these, each in a file of its own, {refused}" if files else ""
            print(f"{name}, edges refused: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) + again)


def _kind(file: str) -> str:
    return pathlib.PurePath(file).name.split(" ")[0].rpartition("-")[0] or pathlib.PurePath(file).name.split(" ")[0].rstrip("0123456789")


def show_places(scores: dict[str, Score]) -> None:
    """Leaks by class, and of how many checks."""
    scores = {name: score for name, score in scores.items() if score.asked}
    print(f"\n{'leaks by class':<28}" + "".join(f"{name:>20}" for name in scores))
    every = sum((score.asked + score.leaks_by_place() for score in scores.values()), collections.Counter())
    for place in places_in_order(every):
        cells = (f"{score.leaks_by_place()[place]} of {score.asked[place]}" for score in scores.values())
        print(f"{place:<28}" + "".join(f"{cell:>20}" for cell in cells))


def show_details(profile: str, score: Score) -> None:
    for title, findings in (("leaks", score.leaks), ("lost", score.lost), ("faults", score.invalid)):
        _show_counts(f"{profile}: {title}", ((finding.path or finding.what, finding.what) for finding in findings))
    refused = (_kind(file) for file in score.refused_in_vain)
    _show_counts(f"{profile}: refused in vain", ((kind, "") for kind in refused))


def _show_counts(title: str, things: Iterable[tuple[str, str]]) -> None:
    counts = collections.Counter(things)
    if counts:
        print(f"\n{title}")
        for (path, what), count in counts.most_common(40):
            print(f"{count:>6}  {path}  {what}")


if __name__ == "__main__":
    sys.exit(main())
