#!/usr/bin/env python3
"""What becomes of real files: cleaned or refused, as valid as before, and still opened by highdicom.

    run.py [--keep FOLDER] [--report FILE] PROGRAM

PROGRAM is fwupload, built. The files come out of packages (`packages.py`) and of highdicom (`made.py`). Fails on an error of
dciodvfy that the input did not have and `known.tsv` does not list, on a file that highdicom opened before, on a file with no
outcome, and if `basic` refuses more than 2 % of the files for another reason than text in the picture or a broken file.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent

import judges  # noqa: E402
import packages  # noqa: E402
import seen  # noqa: E402
from pydicom import dcmread  # noqa: E402

PROFILES = ("basic", "longitudinal", "strict", "uids-and-dates-kept")
KEY = "015c" * 16
BURNED_IN = "deid.burned-in"
# Of all files, for another reason than text in the picture or a broken file: held under the first profile.
REFUSED_AT_MOST = 2.0
FEWEST = 250
FOUND = (BURNED_IN, "deid.text-found")
# Of pictures in which no text was seen: held under the first profile.
ALARMS_AT_MOST = 3.0


@dataclass
class Outcome:
    """What came of one file under one profile."""

    code: str = ""
    message: str = ""
    output: pathlib.Path | None = None
    # Cleaned only once text in the picture was let through, to see what else would have become of it.
    text_kept: bool = False
    # Places in the picture that were taken for text, and whether they were blanked.
    finds: int = 0
    blanked: bool = False

    @property
    def acts_on_a_find(self) -> bool:
        return self.blanked or bool(self.finds and self.code in FOUND)


@dataclass
class Column:
    """One profile's results, by file."""

    profile: str
    outcomes: dict[str, Outcome]
    gained: list[tuple[str, str]] = field(default_factory=list)
    compared: int = 0
    lost: list[tuple[str, str]] = field(default_factory=list)
    opened: int = 0


@dataclass(frozen=True)
class Known:
    """A line of known.tsv: patterns of file, profile and error, and why the error is right."""

    file: str
    profile: str
    error: str
    reason: str

    def covers(self, file: str, profile: str, error: str) -> bool:
        fits = fnmatch.fnmatchcase
        return fits(file, self.file) and fits(profile, self.profile) and fits(error, self.error)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("program")
    arguments.add_argument("--keep", help="work in this folder and leave everything there; files that are there are taken as they are")
    arguments.add_argument("--report", help="write all that was found into this file")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="real-files-") as work:
        return run(pathlib.Path(given.keep or work).resolve(), given)


def run(work: pathlib.Path, given: argparse.Namespace) -> int:
    started = time.monotonic()
    folder = work / "files"
    if not folder.exists():
        gather(folder)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    print(f"{len(files)} files: " + ", ".join(f"{name} {count}" for name, count in _packages(files).most_common()))
    if not judges.can_validate():
        print("skipped: dciodvfy is not installed here, so no file is validated")
    columns = [Column(profile, cleaned(given.program, profile, folder, work, files)) for profile in PROFILES]
    judge(columns, folder, files)
    broken = {file for file in files if names_nothing(folder / file)}
    known = read_known(HERE / "known.tsv")
    table = list(table_of(columns, broken, known))
    print("", *table, sep="\n")
    failures = list(failures_of(columns, broken, known, files))
    failures += failures_of_text(columns[0], folder, seen.read(HERE / "text.tsv"))
    for failure in failures:
        print(f"failed: {failure}")
    if given.report:
        pathlib.Path(given.report).write_text(report(columns, broken, known, table), "utf-8")
    print(f"\nin {time.monotonic() - started:.0f} s")
    print(f"{len(files) * len(PROFILES)} passed, 0 failed" if not failures else f"{len(failures)} failed")
    return 1 if failures else 0


def gather(folder: pathlib.Path) -> None:
    import made

    missing = packages.files(folder)
    if missing:
        print(f"skipped: not to be had here: {', '.join(missing)}")
    made.save(folder / "made")


def _packages(files: Iterable[str]) -> collections.Counter:
    return collections.Counter(file.partition("/")[0] for file in files)


# What the program does


def cleaned(program, profile, folder, work, files) -> dict[str, Outcome]:
    """Each file's outcome; those that are refused for text in their picture are also cleaned with it."""
    outcomes = clean(program, profile, [folder], folder, work / f"out-{profile}")
    refused = [file for file, outcome in outcomes.items() if outcome.code == BURNED_IN]
    if refused:
        lenient = work / f"{profile}.toml"
        text = (HERE.parents[1] / "profiles" / f"{profile}.toml").read_text("utf-8")
        lenient.write_text(text.replace('burned-in = "detect"', 'burned-in = "keep"'), "utf-8")
        again = clean(program, lenient, [folder / file for file in refused], folder, work / f"out-{profile}-text")
        for file in refused:
            kept = again.get(file, Outcome("none"))
            if kept.output:
                outcomes[file].output, outcomes[file].text_kept = kept.output, True
            else:
                outcomes[file] = kept
    return {file: outcomes.get(file, Outcome("none", "no outcome")) for file in files}


