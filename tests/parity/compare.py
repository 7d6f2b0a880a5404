"""Compares what the two engines made of a file, element by element, bytes first.

A difference knows where it is and what stood there in the original, on our side and on theirs; whether it is a decided one
is for `documented.py` to say. Nothing is normalised here except what the file format itself leaves open: the deflate
stream is inflated, and file meta information, which we always write afresh, is held against rules of its own.
"""

import os
import zlib
from functools import cached_property
from typing import NamedTuple

import pydicom
import pydicom.config
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement

# Values are compared, not judged.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

DEFLATED = "1.2.840.10008.1.2.1.99"


class Element:
    """One element of a file as it stands there: its VR, and bytes or items."""

    def __init__(self, dataset, tag):
        self.dataset, self.tag = dataset, tag
        raw = dataset.get_item(tag)
        # Where the VR does not stand in the file, it cannot differ.
        self.implicit = dataset.original_encoding[0] or (isinstance(raw, RawDataElement) and raw.VR is None)
        self.vr = raw.VR or known_vr(tag)
        # What pydicom calls so in a file with explicit VR stands there as UN.
        if self.vr == "OB or OW" and not dataset.original_encoding[0]:
            self.vr = "UN"
        self.raw, self.items = None, None
        closed = self.vr == "UN" and known_vr(tag) == "SQ"
        if isinstance(raw, RawDataElement) and self.vr != "SQ" and not closed:
            self.raw = raw.value or b""
            return
        element = dataset[tag]
        if element.VR == "SQ":
            self.items = list(element.value)
        else:
            self.raw = element.value if isinstance(element.value, bytes) else str(element.value).encode()

    @cached_property
    def text(self):
        """The value as pydicom reads it with the character set in force, padding gone; None where it cannot."""
        try:
            value = self.dataset[self.tag].value
        except Exception:  # noqa: BLE001: a value that cannot be read has no text
            return None
        if value is None:
            return ""
        if isinstance(value, bytes):
            return value.rstrip(b"\0 ")
        several = value if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]
        return "\\".join(str(one).rstrip(" \0") for one in several)

    def same_as(self, other):
        """Whether two elements are the same, byte for byte; items are compared elsewhere."""
        vr = self.vr == other.vr or (self.implicit != other.implicit)
        return vr and self.raw == other.raw and (self.items is None) == (other.items is None)

    def tree(self):
        """All that is in an element, for comparing whole sequences."""
        if self.items is None:
            return (self.vr, self.raw)
        return (self.vr, [[(tag, Element(item, tag).tree()) for tag in sorted(item.keys())] for item in self.items])

    def __repr__(self):
        if self.items is not None:
            return f"{self.vr} of {len(self.items)} items"
        return f"{self.vr} {bytes(self.raw[:60])!r}{'...' if len(self.raw) > 60 else ''}"


class Difference(NamedTuple):
    """One place where the two sides part: the path is tag, index of the item, tag, and so on."""

    path: tuple
    before: Element | None
    ours: Element | None
    theirs: Element | None

    @property
    def tag(self):
        return self.path[-1]

    def __str__(self):
        where = ".".join(f"{step:08x}" if at % 2 == 0 else str(step) for at, step in enumerate(self.path))
        return f"{where}: was {self.before}, ours {self.ours}, theirs {self.theirs}"


def known_vr(tag):
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def read(path):
    return pydicom.dcmread(path, force=True)


def elements(dataset):
    """The elements of a data set by tag. Sequences come last, since opening them makes pydicom read other elements."""
    if dataset is None:
        return {}
    tags = [tag for tag in dataset.keys() if tag.element != 0]
    is_sequence = [(dataset.get_item(tag).VR or known_vr(tag)) in ("SQ", "UN") for tag in tags]
    return {tag: Element(dataset, tag) for _, tag in sorted(zip(is_sequence, tags))}


def body(path):
    """The bytes after the file meta information; a deflated data set inflated."""
    with open(path, "rb") as file:
        content = file.read()
    if content[128:132] != b"DICM":
        return content
    at, syntax = 132, b""
    while content[at : at + 2] == b"\2\0":
        long = content[at + 4 : at + 6] in (b"OB", b"UN", b"OW", b"SQ", b"UT")
        size = int.from_bytes(content[at + 8 : at + 12] if long else content[at + 6 : at + 8], "little")
        start = at + (12 if long else 8)
        if content[at + 2 : at + 4] == b"\x10\0":
            syntax = content[start : start + size].rstrip(b"\0")
        at = start + size
    if syntax.decode("ascii", "replace") == DEFLATED:
        return zlib.decompressobj(-15).decompress(content[at:])
    return content[at:]


def differences(before, ours, theirs):
    """Every place where two cleaned files part, for paths of three files."""
    if body(ours) == body(theirs):
        return []
    found = []
    walk(read(before) if os.path.exists(before) else None, read(ours), read(theirs), (), found)
    return found


def walk(before, ours, theirs, path, found):
    before, ours, theirs = elements(before), elements(ours), elements(theirs)
    for tag in sorted(ours.keys() | theirs.keys()):
        here = (*path, int(tag))
        was, mine, other = before.get(tag), ours.get(tag), theirs.get(tag)
        if mine is None or other is None or not mine.same_as(other):
            found.append(Difference(here, was, mine, other))
        if mine is None or other is None or mine.items is None or other.items is None:
            continue
        if len(mine.items) != len(other.items) and (mine.vr == other.vr):
            found.append(Difference(here, was, mine, other))
        old = was.items if was is not None and was.items is not None else []
        for index, (a, b) in enumerate(zip(mine.items, other.items)):
            walk(old[index] if index < len(old) else None, a, b, (*here, index), found)


def meta_fault(before, ours, theirs, altered):
    """What is wrong with file meta information that we wrote, or None. It is never the original's."""
    with open(ours, "rb") as file:
        if file.read(132) != bytes(128) + b"DICM":
            return "the preamble is not empty"
    mine, other = read(ours), read(theirs)
    meta = mine.file_meta
    known = {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013}
    if set(map(int, meta.keys())) - known:
        return "it has elements that it should not have"
    for copy, original in (("MediaStorageSOPClassUID", "SOPClassUID"), ("MediaStorageSOPInstanceUID", "SOPInstanceUID")):
        if original in mine and str(meta.get(copy)) != str(mine.get(original)):
            return f"{copy} does not follow the data set"
    syntax = other.file_meta.get("TransferSyntaxUID")
    excused = syntax in (None, meta.get("TransferSyntaxUID")) or mislabelled(before) or (altered and decoded(before, other))
    return None if excused else "the transfer syntax differs"


def decoded(before, theirs):
    """Whether the engine decoded the image, which it does under `alter_pixels` even where it blanks nothing."""
    former = read(before).file_meta.get("TransferSyntaxUID")
    return former is not None and former.is_compressed and theirs.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def mislabelled(path):
    """Whether a file's label and the bytes behind it disagree about implicit VR. Ours keeps to the bytes."""
    syntax = read(path).file_meta.get("TransferSyntaxUID")
    explicit = body(path)[4:6].isalpha()
    return syntax is not None and syntax.is_implicit_VR == explicit
