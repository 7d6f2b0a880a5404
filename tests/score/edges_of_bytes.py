"""Edges in bytes that no decoder of images looks at: behind frames, between them, in tables, in spare bits."""

import struct
from collections.abc import Callable, Iterator

from dicomfile import EXPLICIT, JPEG, RLE, Encoder, Syntax, Value, fragments, items, jpeg, numbers, rle
from scribe import Check, Scribe

PLACE = "beside-image"
PLAIN = bytes((5 * n + 3) % 251 for n in range(256))
GREY = {0x00280100: numbers("US", 8), 0x00280101: numbers("US", 8), 0x00280102: numbers("US", 7)}
FRAME = rle(PLAIN)


def all_of_them() -> Iterator[tuple[Syntax, Callable[[Scribe], dict]]]:
    for element in (tail, tail_of_prose, pixels_in_sequence, pixels_in_reference, text_in_fragments, table_of_values, palette, envelope):
        yield EXPLICIT, element
    for element in (high_bits, other_groups, float_beside):
        yield EXPLICIT, element
    for spoil in (behind_segments, in_header, before_segments, as_offsets, as_long_offsets, as_lengths, fragment_more):
        yield RLE, spoil
    for spoil in (reserved_marker, behind_picture, before_picture, as_offsets_of_jpeg):
        yield JPEG, spoil


def _hidden(s: Scribe, count: int = 1) -> bytes:
    """Bytes that tell of a person, an even number of them; none in an ideal file."""
    data = s.raw(PLACE, "PATIENT")
    return (data + b" " * (len(data) % 2)) * count


def tail(s):
    return {**GREY, 0x7FE00010: Value("OB", PLAIN + _hidden(s))}


def tail_of_prose(s):
    return {**GREY, 0x7FE00010: Value("OW", PLAIN + _hidden(s, 6000))}


def pixels_in_sequence(s):
    """Pixel data where no image is, in a sequence that stays."""
    hidden = _hidden(s)
    inner = {0x00280030: Value("DS", "1\\1"), **({0x7FE00010: Value("OW", hidden)} if hidden else {})}
    return {0x52009229: items({0x00289110: items(inner)})}


def pixels_in_reference(s):
    hidden = _hidden(s)
    inner = {0x00081150: Value("UI", "1.2.840.10008.5.1.4.1.1.2"), 0x00081155: Value("UI", "2.25.4711")}
    return {0x00081140: items({**inner, **({0x7FE00010: Value("OB", hidden)} if hidden else {})})}


def text_in_fragments(s):
    hidden = _hidden(s)
    return {**GREY, 0x7FE00010: fragments(PLAIN, hidden) if hidden else Value("OB", PLAIN)}


def _table(tag, data):
    return {tag: items({0x00283002: numbers("US", len(data) // 2, 0, 16), 0x00283006: Value("OW", data)})}


def table_of_values(s):
    """A table of modality values that is a text."""
    return _table(0x00283000, _hidden(s, 12)) if s.shows(PLACE) else _skip(s)


def palette(s):
    hidden = _hidden(s, 12)
    if not hidden:
        return {}
    descriptor = {0x00281101 + n: numbers("US", len(hidden) // 2, 0, 16) for n in range(3)}
    return {**GREY, 0x00280004: Value("CS", "PALETTE COLOR"), **descriptor, **{0x00281201 + n: Value("OW", hidden) for n in range(3)}}


def _skip(s):
    """The ideal way of an edge that only consists of what must not be there."""
    _hidden(s)
    return {}


def envelope(s):
    """What an earlier tool should have encrypted, and did not."""
    token = s.token(PLACE)
    inside = Encoder(EXPLICIT).dataset({0x00100010: Value("PN", token)})
    sealed = items({0x04000510: Value("UI", EXPLICIT.uid), 0x04000520: Value("OB", inside)})
    check = Check("removed", PLACE, token, text=token)
    return {0x04000500: (sealed if s.shows(PLACE) else Value("SQ", "")).asked(check)}


def high_bits(s):
    """An overlay in the spare bits of the image: what it shows is in no byte of its own."""
    drawn = 0x9000 if s.shows(PLACE) else 0
    words = struct.pack("<256H", *((n % 4096) | (drawn if n % 3 else 0) for n in range(256)))
    shown = {0x60000010: numbers("US", 16), 0x60000011: numbers("US", 16), 0x60000040: Value("CS", "G"), 0x60000050: numbers("SS", 1, 1)}
    overlay = {**shown, 0x60000100: numbers("US", 16), 0x60000102: numbers("US", 12)}
    other = {tag + 0x20000: value for tag, value in overlay.items()} | {0x60020102: numbers("US", 15)}
    image = {0x00280100: numbers("US", 16), 0x00280101: numbers("US", 12), 0x00280102: numbers("US", 11)}
    pixels = Value("OW", words).asked(Check("bits_clear", PLACE, "9000"))
    return {**image, **(overlay | other if s.shows(PLACE) else {}), 0x7FE00010: pixels}


def other_groups(s):
    """A second image, as it were, in a group that has not been one since long ago."""
    hidden = _hidden(s, 4)
    return {0x7F000010: Value("OW", hidden), 0x7F000020: Value("OW", hidden)} if hidden else {}


def float_beside(s):
    hidden = _hidden(s, 4)
    return {0x7FE00008: Value("OF", hidden + b"\0" * (-len(hidden) % 4))} if hidden else {}


def _packed(*pieces, table=b""):
    return {**GREY, 0x7FE00010: Value("OB", [table, *pieces], True)}


def behind_segments(s):
    return _packed(FRAME + _hidden(s))


def in_header(s):
    """The offsets of segments that are not there."""
    hidden = _hidden(s)[:56].ljust(56, b"\0")
    return _packed(FRAME[:8] + hidden + FRAME[64:])


def before_segments(s):
    hidden = _hidden(s)
    return _packed(struct.pack("<2I", 1, 64 + len(hidden)) + FRAME[8:64] + hidden + FRAME[64:])


def as_offsets(s):
    hidden = _hidden(s)
    return _packed(FRAME, table=hidden + b"\0" * (-len(hidden) % 4))


def _long_table(s, tag):
    hidden = _hidden(s)
    other = {0x7FE00001: Value("OV", bytes(8)), 0x7FE00002: Value("OV", struct.pack("<Q", len(FRAME)))}
    return {**_packed(FRAME), **(other | {tag: Value("OV", hidden + b"\0" * (-len(hidden) % 8))} if hidden else {})}


def as_long_offsets(s):
    return _long_table(s, 0x7FE00001)


def as_lengths(s):
    return _long_table(s, 0x7FE00002)


def fragment_more(s):
    hidden = _hidden(s)
    return _packed(FRAME, *([hidden] if hidden else []))


def _picture(s, at, marker):
    hidden, picture = _hidden(s), jpeg()
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(hidden) + 2) + hidden if hidden else b""
    return _packed(picture[:at] + segment + picture[at:])


def reserved_marker(s):
    return _picture(s, 2, 0xF3)


def behind_picture(s):
    return _packed(jpeg() + _hidden(s))


def before_picture(s):
    return _picture(s, 2, 0xEB)


def as_offsets_of_jpeg(s):
    hidden = _hidden(s)
    return _packed(jpeg(), table=hidden + b"\0" * (-len(hidden) % 4))
