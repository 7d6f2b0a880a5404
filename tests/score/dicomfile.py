"""Writes DICOM files byte by byte, so that they may hold what a careful library would not write.

The scorer has its own reader (`reader.py`) and shares nothing with this: a mistake in one cannot excuse the other.
"""

import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from personas import CODECS

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
NUMBERS = {"AT": "HH", "FD": "d", "FL": "f", "SL": "i", "SS": "h", "UL": "I", "US": "H"}
LOCALISED = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class Syntax(NamedTuple):
    """How a data set is written."""

    uid: str
    explicit: bool = True
    big: bool = False
    deflated: bool = False


EXPLICIT = Syntax("1.2.840.10008.1.2.1")
IMPLICIT = Syntax("1.2.840.10008.1.2", explicit=False)
BIG = Syntax("1.2.840.10008.1.2.2", big=True)
DEFLATED = Syntax("1.2.840.10008.1.2.1.99", deflated=True)
RLE = Syntax("1.2.840.10008.1.2.5")
JPEG = Syntax("1.2.840.10008.1.2.4.50")


@dataclass(frozen=True)
class Value:
    """A value with its VR: text, bytes, a tuple of numbers, or items; and what is asked of it afterwards."""

    vr: str
    data: object
    undefined: bool = False
    checks: tuple = field(default=(), compare=False)

    def asked(self, *checks):
        return replace(self, checks=(*self.checks, *checks))


def numbers(vr, *values):
    return Value(vr, values)


def items(*datasets, undefined=False, vr="SQ"):
    return Value(vr, list(datasets), undefined)


def fragments(*pieces):
    """Encapsulated pixel data with an empty offset table."""
    return Value("OB", [b"", *pieces], True)


@dataclass(frozen=True)
class Encoder:
    """Turns data sets into bytes, in one transfer syntax and one character set."""

    syntax: Syntax
    codec: str = "ascii"

    def pack(self, form, *values):
        return struct.pack((">" if self.syntax.big else "<") + form, *values)

    def tag(self, tag):
        return self.pack("HH", tag >> 16, tag & 0xFFFF)

    def dataset(self, dataset):
        """The bytes of a data set, its elements in the order of their tags."""
        return b"".join(self.element(tag, value) for tag, value in sorted(dataset.items()))

    def element(self, tag, value):
        # What UN holds is implicit little endian where its length is undefined (PS3.5 section 6.2.2).
        inside = replace(self, syntax=IMPLICIT) if value.vr == "UN" and isinstance(value.data, list) else self
        body = inside.body(value)
        length = UNDEFINED if value.undefined else len(body)
        if not self.syntax.explicit:
            return self.tag(tag) + self.pack("I", length) + body
        if value.vr in LONG:
            return self.tag(tag) + value.vr.encode() + b"\0\0" + self.pack("I", length) + body
        return self.tag(tag) + value.vr.encode() + self.pack("H", length) + body

    def body(self, value):
        data = value.data
        if isinstance(data, list):
            end = self.tag(SEQUENCE_END) + self.pack("I", 0) if value.undefined else b""
            return b"".join(self.item(entry, value.undefined) for entry in data) + end
        if isinstance(data, tuple):
            return b"".join(self.pack(NUMBERS[value.vr], *(_halves(n) if value.vr == "AT" else (n,))) for n in data)
        if isinstance(data, str):
            data = data.encode(self.codec if value.vr in LOCALISED else "latin-1")
        return data + (b"\0" if value.vr in {"OB", "UI", "UN"} else b" ") * (len(data) % 2)

    def item(self, entry, undefined):
        body = entry + b"\0" * (len(entry) % 2) if isinstance(entry, bytes) else self.dataset(entry)
        if undefined and not isinstance(entry, bytes):
            return self.tag(ITEM) + self.pack("I", UNDEFINED) + body + self.tag(ITEM_END) + self.pack("I", 0)
        return self.tag(ITEM) + self.pack("I", len(body)) + body


def _halves(tag):
    return tag >> 16, tag & 0xFFFF


def file_bytes(dataset, syntax, charset, preamble, meta):
    """A whole file."""
    body = Encoder(syntax, CODECS[charset]).dataset(dataset)
    if syntax.deflated:
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = squeeze.compress(body) + squeeze.flush()
        body += b"\0" * (len(body) % 2)
    plain = Encoder(EXPLICIT)
    group = plain.dataset(meta)
    return preamble.ljust(128, b"\0") + b"DICM" + plain.dataset({0x00020000: numbers("UL", len(group))}) + group + body


def rle(*segments):
    """A frame in DICOM's run-length encoding, all of it literal runs (PS3.5 annex G)."""
    packed = []
    for segment in segments:
        runs = b"".join(bytes([len(segment[n : n + 128]) - 1]) + segment[n : n + 128] for n in range(0, len(segment), 128))
        packed.append(runs + b"\0" * (len(runs) % 2))
    offsets = [64 + sum(len(runs) for runs in packed[:n]) for n in range(len(packed))]
    return struct.pack("<16I", len(packed), *offsets, *[0] * (15 - len(packed))) + b"".join(packed)


def jpeg(comment=b""):
    """A grey image of 16 by 16 as baseline JPEG, by hand; `comment` becomes a COM segment."""

    def segment(marker, data):
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    # One code of one bit in each Huffman table: no difference to the block before, and the end of the block.
    tables = segment(0xC4, bytes([0x00, 1, *[0] * 15, 0])) + segment(0xC4, bytes([0x10, 1, *[0] * 15, 0]))
    frame = segment(0xC0, bytes([8, 0, 16, 0, 16, 1, 1, 0x11, 0]))
    remark = segment(0xFE, comment) if comment else b""
    scan = segment(0xDA, bytes([1, 1, 0x00, 0, 63, 0])) + b"\0"
    return b"\xff\xd8" + remark + segment(0xDB, bytes([0, *[16] * 64])) + frame + tables + scan + b"\xff\xd9"


def icc(description):
    """The outline of an ICC profile whose `desc` tag holds a text."""
    text = description + b"\0"
    tag = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    table = struct.pack(">I4sII", 1, b"desc", 144, len(tag))
    header = struct.pack(">I4sI4s4s4s", 144 + len(tag), b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    return header.ljust(36, b"\0") + b"acsp" + bytes(88) + table + tag


def pdf(line):
    """A document of one page with one line of text."""
    stream = b"BT /F1 12 Tf 20 700 Td (" + line + b") Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 800] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, data) for n, data in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer << /Root 1 0 R /Size 5 >>\n%%EOF\n"
