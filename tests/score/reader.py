"""The scorer's own reader of DICOM files: small, strict where it matters, and used by nothing else.

It knows no dictionary. In implicit VR it tells a sequence by its shape and leaves every other VR unknown.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END, PIXELS = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0x7FE00010
DEFLATED = "1.2.840.10008.1.2.1.99"
IMPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
STEP = re.compile(r"([0-9A-F]{8})(?:\[(\d+)\])?")


class ReadError(Exception):
    """The bytes are no DICOM file."""


@dataclass
class Element:
    tag: int
    vr: str
    raw: bytes
    items: list = field(default_factory=list)

    def text(self) -> str:
        return self.raw.decode("latin-1").rstrip(" \0")


@dataclass(frozen=True)
class Way:
    """How a stretch of bytes is encoded."""

    explicit: bool
    big: bool

    def number(self, form: str, data: bytes, at: int) -> int:
        try:
            return struct.unpack_from((">" if self.big else "<") + form, data, at)[0]
        except struct.error:
            raise ReadError(f"cut short at {at}") from None

    def tag(self, data: bytes, at: int) -> int:
        return self.number("H", data, at) << 16 | self.number("H", data, at + 2)


PLAIN = Way(explicit=True, big=False)
UNKNOWN = Way(explicit=False, big=False)


@dataclass
class File:
    preamble: bytes
    meta: dict
    dataset: dict
    syntax: str
    # The data set as it is once inflated.
    body: bytes

    def find(self, path: str) -> Element | None:
        """The element at a path such as `00082218[0].00100010` or `meta.00020016`."""
        if path.startswith("meta."):
            return self.meta.get(int(path[5:], 16))
        elements, element = self.dataset, None
        for tag, number in STEP.findall(path):
            element = elements.get(int(tag, 16)) if elements is not None else None
            items = element.items if element else []
            elements = items[int(number)] if number and int(number) < len(items) else None
        return element

    def value(self, path: str) -> str:
        element = self.find(path)
        return element.text() if element else ""

    def walk(self) -> Iterator[tuple[str, Element]]:
        """Every element with its path, those of items after the sequence they are in."""
        return _walk(self.dataset, "")


def _walk(elements, prefix):
    for tag, element in elements.items():
        path = f"{prefix}{tag:08X}"
        yield path, element
        for number, item in enumerate(element.items):
            yield from _walk(item, f"{path}[{number}].")


def read(data: bytes) -> File:
    """Reads a whole file; what is not understood to the last byte is an error."""
    if data[128:132] != b"DICM":
        raise ReadError("no DICM after 128 bytes")
    meta, at = {}, 132
    while data[at : at + 2] == b"\x02\x00":
        element, at = _element(data, at, len(data), PLAIN)
        meta[element.tag] = element
    syntax = meta[0x00020010].text() if 0x00020010 in meta else ""
    body = data[at:]
    if syntax == DEFLATED:
        body = zlib.decompressobj(-15).decompress(body)
    dataset, end = _dataset(body, 0, len(body), Way(explicit=syntax != IMPLICIT, big=syntax == BIG), False)
    if end != len(body):
        raise ReadError(f"ends at {end} of {len(body)}")
    return File(data[:128], meta, dataset, syntax, body)


def _dataset(data, at, end, way, in_item):
    elements = {}
    while at < end:
        tag = way.tag(data, at)
        if tag == ITEM_END and in_item:
            return elements, at + 8
        if elements and tag <= max(elements):
            raise ReadError(f"{tag:08X} out of order")
        element, at = _element(data, at, end, way)
        elements[tag] = element
    return elements, at


def _element(data, at, end, way):
    tag = way.tag(data, at)
    vr, length, at = _head(data, at + 4, way)
    if length == UNDEFINED:
        inside = UNKNOWN if vr == "UN" else way
        items, after = _fragments(data, at, way) if tag == PIXELS else _items(data, at, end, inside, True)
        return Element(tag, vr or "SQ", data[at:after], items), after
    if length % 2 or at + length > end:
        raise ReadError(f"{tag:08X} has a length of {length}")
    return Element(tag, vr, data[at : at + length], _items_if_any(data, at, at + length, vr, way)), at + length


def _head(data, at, way):
    if not way.explicit:
        return "", way.number("I", data, at), at + 4
    vr = data[at : at + 2]
    if not vr.isalpha() or not vr.isupper():
        raise ReadError(f"no VR at {at}")
    if vr in LONG:
        return vr.decode(), way.number("I", data, at + 4), at + 8
    return vr.decode(), way.number("H", data, at + 2), at + 4


def _items_if_any(data, at, end, vr, way):
    """The items of a sequence of defined length, also of one that only looks like one."""
    if vr == "SQ":
        return _items(data, at, end, way, False)[0]
    if vr in {"", "UN"} and data[at : at + 4] in {b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"}:
        for inside in (UNKNOWN, way, PLAIN):
            try:
                return _items(data, at, end, inside, False)[0]
            except ReadError:
                continue
    return []


def _items(data, at, end, way, delimited):
    items = []
    while at < end:
        tag, length = way.tag(data, at), way.number("I", data, at + 4)
        at += 8
        if tag == SEQUENCE_END and delimited:
            return items, at
        if tag != ITEM or (length != UNDEFINED and at + length > end):
            raise ReadError(f"no item at {at - 8}")
        item, at = _dataset(data, at, end if length == UNDEFINED else at + length, way, length == UNDEFINED)
        items.append(item)
    if delimited:
        raise ReadError("a sequence without an end")
    return items, at


def _fragments(data, at, way):
    """Past encapsulated pixel data; its fragments are bytes, no data sets."""
    while way.tag(data, at) == ITEM:
        at += 8 + way.number("I", data, at + 4)
    if way.tag(data, at) != SEQUENCE_END:
        raise ReadError("pixel data without an end")
    return [], at + 8
