#!/usr/bin/env python3
"""fwupload beside other programs that do a part of its work, on files that this script makes.

    benches/peers.py [--fwupload PROGRAM] [--folder DIR] [--rounds N] [--only GROUP,...] [--scaling] [--million] [--small]

Prints a Markdown table: what was measured, ours, the peer, the figure that the goal is about, the goal, and whether it was
met. Programs take turns (A B A B ...), the first round does not count, figures are medians, and ratios are taken within each
round, so that a machine that slows down slows both. A peer that is not installed is named as such. Times of other machines
cannot be compared with these; ratios can, with care.

Everything happens in one folder, in memory where there is /dev/shm: with `--folder` the files stay for the next run,
otherwise they go. A full run makes 3.4 GB of files and needs 2 GB beside them. Needs Python 3.9 on Linux or macOS.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import Optional

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))

from guest import ENGINES  # noqa: E402
from rows import GROUPS, ON_REQUEST, Row, engines  # noqa: E402
from runs import Bench, Failed, file_system, measure  # noqa: E402

MEMORY = pathlib.Path("/dev/shm")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fwupload", type=pathlib.Path, default=HERE.parent / "target" / "release" / "fwupload")
    parser.add_argument("--folder", type=pathlib.Path, help="keep the corpora here, and use those that are here")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (5)")
    parser.add_argument("--only", type=groups, default=[], metavar="GROUP,...", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--scaling", action="store_true", help="also 1,000, 10,000 and 100,000 small instances")
    parser.add_argument("--million", action="store_true", help="also a million instances: 4 GB more")
    parser.add_argument("--small", action="store_true", help="tiny corpora and one round: does the script work?")
    parser.add_argument("--python", default=sys.executable, help=f"the Python that has {' or '.join(ENGINES)}")
    parser.add_argument("--dcmanon", default=shutil.which("dcmanon"), help="default: the one in PATH")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures, those of each run too")
    parser.add_argument("--strict", action="store_true", help="exit with 3 when a goal is missed")
    return parser.parse_args()


def groups(text: str) -> list[str]:
    names = text.split(",")
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        raise argparse.ArgumentTypeError(f"no such group: {', '.join(unknown)}")
    return names


def chosen(given: argparse.Namespace) -> list[str]:
    asked = [name for name in ON_REQUEST if getattr(given, name)]
    usual = given.only or [name for name in GROUPS if name not in ON_REQUEST]
    return list(dict.fromkeys([*usual, *asked]))


def version(program: Optional[str], flag: str = "--version") -> str:
    """The first number with a point in it that a program says of itself."""
    if not program or not shutil.which(program):
        return "not installed"
    try:
        number = re.search(r"\d+(\.\d+)+", measure([program, flag]).said.decode(errors="replace"))
    except Failed:
        number = None
    return number[0] if number else "of unknown version"


def processor() -> str:
    """The processor's model, where the system tells."""
    with_model = pathlib.Path("/proc/cpuinfo")
    lines = with_model.read_text().splitlines() if with_model.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def facts(bench: Bench) -> dict[str, str]:
    """What one has to know about the machine and the peers to read the figures."""
    return {
        "fwupload": bench.ask("-V"),
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "file system": file_system(bench.folder),
        "load at the start": f"{os.getloadavg()[0]:.2f}",
        "least peak that can be seen": f"{measure(['true']).peak:.1f} MB",
        **{program: version(program, *flags) for program, *flags in (("cp",), ("curl",), ("pigz",), ("zip", "-v"), ("tesseract",))},
        "dcmanon": version(bench.dcmanon),
        **{name: engines(bench.python).get(name, "not installed") for name in ENGINES},
    }


def table(rows: Iterator[Row]) -> Iterator[Row]:
    """Prints each row as it comes."""
    print("| group | what | ours | peer | figure | goal | |\n|---|---|---|---|---|---|---|", flush=True)
    for row in rows:
        cells = (row.group, row.what, row.ours, row.peer, row.figure, str(row.goal or "-"), row.verdict)
        print(f"| {' | '.join(cells)} |", flush=True)
        yield row


def as_json(row: Row) -> dict:
    runs = {
        name: [{"wall": run.wall, "cpu": run.cpu, "peak": run.peak, "size": run.size} for run in made]
        for name, made in row.runs.items()
    }
    told = {"group": row.group, "what": row.what, "ours": row.ours, "peer": row.peer, "value": row.value}
    goal = dataclasses.asdict(row.goal) if row.goal else None
    return {**told, "goal": goal, "verdict": row.verdict, "runs": runs}


def measured(bench: Bench, names: list[str]) -> Iterator[Row]:
    for name in names:
        yield from GROUPS[name](bench)


def in_folder(given: argparse.Namespace, folder: pathlib.Path) -> int:
    rounds = 1 if given.small else given.rounds
    bench = Bench(given.fwupload.resolve(), folder.resolve(), rounds, given.small, given.python, given.dcmanon)
    try:
        about = facts(bench)
        print("\n".join(f"- {name}: {fact}" for name, fact in about.items()) + f"\n- rounds: {rounds}\n")
        rows = list(table(measured(bench, chosen(given))))
    except Failed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    finally:
        bench.close()
    if given.json:
        given.json.write_text(json.dumps({"facts": about, "rounds": rounds, "rows": [as_json(row) for row in rows]}, indent=1))
    return 3 if given.strict and any(row.verdict == "missed" for row in rows) else 0


def main() -> int:
    given = arguments()
    if not given.fwupload.is_file():
        sys.exit(f"{given.fwupload} is not there: cargo build --release, or --fwupload PROGRAM")
    if given.folder:
        return in_folder(given, given.folder)
    with tempfile.TemporaryDirectory(prefix="fwupload-peers-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        return in_folder(given, pathlib.Path(folder))


if __name__ == "__main__":
    sys.exit(main())
