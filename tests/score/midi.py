#!/usr/bin/env python3
"""Writes the two tables that MIDI-B's validation script asks for: which patient ID and which UID became which.

    fwupload profile test PROFILE DATA --output CLEANED --json > events.jsonl
    midi.py events.jsonl CLEANED TABLES

TABLES gets `patient_id_mapping.csv` and `uid_mapping.csv`, each with the columns `id_old` and `id_new`. They tie the
cleaned data to the original: keep them as carefully as the original. Needs nothing but Python.
"""

import csv
import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from reader import read  # noqa: E402

PATIENT, UIDS = "00100020", ("00080018", "0020000D", "0020000E", "00200052")


def main(events: str, cleaned: str, tables: str) -> int:
    patients, uids = {}, {}
    for line in pathlib.Path(events).read_text("utf-8").splitlines():
        event = json.loads(line)
        if event.get("outcome") != "cleaned":
            continue
        before = read(pathlib.Path(event["path"]).read_bytes())
        after = read(pathlib.Path(cleaned, event["output"]).read_bytes())
        patients[before.value(PATIENT)] = after.value(PATIENT)
        for path, element in before.walk():
            if element.vr == "UI" or path in UIDS:
                old, new = before.value(path), after.value(path)
                if old and new and old != new:
                    uids[old] = new
    pathlib.Path(tables).mkdir(parents=True, exist_ok=True)
    write(pathlib.Path(tables, "patient_id_mapping.csv"), patients)
    write(pathlib.Path(tables, "uid_mapping.csv"), uids)
    return 0


def write(path: pathlib.Path, mapping: dict[str, str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id_old", "id_new"))
        writer.writerows(sorted(mapping.items()))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
