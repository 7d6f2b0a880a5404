#!/usr/bin/env python3
"""Compares what fwupload's rules decide with Flywheel's official packages, cell by cell.

    compare.py [--random N] [--seed TEXT] [--only NAME]... PROGRAM

PROGRAM is fwupload, whose `rules test` prints one JSON object a file. Every decision is the same, or is one of the differences
that `cases.py` lists, or fails the run. Needs what `requirements.txt` lists, in the Python that runs this.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import yaml  # noqa: E402

import cases  # noqa: E402
import chance  # noqa: E402
import official  # noqa: E402
import trees  # noqa: E402


# As the packages: values of headers as they are found, folder names for what nothing else gives, and times without a zone in UTC.
OPTIONS = ("--json", "--headers-as-they-are", "--folder-labels")
ENVIRONMENT = {**os.environ, "TZ": "UTC"}
# All is well; labels are missing or rules fail on files, as the decisions say; the rules are refused.
DECIDED, SOME_FAIL, REFUSED = 0, 3, 5


def ours(program, rules, tree):
    """What fwupload decides: its decisions, or why it refuses the rules."""
    command = [program, "rules", "test", rules, tree, *OPTIONS]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode == REFUSED and lines and "refused" in lines[0]:
        return None, lines[0]["refused"]
    if done.returncode not in (DECIDED, SOME_FAIL):
        raise SystemExit(f"{rules}: exit {done.returncode}: {done.stderr.strip()}")
    return lines, None


def theirs(rules, tree):
    try:
        return official.decisions(rules, tree), None
    except official.Refused as error:
        return None, str(error)


class Judge:
    def __init__(self):
        self.classes = collections.Counter()
        self.wrong = []

    def same(self, count=1):
        self.classes["the same"] += count

    def documented(self, reason):
        self.classes[f"documented: {reason}"] += 1

    def differs(self, name, what):
        self.classes["UNEXPLAINED"] += 1
        self.wrong.append(f"{name}: {what}")

    def rules(self, name, mine, why, official_decisions, their_error):
        """One rule file: both refuse it, one does, or both decide on every file."""
        if why and their_error:
            self.same()
        elif why:
            known = [reason for word, reason in cases.REFUSED_BY_US.items() if word in why]
            if known:
                self.documented(f"refused, because {known[0]}")
            else:
                self.differs(name, f"only we refuse it: {why}")
        elif their_error:
            if name in cases.ACCEPTED_BY_US:
                self.documented(f"accepted: {cases.ACCEPTED_BY_US[name]}")
            else:
                self.differs(name, f"only they refuse it: {their_error}")
        else:
            if [line["path"] for line in mine] != [line["path"] for line in official_decisions]:
                self.differs(name, "not the same files")
            for one, other in zip(mine, official_decisions):
                self.decision(name, one, other)

    def decision(self, name, mine, other):
        where = f"{name}: {other['path']}"
        for key in ("rule", "include", "type", "level", "group", "member_name"):
            if mine.get(key) == other.get(key):
                self.same()
            else:
                self.differs(where, f"{key}: {mine.get(key)!r}, they have {other.get(key)!r}")
        if bool(mine.get("error")) != bool(other.get("error")):
            self.differs(where, f"error: {mine.get('error')!r}, they have {other.get('error')!r}")
        if mine.get("missing", []) != other.get("missing", []):
            self.differs(where, f"missing: {mine.get('missing')}, they have {other.get('missing')}")
        left, right = mine.get("fields", {}), other.get("fields", {})
        for field in sorted(left.keys() | right.keys()):
            self.field(name, where, field, left, right)

    def field(self, name, where, field, left, right):
        mine, other = left.get(field), right.get(field)
        if field in left and field in right and mine == other and type(mine) is type(other):
            self.same()
        elif field in cases.NEVER_BY_DEFAULT and field not in left:
            self.documented("names of persons come from mappings only")
        elif reason := cases.DIFFERENT_FIELDS.get((name, field)):
            self.documented(reason)
        else:
            self.differs(where, f"{field}: {left.get(field, 'nothing')!r}, they have {right.get(field, 'nothing')!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--random", type=int, default=100, metavar="N")
    parser.add_argument("--seed", default="rules")
    parser.add_argument("--only", action="append", metavar="NAME")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    judge = Judge()
    with tempfile.TemporaryDirectory() as folder:
        tree = os.path.join(folder, "tree")
        trees.write(tree)
        fixed = [(name, text) for name, _, text in cases.CASES]
        dice = chance.Dice(options.seed, [path for path, *_ in trees.FILES])
        rolled = ((f"random-{number}", yaml.safe_dump(dice.rules(), sort_keys=False, allow_unicode=True)) for number in range(options.random))
        for name, text in [*fixed, *rolled]:
            if options.only and name not in options.only:
                continue
            path = os.path.join(folder, "rules.yaml")
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            before = len(judge.wrong)
            judge.rules(name, *ours(program, path, tree), *theirs(yaml.safe_load(text), tree))
            if len(judge.wrong) > before and name.startswith("random-"):
                judge.wrong.append(text)
    for name, count in sorted(judge.classes.items(), key=lambda pair: -pair[1]):
        print(f"{count:7}  {name}")
    for line in judge.wrong[:60]:
        print(line)
    sys.exit(bool(judge.wrong))


if __name__ == "__main__":
    main()
