#!/usr/bin/env python3
"""Judge of what came out of mutants: pydicom has to read every file that fwupload would have sent, to the last element.

    mutants_pydicom.py FOLDER

FOLDER holds what tests/it/mutants.rs wrote under FWUPLOAD_MUTANTS. A file that pydicom cannot walk is a finding, unless
the reason is one of the known ones below: values that were broken in the source and that no rule touches go out as they
came in, byte for byte, and pydicom decodes values when it is asked for an element.
"""

import collections
import os
import sys
import warnings

import pydicom
from pydicom.dataelem import RawDataElement

FEWEST = 2000

# What pydicom says, and why it is no finding. Both are broken in the source, touched by no rule, and pass as they came.
KNOWN = {
    "Unknown Value Representation": "two letters that are no VR; the element is framed as PS3.5 section 7.1.2 has it",
    "embedded null character": "a (0008,0005) with a NUL, which pydicom looks up among Python's codecs",
}


def walk(dataset, count):
    """Goes through every element as raw bytes; sequences are opened, values are not decoded."""
    for tag in list(dataset._dict):
        element = dataset.get_item(tag)
        count[0] += 1
        vr = element.VR
        if isinstance(element, RawDataElement) and vr != "SQ":
            continue
        value = dataset[tag].value if vr == "SQ" else element.value
        if vr == "SQ":
            for item in value:
                walk(item, count)


def main():
    warnings.simplefilter("ignore")
    folder = sys.argv[1]
    names = sorted(name for name in os.listdir(folder) if name.endswith(".dcm"))
    findings, passed, elements = collections.Counter(), collections.Counter(), [0]
    for name in names:
        try:
            walk(pydicom.dcmread(os.path.join(folder, name)), elements)
        except Exception as error:  # whatever it is, it is a finding
            reason = f"{type(error).__name__}: {error}"
            known = [words for words in KNOWN if words in reason]
            if known:
                passed[known[0]] += 1
                continue
            findings[reason] += 1
            if findings[reason] <= 3:
                print(f"{name}: {reason}")
    print(f"{len(names)} files, {elements[0]} elements, {sum(findings.values())} findings; known: {dict(passed)}")
    if findings or len(names) < FEWEST:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
