#!/usr/bin/env python3
"""Computes the official results of the table of examples anew: `examples.py [--check] TABLE`.

The table has one example a line: its name, a rule, a file, what Flywheel's packages make of it, what fwupload makes of it
where that differs, and why it does. Rules, files and results are JSON. With `--check` nothing is written, and a result that
is no longer the official one fails.
"""

import argparse
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True

import official  # noqa: E402
import trees  # noqa: E402
from fw_meta import imports  # noqa: E402


def of_member(rule, path, member):
    """Whether a rule takes a member of an archive: in both of the passes that there are."""
    try:
        built = official.read([rule])[0]
        first = imports.ImportFilter(rule.get("include"), rule.get("exclude")).match({"path": path, "name": path.rpartition("/")[2]})
        return None if first and built.match_zip_member(f"{path}::{member}") else "not taken"
    except Exception:
        return "refused"


def result(rule, file):
    if "member" in file:
        found = of_member(rule, file["path"], file["member"])
        if found:
            return found
    try:
        rules = official.read([rule])
    except official.Refused:
        return "refused"
    with tempfile.TemporaryDirectory() as folder:
        content = b""
        if "header" in file:
            content = trees.dicom(**file["header"])
        real = os.path.join(folder, "file")
        with open(real, "wb") as out:
            out.write(content)
        with open(real, "r+b") as out:
            out.truncate(max(file.get("size", 0), len(content)))
        seconds = file.get("mtime", 1715941845)
        os.utime(real, (seconds, seconds))
        path = file["path"] if "member" not in file else f"{file['path']}/{file['member'].replace('::', '/')}"
        if "member" in file:
            rules[0].include = rules[0].exclude = None
        found = official.decide(rules, path, real)
    if "error" in found:
        return "error"
    if found["rule"] is None:
        return "not taken"
    return {key: found[key] for key in ("group", "fields", "member_name") if found.get(key) is not None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with open(options.table, encoding="utf-8") as source:
        lines = [line.rstrip("\n").split("\t") for line in source]
    wrong = 0
    for line in lines:
        if line[0].startswith("#"):
            continue
        found = json.dumps(result(json.loads(line[1]), json.loads(line[2])), ensure_ascii=False, sort_keys=True)
        if found != line[3]:
            wrong += 1
            print(f"{line[0]}: {found}, the table has {line[3]}")
        line[3] = found
    if not options.check:
        with open(options.table, "w", encoding="utf-8") as out:
            out.writelines("\t".join(line) + "\n" for line in lines)
    sys.exit(bool(options.check and wrong))


if __name__ == "__main__":
    main()
