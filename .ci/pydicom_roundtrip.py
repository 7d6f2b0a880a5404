#!/usr/bin/env python3
"""Judge of reading and writing: every DICOM file that pydicom brings along, read and written with nothing changed.

    pydicom_roundtrip.py [ROUNDTRIP_BINARY]

ROUNDTRIP_BINARY is examples/roundtrip.rs, built; without it, cargo builds it here. pydicom reads the file before and after and compares, recursively, the
order of tags, VRs and raw value bytes. Group lengths (gggg,0000) are left out: they are dropped on writing, as the
standard asks. Fails if too few files are exact, if any written file differs, or if a refusal has not the expected code.
"""

import json
import os
import subprocess
import sys
import tempfile
import warnings

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement

NEEDED = 184
EXPECTED_REFUSALS = {
    "MR_truncated.dcm": "read.truncated",  # pixel data cut off
    "rtplan_truncated.dcm": "read.truncated",  # cut off inside an element
    "DICOMDIR-nooffset": "read.truncated",  # cut off inside a sequence
    "winter.dcm": "read.duplicate-element",  # (0008,0018) stands there twice, with two values
    "no_meta.dcm": "read.not-dicom",  # a stray byte before a bare data set; pydicom cannot read it either
}


def is_dicom(path):
    """The prefix, or a name that says so: the bare data sets."""
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM" or path.endswith(".dcm")


def find_files():
    root = os.path.join(os.path.dirname(pydicom.__file__), "data")
    found = (os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)
    return sorted(path for path in found if is_dicom(path))


def is_sequence(element):
    vr = element.VR
    if vr is None:
        try:
            vr = dictionary_VR(element.tag)
        except KeyError:
            vr = "UN"
    return vr == "SQ"


def flatten(dataset, path=()):
    """Every element in the order of the file, as (path, VR, value bytes or number of items)."""
    for tag in list(dataset._dict):
        if tag.element == 0:
            continue
        element = dataset.get_item(tag)
        here = (*path, str(tag))
        raw = isinstance(element, RawDataElement)
        if raw and not is_sequence(element):
            yield here, element.VR, element.value or b""
            continue
        element = dataset[tag] if raw else element
        if element.VR != "SQ":
            yield here, element.VR, element.value
            continue
        yield here, element.VR, len(element.value)
        for number, item in enumerate(element.value):
            yield from flatten(item, (*here, number))


def read(path):
    return pydicom.dcmread(path, force=True)


def difference(before, after):
    """The first difference as text without values, or None."""
    ours, theirs = read(after), read(before)
    syntax = [ds.file_meta.get("TransferSyntaxUID") for ds in (theirs, ours)]
    if syntax[0] is not None and syntax[0] != syntax[1] and not is_mislabelled(before):
        return "transfer syntax"
    first, second = list(flatten(theirs)), list(flatten(ours))
    for a, b in zip(first, second):
        if a != b:
            return f"{a[0]} {a[1]} against {b[0]} {b[1]}"
    if len(first) != len(second):
        return f"{len(first)} against {len(second)} elements"
    with open(after, "rb") as file:
        return None if file.read(132) == bytes(128) + b"DICM" else "preamble"


def is_mislabelled(path):
    """pydicom found the other kind of VR than the label says; the label is corrected on writing."""
    dataset = read(path)
    implicit, _ = dataset.original_encoding
    return implicit != dataset.file_meta.TransferSyntaxUID.is_implicit_VR


def judge(binary):
    files = find_files()
    exact, refused, cleaned, differ, wrong = 0, 0, 0, [], []
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run([binary, out, *files], check=True, capture_output=True, text=True)
        results = [json.loads(line) for line in done.stdout.splitlines()]
        if [result["path"] for result in results] != files:
            sys.exit("roundtrip: not every file was answered for")
        for result in results:
            name = os.path.basename(result["path"])
            if "code" in result:
                refused += 1
                if EXPECTED_REFUSALS.get(name) != result["code"]:
                    wrong.append(f"{name}: refused with {result['code']}: {result['message']}")
                continue
            if name in EXPECTED_REFUSALS:
                wrong.append(f"{name}: was to be refused with {EXPECTED_REFUSALS[name]}")
            if result["dicom_object"] == "differs":
                wrong.append(f"{name}: dicom-object reads it differently: {result['at']}")
            found = difference(result["path"], result["ok"])
            if found is None:
                exact += 1
                cleaned += result["cleaned"]
            else:
                differ.append(f"{name}: {found}")
    agree = sum(result.get("dicom_object") == "agree" for result in results)
    for problem in (*differ, *wrong):
        print(problem)
    print(f"dicom-object agrees on {agree} of the {len(files)} files; it cannot read the others")
    print(f"roundtrip: {exact} exact ({cleaned} of them through a profile without rules), {refused} refused, {len(differ)} differ of {len(files)}")
    return exact >= NEEDED and not differ and not wrong


def build():
    """Builds the example and gives back where it lies."""
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--example", "roundtrip"]
    done = subprocess.run([*command, "--message-format=json"], check=True, stdout=subprocess.PIPE, text=True)
    messages = (json.loads(line) for line in done.stdout.splitlines())
    return [message["executable"] for message in messages if message.get("executable")][-1]


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    sys.exit(0 if judge(sys.argv[1] if len(sys.argv) == 2 else build()) else 1)