def clean(program, profile, paths, folder, out) -> dict[str, Outcome]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FWUPLOAD_")}
    command = [program, "profile", "test", profile, *paths, "--output", out, "--json"]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, env={**kept, "FWUPLOAD_PSEUDONYM_KEY": KEY}, stdin=subprocess.DEVNULL, check=False
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    files = [event for event in events if event.get("type") == "file"]
    if not files:
        sys.exit(f"{profile}: {done.stderr.decode('utf-8', 'replace').strip() or f'exit code {done.returncode}'}")
    return {os.path.relpath(event["path"], folder): _outcome(event, out) for event in files}


def _outcome(event, out):
    look = event.get("pixels") or {}
    told = {"finds": len(look.get("finds", [])), "blanked": look.get("verdict") == "blanked"}
    if event["outcome"] == "cleaned":
        return Outcome(output=out / event["output"], **told)
    return Outcome(event.get("code", event["outcome"]), event.get("message", ""), **told)


def names_nothing(path: pathlib.Path) -> bool:
    """Whether a file names neither patient nor study, series or instance: a fragment that belongs nowhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(path, stop_before_pixels=True, force=True)
            return not any(dataset.get(name) for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
        except Exception:  # noqa: BLE001 - what pydicom cannot read is judged by the program's own code
            return False


# What the judges say


def judge(columns: list[Column], folder: pathlib.Path, files: list[str]) -> None:
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads, concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        outputs = [[column.outcomes[file].output for file in files] for column in columns]
        paths = [folder / file for file in files]
        validated = [_mapped(threads, judges.errors, each) for each in (paths, *outputs) if judges.can_validate()]
        opened = [_mapped(pool, judges.opened, each) for each in (paths, *outputs)]
        for column, after in zip(columns, opened[1:], strict=True):
            compare_opened(column, files, opened[0], after)
        for column, after in zip(columns, validated[1:], strict=bool(validated)):
            compare_errors(column, files, validated[0], after)


def _mapped(pool, function, paths):
    futures = [path and pool.submit(function, path) for path in paths]
    return [future and future.result() for future in futures]


def compare_errors(column: Column, files, before, after) -> None:
    for file, old, new in zip(files, before, after, strict=True):
        # Of a file that dciodvfy cannot read at all, it does not say what is wrong with it.
        if new is None or judges.unreadable(old):
            continue
        column.compared += 1
        column.gained += [(file, error) for error in new - old]


def compare_opened(column: Column, files, before, after) -> None:
    for file, old, new in zip(files, before, after, strict=True):
        if new is not None and not old:
            column.opened += not new
            column.lost += [(file, new)] if new else []


# What is shown


def kind(file: str, outcome: Outcome, broken: set[str]) -> str:
    """Which kind of end a file came to."""
    if outcome.code == "dicomdir":
        return "directory"
    if outcome.code == BURNED_IN:
        return "text"
    if not outcome.code:
        return "cleaned"
    return "broken" if outcome.code.startswith("read.") or outcome.code == "not-dicom" or file in broken else "else"


def read_known(path: pathlib.Path) -> list[Known]:
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [Known(*line.split("\t")) for line in lines]


def unlisted(column: Column, known: list[Known]) -> list[tuple[str, str]]:
    return [(file, error) for file, error in column.gained if not any(each.covers(file, column.profile, error) for each in known)]


def table_of(columns: list[Column], broken: set[str], known: list[Known]) -> Iterable[str]:
    """The table, line by line. Files with text in the picture are judged by what is made of them where it may stay."""
    heads = ("cleaned", "text", "broken", "refused", "directory", "validated", "worse", "unlisted", "opened", "lost")
    yield f"{'profile':<22}" + "".join(f"{head:>10}" for head in heads)
    for column in columns:
        kinds = collections.Counter(kind(file, outcome, broken) for file, outcome in column.outcomes.items())
        worse, new = {file for file, _ in column.gained}, {file for file, _ in unlisted(column, known)}
        cells = [kinds["cleaned"], kinds["text"], kinds["broken"], kinds["else"], kinds["directory"]]
        cells += [column.compared, len(worse), len(new), column.opened, len(column.lost)]
        yield f"{column.profile:<22}" + "".join(f"{cell:>10}" for cell in cells)
    yield "text: refused for text in the picture. worse: with errors that the input did not have. lost: opened by highdicom before."
    codes = collections.Counter(
        (column.profile, outcome.code) for column in columns for outcome in column.outcomes.values() if outcome.code
    )
    for profile in PROFILES:
        counts = {code: count for (name, code), count in codes.items() if name == profile}
        yield f"{profile}: " + ", ".join(f"{code} {counts[code]}" for code in sorted(counts))


def failures_of(columns, broken, known, files) -> Iterable[str]:
    if len(files) < FEWEST:
        yield f"only {len(files)} files could be had, {FEWEST} are needed"
    for column in columns:
        for file, outcome in column.outcomes.items():
            if outcome.code == "none":
                yield f"{column.profile}: {file} has no outcome"
        new = unlisted(column, known)
        for error, count in collections.Counter(error for _, error in new).most_common():
            example = next(file for file, each in new if each == error)
            yield f"{column.profile}: dciodvfy: {error} ({count} files, such as {example})"
        for file, error in column.lost:
            yield f"{column.profile}: highdicom opens {file} no more: {error}"
    first = columns[0]
    others = [file for file, outcome in first.outcomes.items() if kind(file, outcome, broken) == "else"]
    share = 100 * len(others) / max(len(files), 1)
    print(f"{first.profile} refuses {share:.1f} % of the files for other reasons (at most {REFUSED_AT_MOST} %)")
    if share > REFUSED_AT_MOST:
        yield f"{first.profile} refuses {len(others)} files without need: {', '.join(others[:8])}"
    found = [(file, column.profile, error) for column in columns for file, error in column.gained]
    here = _packages(files)
    for each in known:
        about_these = any(fnmatch.fnmatchcase(package, each.file.partition("/")[0]) for package in here)
        if judges.can_validate() and about_these and not any(each.covers(*what) for what in found):
            print(f"told: known.tsv lists what no longer occurs: {each.file}, {each.profile}: {each.error}")


def failures_of_text(column: Column, folder: pathlib.Path, texts: list[seen.Text]) -> Iterable[str]:
    """Whether the text that was seen is gone, and how many other pictures are changed or refused."""
    pictures = {file: outcome for file, outcome in column.outcomes.items() if outcome.output or outcome.code in FOUND}
    shown = {file: seen.of(file, texts) for file in pictures}
    with_text = {file: lines for file, lines in shown.items() if lines}
    sent = {file: lines for file, lines in with_text.items() if pictures[file].output and not pictures[file].text_kept}
    left = {file: seen.left(folder / file, pictures[file].output, lines) for file, lines in sent.items()}
    unread = sorted(file for file, lines in left.items() if lines is None)
    alarms = sorted(file for file in pictures if not shown[file] and pictures[file].acts_on_a_find)
    print(f"{len(with_text)} pictures with text that was seen by eye: {len(with_text) - len(sent)} refused, {len(sent)} blanked")
    if unread:
        print(f"skipped: cannot be decoded here: {', '.join(unread)}")
    for file, lines in left.items():
        if lines:
            yield f"{file} still shows: {', '.join(lines)}"
    share = 100 * len(alarms) / max(len(pictures) - len(with_text), 1)
    print(f"{len(alarms)} others of {len(pictures) - len(with_text)} are changed or refused, {share:.1f} % (at most {ALARMS_AT_MOST} %)")
    if share > ALARMS_AT_MOST:
        yield f"{len(alarms)} pictures are changed or refused for text that was not seen there: {', '.join(alarms[:8])}"


def report(columns, broken, known, table) -> str:
    """All that was found, to read: refusals by code, errors gained by text, what highdicom opens no more."""
    lines = ["# Real files", "", "```text", *table, "```", ""]
    for column in columns:
        lines += [f"## {column.profile}", "", "| files | outcome | message |", "| ---: | --- | --- |"]
        grouped = collections.defaultdict(list)
        for file, outcome in column.outcomes.items():
            if outcome.code:
                grouped[kind(file, outcome, broken), outcome.code, outcome.message].append(file)
        for (end, code, message), named in sorted(grouped.items(), key=lambda entry: -len(entry[1])):
            lines.append(f"| {len(named)} | {end}: {code} | {message} ({', '.join(named[:4])}) |")
        worse, new = {file for file, _ in column.gained}, {file for file, _ in unlisted(column, known)}
        lines += ["", f"dciodvfy: {len(worse)} of {column.compared} files gained errors, {len(new)} of them unlisted.", ""]
        lines += ["| files | listed | error | such as |", "| ---: | --- | --- | --- |"]
        gained = collections.defaultdict(list)
        for file, error in column.gained:
            gained[error].append(file)
        for error, named in sorted(gained.items(), key=lambda entry: -len(entry[1])):
            reasons = {each.reason for file in named for each in known if each.covers(file, column.profile, error)}
            lines.append(f"| {len(named)} | {'; '.join(sorted(reasons)) or 'no'} | {error} | {', '.join(named[:3])} |")
        lines += ["", f"highdicom: opens {column.opened} as before, {len(column.lost)} no more.", ""]
        lines += [f"* {file}: {error}" for file, error in column.lost] + [""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
