"""Writes code-meanings.bin: which meaning belongs to which code of a published coding scheme.

    python code-meanings.py            # in this folder, with pydicom 3.0.2

One number of 64 bits (little endian, sorted, none twice) for each triple of scheme, code and meaning: the FNV-1a hash of
`scheme|code|meaning` in UTF-8, ASCII letters in lower case and white space made one blank. Codes of SNOMED RT stand under SRT
with the meanings of the SNOMED CT codes that they became.
"""
import csv
import pathlib
import struct

from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping

HERE = pathlib.Path(__file__).parent
# The codes that the program itself writes and PS3.16 has under another name.
OWN = [("SCT", "261665006", "Unknown")]


def number(scheme, code, meaning):
    text = "|".join([scheme.strip(), code.strip(), " ".join(meaning.split())])
    text = "".join(c.lower() if c.isascii() else c for c in text)
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def triples():
    yield from OWN
    with open(HERE / "ps3.15-table-e3-4-1.csv", newline="") as table:
        for row in csv.DictReader(table):
            yield row["coding_scheme"], row["code_value"], row["code_meaning"]
    for scheme, names in concepts.items():
        for codes in names.values():
            for code, (meaning, _) in codes.items():
                yield scheme, code, meaning


def all_triples():
    for scheme, code, meaning in triples():
        # Superscripts stand between carets in the tables, and LO holds 64 characters.
        for spelled in {meaning, meaning.replace("^", ""), meaning[:64]}:
            yield scheme, code, spelled
            if scheme == "SCT" and code in mapping["SCT"]:
                yield "SRT", mapping["SCT"][code], spelled


numbers = sorted({number(*triple) for triple in all_triples()})
(HERE / "code-meanings.bin").write_bytes(struct.pack(f"<{len(numbers)}Q", *numbers))
print(len(numbers))
