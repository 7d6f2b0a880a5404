"""The files that both engines are given: pydicom's own, and a set made here to reach what those do not.

Everything is synthetic and the same on every machine. The files are written byte by byte, without pydicom, so that they
may hold what a careful library would not write.
"""

import os
import struct
import zlib
from dataclasses import dataclass, replace
from typing import NamedTuple

import pydicom

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
NUMBERS = {"AT": "HH", "FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
ROOT = "1.2.826.0.1.3680043.10.1337"
CT = "1.2.840.10008.5.1.4.1.1.2"
UNDEFINED = 0xFFFFFFFF


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
JPEG_LOSSLESS = Syntax("1.2.840.10008.1.2.4.70")


@dataclass(frozen=True)
class Value:
    """A value with its VR: text, bytes, a tuple of numbers, or items."""

    vr: str
    data: object
    undefined: bool = False


def text(vr, value):
    return Value(vr, value)


def numbers(vr, *values):
    return Value(vr, values)


def items(*datasets, undefined=False, vr="SQ"):
    return Value(vr, list(datasets), undefined)


def fragments(*pieces):
    """Encapsulated pixel data with an empty offset table."""
    return Value("OB", [b"", *pieces], True)


def value_bytes(value, syntax):
    order = ">" if syntax.big else "<"
    data = value.data
    if isinstance(data, tuple):
        if value.vr == "AT":
            data = [half for tag in data for half in (tag >> 16, tag & 0xFFFF)]
            return struct.pack(f"{order}{len(data)}H", *data)
        return struct.pack(f"{order}{len(data)}{NUMBERS[value.vr]}", *data)
    if isinstance(data, list):
        return b"".join(item(entry, value.undefined, syntax) for entry in data) + end_of_items(value, syntax)
    if isinstance(data, str):
        data = data.encode("latin-1")
    if len(data) % 2:
        data += b"\0" if value.vr in {"UI", "OB", "UN"} else b" "
    return data


def tag_bytes(tag, syntax):
    return struct.pack(">HH" if syntax.big else "<HH", tag >> 16, tag & 0xFFFF)


def length_bytes(length, syntax):
    return struct.pack(">I" if syntax.big else "<I", length)


def item(entry, undefined, syntax):
    head = tag_bytes(0xFFFEE000, syntax)
    if isinstance(entry, bytes):
        return head + length_bytes(len(entry), syntax) + entry
    body = encode(entry, syntax)
    if undefined:
        return head + length_bytes(UNDEFINED, syntax) + body + tag_bytes(0xFFFEE00D, syntax) + length_bytes(0, syntax)
    return head + length_bytes(len(body), syntax) + body


def end_of_items(value, syntax):
    return tag_bytes(0xFFFEE0DD, syntax) + length_bytes(0, syntax) if value.undefined else b""


def encode(dataset, syntax):
    """The bytes of a data set, its elements in the order of their tags."""
    out = bytearray()
    for tag, value in sorted(dataset.items()):
        # What UN holds is implicit little endian where its length is undefined (PS3.5 section 6.2.2).
        inner = IMPLICIT if value.vr == "UN" and isinstance(value.data, list) else syntax
        body = value_bytes(value, inner)
        length = UNDEFINED if value.undefined else len(body)
        out += tag_bytes(tag, syntax)
        if not syntax.explicit:
            out += length_bytes(length, syntax)
        elif value.vr in LONG:
            out += value.vr.encode() + b"\0\0" + length_bytes(length, syntax)
        else:
            out += value.vr.encode() + struct.pack(">H" if syntax.big else "<H", length)
        out += body
    return bytes(out)


def file_bytes(dataset, syntax=EXPLICIT, preamble=bytes(128), meta=None):
    """A whole file; without a preamble nothing stands before the data set."""
    body = encode(dataset, syntax)
    if syntax.deflated:
        squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = squeeze.compress(body) + squeeze.flush()
        body += b"\0" * (len(body) % 2)
    if preamble is None:
        return body
    group = {
        0x00020001: Value("OB", b"\0\1"),
        0x00020002: dataset.get(0x00080016, text("UI", CT)),
        0x00020003: dataset.get(0x00080018, text("UI", "")),
        0x00020010: text("UI", syntax.uid),
        0x00020012: text("UI", ROOT + ".1"),
        0x00020013: text("SH", "PARITY"),
        **(meta or {}),
    }
    group = encode(group, EXPLICIT)
    return preamble + b"DICM" + encode({0x00020000: numbers("UL", len(group))}, EXPLICIT) + group + body


# What a scanner would write, as the ground for everything below.


def reference(number, **more):
    return {0x00081150: text("UI", CT), 0x00081155: text("UI", f"{ROOT}.9.{number}"), **tags(more)}


def tags(named):
    """`t00100020=...` names a tag where no keyword argument could."""
    return {int(name[1:], 16): value for name, value in named.items()}


def study(number, **more):
    """A small CT instance; `more` adds elements or, with None, takes some away."""
    dataset = {
        0x00080005: text("CS", "ISO_IR 100"),
        0x00080008: text("CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        0x00080012: text("DA", "20040119"),
        0x00080013: text("TM", "072731"),
        0x00080016: text("UI", CT),
        0x00080018: text("UI", f"{ROOT}.2.{number}"),
        0x00080020: text("DA", "20040119"),
        0x00080021: text("DA", "20040119"),
        0x00080022: text("DA", "20040119"),
        0x00080023: text("DA", "20040119"),
        0x0008002A: text("DT", "20040119072730.000000"),
        0x00080030: text("TM", "072730"),
        0x00080050: text("SH", "A-4711"),
        0x00080060: text("CS", "CT"),
        0x00080070: text("LO", "GE MEDICAL SYSTEMS"),
        0x00080080: text("LO", "JFK IMAGING CENTER"),
        0x00080081: text("ST", "1 Long Street, Springfield"),
        0x00080090: text("PN", "Referring^Doc"),
        0x00081010: text("SH", "STATION1"),
        0x00081030: text("LO", "HEAD w/o contrast 20040119"),
        0x0008103E: text("LO", "AXIAL 5mm"),
        0x00081050: text("PN", "Performing^Doc\\Second^Doc"),
        0x00081111: items(reference(1)),
        0x00081140: items(reference(2), reference(3)),
        0x00100010: text("PN", "Doe^Jane^^^"),
        0x00100020: text("LO", f"PAT-{number:04d}"),
        0x00100030: text("DA", "19500615"),
        0x00100040: text("CS", "F"),
        0x00101002: items({0x00100020: text("LO", "OTHER-1"), 0x00100022: text("CS", "TEXT")}),
        0x00101010: text("AS", "053Y"),
        0x00101020: text("DS", "1.70"),
        0x00101030: text("DS", "70.50"),
        0x001021B0: text("LT", "long\\text with\\backslashes"),
        0x00180050: text("DS", "5.0"),
        0x00180060: text("DS", "120"),
        0x00181030: text("LO", "HEAD/ROUTINE"),
        0x00181151: text("IS", "170"),
        0x0020000D: text("UI", f"{ROOT}.3.1762295590.1623"),
        0x0020000E: text("UI", f"{ROOT}.4.1762295590.1623.978668949.886"),
        0x00200010: text("SH", "S42"),
        0x00200011: text("IS", "3"),
        0x00200013: text("IS", str(number)),
        0x00200032: text("DS", "-11.2\\22.30\\0"),
        0x00200052: text("UI", f"{ROOT}.5.1"),
        0x00280002: numbers("US", 1),
        0x00280004: text("CS", "MONOCHROME2"),
        0x00280010: numbers("US", 8),
        0x00280011: numbers("US", 8),
        0x00280100: numbers("US", 16),
        0x00280101: numbers("US", 12),
        0x00280102: numbers("US", 11),
        0x00280103: numbers("US", 0),
        0x00400275: items(
            {0x00080050: text("SH", "A-4711"), 0x00400007: text("LO", "HEAD STEP"), 0x00400009: text("SH", "SPS1")}
        ),
        0x7FE00010: Value("OW", struct.pack("<64H", *range(1000, 2280, 20))),
    }
    dataset.update(tags(more))
    return {tag: value for tag, value in dataset.items() if value is not None}


def private_sets():
    """Private blocks: several creators, moved blocks, one creator twice, no creator, and privates inside items."""
    gems = {
        0x00090010: text("LO", "GEMS_IDEN_01"),
        0x00091001: text("LO", "GE_GENESIS_FF"),
        0x00091002: text("SH", "CT01"),
        0x00190010: text("LO", "GEMS_ACQU_01"),
        0x00191002: numbers("SL", 912),
        0x0019101E: text("DS", "500.0"),
        0x00430010: text("LO", "GEMS_PARM_01"),
        0x00431039: text("IS", "1\\2\\3"),
    }
    siemens = {
        0x00290010: text("LO", "SIEMENS CSA HEADER"),
        0x00291008: text("CS", "IMAGE NUM 4"),
        0x00291010: Value("OB", b"SV10" + bytes(60)),
    }
    moved = {
        0x00090010: text("LO", "SOMEBODY ELSE"),
        0x00091001: text("LO", "not by GE"),
        0x00090011: text("LO", "GEMS_IDEN_01"),
        0x00091101: text("LO", "moved"),
        0x00190042: text("LO", "GEMS_ACQU_01"),
        0x00194202: numbers("SL", 7),
        0x0019421E: text("DS", "250"),
    }
    twice = {
        **gems,
        0x00090012: text("LO", "GEMS_IDEN_01"),
        0x00091201: text("LO", "second block"),
    }
    inner = {0x00090010: text("LO", "OTHER CREATOR"), 0x00091001: text("LO", "nested"), 0x00100020: text("LO", "IN-ITEM")}
    same = {0x00090010: text("LO", "GEMS_IDEN_01"), 0x00091001: text("LO", "nested ge")}
    in_private = {
        0x00291020: items({0x00100020: text("LO", "IN-PRIVATE"), 0x00100010: text("PN", "Hidden^Name"), 0x00080018: text("UI", ROOT + ".77")}),
    }
    yield "private-gems", study(100, **named(gems))
    yield "private-siemens", study(101, **named(siemens))
    yield "private-moved", study(102, **named(moved))
    yield "private-twice", study(103, **named(twice))
    yield "private-nested", study(104, t00081140=items({**reference(1), **inner}, {**reference(2), **same}), **named(gems))
    yield "private-nested-only", study(105, t00081140=items({**reference(1), **same}))
    yield "private-sequence", study(106, **named({**siemens, **in_private}))
    yield "private-no-creator", study(107, t00111001=text("LO", "orphan"), t00131020=text("LO", "orphan"))
    yield "private-other-case", study(108, t00090010=text("LO", "gems_iden_01"), t00091001=text("LO", "lower case"))
    yield "private-unknown", study(109, t000B0010=text("LO", "NOBODY KNOWS"), t000B1001=Value("UN", b"opaque"))
    yield "private-implicit", (study(110, **named({**gems, **siemens, **in_private})), IMPLICIT)
    yield "private-big-endian", (study(111, **named(gems)), BIG)
    yield "private-in-group-of-elements", study(112, **named({**gems, 0x00090011: text("LO", "EMPTY BLOCK")}))


def named(dataset):
    return {f"t{tag:08x}": value for tag, value in dataset.items()}


def nested_sets():
    """Sequences in sequences, four deep, in every way of writing their lengths."""

    def level(depth, undefined):
        dataset = {
            0x00080020: text("DA", f"2004010{depth}"),
            0x00081155: text("UI", f"{ROOT}.6.{depth}"),
            0x00080018: text("UI", f"{ROOT}.7.{depth}"),
            0x00081010: text("SH", f"STATION-{depth}"),
            0x00100010: text("PN", f"Level^{depth}"),
            0x00100020: text("LO", f"PAT-LEVEL-{depth}"),
            0x0020000D: text("UI", f"{ROOT}.8.{depth}"),
            0x00290010: text("LO", "SIEMENS CSA HEADER"),
            0x00291010: Value("OB", b"SV10" + bytes(4)),
        }
        if depth < 4:
            dataset[0x00081115] = items(level(depth + 1, undefined), {}, undefined=undefined)
        return dataset

    for undefined in (False, True):
        kind = "undefined" if undefined else "defined"
        more = {"t00081115": items(level(1, undefined), level(1, undefined), undefined=undefined)}
        for name, syntax in (("explicit", EXPLICIT), ("implicit", IMPLICIT), ("big-endian", BIG)):
            yield f"nested-{kind}-{name}", (study(200, **more), syntax)
    yield "nested-empty", study(201, t00081140=items(), t00101002=items({}), t00400275=items({}, {}))
    yield "nested-indices", study(
        202,
        t00400275=items(*({0x00080050: text("SH", f"A-{n}"), 0x00400007: text("LO", f"STEP {n}")} for n in range(4))),
        t00101002=items(*({0x00100020: text("LO", f"OTHER-{n}"), 0x00100010: text("PN", f"Other^{n}")} for n in range(3))),
    )
    tree = items(
        {
            0x0040A040: text("CS", "PNAME"),
            0x0040A123: text("PN", "Observer^One"),
            0x0040A730: items({0x0040A040: text("CS", "UIDREF"), 0x0040A124: text("UI", ROOT + ".55")}),
        },
        {0x0040A040: text("CS", "DATE"), 0x0040A121: text("DA", "20040118"), 0x0040A160: text("UT", "Ms Doe was seen")},
        undefined=True,
    )
    yield "nested-report", study(203, t0040A730=tree, t7FE00010=None)


def character_sets():
    """Names in many character sets, and text that its character set cannot hold."""
    pairs = [
        ("latin-1", "ISO_IR 100", "Müller^Jörg".encode("latin-1")),
        ("latin-2", "ISO_IR 101", "Łukasz^Żak".encode("iso8859-2")),
        ("cyrillic", "ISO_IR 144", "Люкceмбypг".encode("iso8859-5")),
        ("greek", "ISO_IR 126", "Διονυσιος".encode("iso8859-7")),
        ("hebrew", "ISO_IR 138", "שרון^דבורה".encode("iso8859-8")),
        ("thai", "ISO_IR 166", "สมชาย^ใจดี".encode("iso8859-11")),
        ("kana", "ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ".encode("shift_jis")),
        ("utf-8", "ISO_IR 192", "Äneas^Rüdiger=山田^太郎".encode()),
        ("gb18030", "GB18030", "Wang^XiaoDong=王^小东".encode("gb18030")),
        ("gbk", "GBK", "Wang^XiaoDong=王^小东".encode("gbk")),
        ("kanji", "\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"),
        ("kanji-kana", "ISO 2022 IR 13\\ISO 2022 IR 87", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J"),
        ("hangul", "\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"),
        ("chinese", "\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="),
    ]
    for number, (name, declared, value) in enumerate(pairs):
        yield f"names-{name}", study(300 + number, t00080005=text("CS", declared), t00100010=Value("PN", value))
    kanji = b"\x1b$B;3ED\x1b(B"
    yield "names-description", study(320, t00080005=text("CS", "\\ISO 2022 IR 87"), t00081030=Value("LO", b"HEAD " + kanji))
    yield "names-undeclared", study(321, t00080005=None, t00100010=Value("PN", "Müller^Jörg".encode("latin-1")))
    yield "names-broken-utf-8", study(322, t00080005=text("CS", "ISO_IR 192"), t00100010=Value("PN", b"Do\xff^Jane"))
    yield "names-unknown-set", study(323, t00080005=text("CS", "ISO_IR 999"), t00100010=Value("PN", b"Doe\xe4^Jane"))
    inner = {0x00080005: text("CS", "ISO_IR 192"), 0x00100010: Value("PN", "山田^太郎".encode()), 0x00100020: Value("LO", "識別".encode())}
    yield "names-nested-set", study(324, t00101002=items(inner, {0x00100010: Value("PN", "Müller".encode("latin-1"))}))
    yield "names-components", study(325, t00100010=text("PN", "^^^Dr.^=="), t00081050=text("PN", "=\\^\\A^B^"))


DATES = [
    "", "20040119", "20040119 ", "2004.01.19", "2004119", "200411", "200401", "2004", "2004-01-19", "20041301", "20040230",
    "20040229", "20041231", "19000101", "10000101", "00010105", "99991231", "20040119-20040120", "20040119\\20040120",
    "20040119\\", "\\", "20040119120000", " 20040119", "0", "abc",
]  # fmt: skip
DATETIMES = [
    "", "20040119072730", "20040119072730.5", "20040119072730.123456", "20040119072730.1234567", "20040119072730+0100",
    "20040119072730.000000-0500", "20040119072730&0100", "200401190727", "2004011907", "20040119", "200401", "2004",
    "2004-0500", "20040119072760", "20040119072730.5\\20040120072730", "20040119072730 ", "20040119072730.", "00010105000000",
    "99991231235959.999999", "20040119-20040120",
]  # fmt: skip


def date_sets():
    """One odd date or date and time in each file, since it may fail the file."""
    for number, date in enumerate(DATES):
        yield f"date-{number:02d}", study(400 + number, t00080020=text("DA", date))
    for number, moment in enumerate(DATETIMES):
        yield f"datetime-{number:02d}", study(430 + number, t0008002A=text("DT", moment))
    births = ["19500615", "20030115", "20010604", "20010603", "19240219", "19240119", "18000101", "20040220", "09000101", "20040119", "2004.01.18", ""]
    for number, birth in enumerate(births):
        yield f"age-{number:02d}", study(460 + number, t00100030=text("DA", birth))
    formats = {
        0x00101040: text("LO", "2004-01-19"),
        0x00101081: text("LO", "19.01.2004 07:27"),
        0x00102180: text("SH", "19 Jan 2004"),
        0x00101080: text("LO", "040119"),
        0x00102150: text("LO", "2004/019"),
        0x00102152: text("LO", "19-January-2004 07:27:30 PM"),
        0x001021F0: text("LO", "20040119072730"),
        0x00101090: text("LO", "20040119\\20040120"),
        0x00400002: text("DA", "20040119\\20040120"),
    }
    yield "date-formats", study(480, **named(formats))
    for number, (tag, value) in enumerate(
        [
            (0x00101040, "2004-1-9"),
            (0x00101040, "04-01-19"),
            (0x00101081, "1.1.2004 7:5"),
            (0x00102180, "19 jan 2004"),
            (0x00101080, "690101"),
            (0x00102150, "2004/19"),
            (0x00102152, "19-january-2004 12:00:00 am"),
            (0x001021F0, "20040119240000"),
            (0x00101090, "20040119,20040120"),
            (0x00101090, "20040119\\"),
        ]
    ):
        yield f"date-format-{number}", study(481 + number, **{f"t{tag:08x}": text("LO" if tag != 0x00102180 else "SH", value)})
    yield "age-leap-day", study(475, t00100030=text("DA", "20040229"), t00080020=text("DA", "20050228"))
    yield "age-end-of-month", study(476, t00100030=text("DA", "20040131"), t00080020=text("DA", "20040229"), t00101010=None)


def value_sets():
    """Every VR, empty, filled and filled oddly; padding; several values; long values."""
    filled = {
        0x00080055: text("AE", " AE1 \\ AE2 "),
        0x00080001: numbers("UL", 77),
        0x00081080: text("LO", " leading and trailing  "),
        0x00082129: text("IS", "+5"),
        0x00082142: text("IS", " 7 "),
        0x00089007: text("CS", "A \\ B"),
        0x00100033: text("LO", "alternative"),
        0x00101060: text("PN", " Mother^Birth "),
        0x00104000: text("LT", " comment \r\n with lines  "),
        0x00181063: text("DS", "1.50 \\ 2e3\\-0"),
        0x00189074: text("DT", "20040119"),
        0x00186020: numbers("SL", -70000),
        0x00186028: numbers("FD", 0.1, -1e300),
        0x00181271: numbers("FD", 3.5),
        0x00189219: numbers("SS", -12),
        0x00189087: numbers("FD", 1000.0),
        0x00205000: numbers("AT", 0x00100010, 0x00080018),
        0x00209156: numbers("US", 65535),
        0x00280009: numbers("AT", 0x00181063),
        0x00281052: text("DS", "-1024"),
        0x00281201: Value("OW", bytes(range(16))),
        0x00400244: text("DA", "20040120"),
        0x00720078: numbers("UL", 1, 2, 3),
        0x00720076: numbers("FL", 0.1, 16777216.0),
        0x00080120: text("UR", "http://example.invalid/a b"),
        0x00189367: text("UC", "unlimited characters"),
        0x00080301: numbers("US", 0x0009),
        0x00660016: Value("OF", struct.pack("<4f", 1, 2, 3, 4)),
        0x00720083: numbers("UV", 1 << 63),
        0x00720082: numbers("SV", -(1 << 62)),
    }
    empty = {tag: Value(value.vr, b"") for tag, value in filled.items()}
    kept = {0x0020000D, 0x00080016, 0x00080018}
    all_empty = {
        tag: Value(value.vr, [] if value.vr == "SQ" else b"")
        for tag, value in study(502).items()
        if not (0x00280000 <= tag <= 0x0028FFFF) and tag not in kept
    }
    yield "values-filled", study(500, **named(filled))
    yield "values-empty", study(501, **named(empty))
    yield "values-all-empty", study(502, **named(all_empty))
    for name, syntax in (("implicit", IMPLICIT), ("big-endian", BIG)):
        big_words = {0x00281201: Value("OW", bytes(range(16))), 0x00660016: None}
        filled_here = {tag: value for tag, value in {**filled, **big_words}.items() if value}
        yield f"values-{name}", (study(503, **named(filled_here)), syntax)
    yield "values-blank", study(504, t00100020=text("LO", "    "), t00100010=text("PN", "  "), t00181151=text("IS", "  "), t00101030=text("DS", "    "))
    yield "values-nul-padded", study(505, t00100020=Value("LO", b"PAT-1\0\0\0"), t00080050=Value("SH", b"A1\0\0"), t0020000D=Value("UI", b"1.2.3.4.5.6 "))
    yield "values-many-uids", study(506, t00200052=text("UI", "1.2.3.4.5\\1.2.3.4.6"), t0008001A=text("UI", "1.2\\1.3\\1.4"))
    yield "values-short-uids", study(507, t0020000D=text("UI", "1.2"), t0020000E=text("UI", "5"), t00200052=text("UI", "2.25.329800735698586629295641978511506172918"))
    yield "values-odd-uids", study(508, t0020000D=text("UI", "1.2.840.113619.2.5.20040112000042"), t0020000E=text("UI", "1..2.x.3"), t00200052=text("UI", "9" * 64))
    yield "values-odd-numbers", study(509, t00181151=text("IS", "7.0"), t00101030=text("DS", "heavy"), t00180050=text("DS", "1,5"))
    yield "values-long", study(510, t00081030=text("LO", "x" * 200), t00104000=text("LT", "y" * 20000), t00100020=text("LO", "z" * 64))
    yield "values-many", study(511, t00100020=text("LO", "A1\\B2"), t00080050=text("SH", "A\\\\B"), t00101030=text("DS", "70\\71"), t00081010=text("SH", "\\X"))
    yield "values-jitter", study(512, t00101030=text("DS", "-3.25"), t00181151=text("IS", "-20"), t00189219=None, t00280010=numbers("US", 0), t7FE00010=None)
    yield "values-names-for-files", study(513, t00080060=text("CS", "C/T"), t00100010=text("PN", 'a:b*c?d<e>"|^t2*'), t00200010=None)
    yield "values-no-modality", study(514, t00080060=None)
    yield "values-no-instance-uid", study(515, t00080018=None)
    yield "values-description-only", study(516, t00081030=text("LO", "HEAD"), t0008103E=text("LO", ""))
    signed = {"t00280103": numbers("US", 1), "t00280106": numbers("SS", -5), "t00280120": numbers("SS", -2000)}
    yield "values-signed", study(517, **signed)


def named_files():
    """Files whose names are dates."""
    yield "name-2004-01-19", study(550, t00100010=text("PN", 'a:b*c?d<e>"|^t2*'))
    yield "name-20040119T072730", study(551)


def odd_sets():
    """UN, group lengths, repeaters, bytes after the pixel data, and files that lack what a file should have."""
    unknown = {
        0x00100010: Value("UN", b"Unknown^Name"),
        0x00100020: Value("UN", b"UN-ID "),
        0x00080020: Value("UN", b"20040119"),
        0x00181151: Value("UN", b"170 "),
        0x00280106: Value("UN", struct.pack("<H", 5)),
        0x00081010: Value("UN", b"STATION "),
    }
    yield "unknown-vr", study(600, **named(unknown))
    yield "unknown-vr-big-endian", (study(601, **named(unknown)), BIG)
    inner = {0x00100020: text("LO", "IN-UN "), 0x00081155: text("UI", ROOT + ".66")}
    yield "unknown-vr-sequence", study(602, t00101002=items(inner, undefined=True, vr="UN"), t00081140=items(inner, inner, undefined=True, vr="UN"))
    closed = item(inner, False, IMPLICIT)
    yield "unknown-vr-closed-sequence", study(603, t00101002=Value("UN", closed))
    yield "unknown-tags", study(604, t00180001=Value("UN", b"????"), t00100FFF=text("LO", "no such attribute"), t00200FFF=Value("UN", b"abcd"))
    yield "group-lengths", study(605, t00080000=numbers("UL", 4), t00100000=numbers("UL", 4), t00280000=numbers("UL", 4))
    overlay = {
        0x60000010: numbers("US", 8), 0x60000011: numbers("US", 8), 0x60000022: text("LO", "Overlay of Doe"),
        0x60000040: text("CS", "G"), 0x60000050: numbers("SS", 1, 1), 0x60000100: numbers("US", 1), 0x60000102: numbers("US", 0),
        0x60003000: Value("OW", bytes(range(8))), 0x60021500: text("LO", "Label"), 0x60023000: Value("OW", bytes(range(8))),
        0x601E3000: Value("OW", bytes(8)), 0x50000005: numbers("US", 1), 0x50000010: numbers("US", 2), 0x50000030: text("SH", "DPPS"),
        0x50003000: Value("OW", bytes(16)), 0x50020010: numbers("US", 3), 0x50022500: text("LO", "Curve of Doe"),
    }  # fmt: skip
    yield "repeaters", study(606, **named(overlay))
    yield "repeaters-implicit", (study(607, **named(overlay)), IMPLICIT)
    yield "repeaters-big-endian", (study(608, **named(overlay)), BIG)
    yield "repeaters-nested", study(609, t00880200=items(overlay), **named({0x60013000: Value("OW", bytes(4)), 0x60010010: text("LO", "ODD GROUP")}))
    yield "after-the-pixels", study(610, t7FE10010=text("LO", "AFTER"), t7FE11001=text("LO", "Doe^Jane"), tFFFCFFFC=Value("OB", b"Doe^Jane"))
    yield "digital-signature", study(611, tFFFAFFFA=items({0x00041400: text("CS", "x"), 0x0400_0100: text("UI", ROOT + ".13")}))
    meta = {0x00020016: text("AE", "SCANNER1"), 0x00020100: text("UI", ROOT + ".2"), 0x00020102: Value("OB", b"private information ")}
    yield "meta-and-preamble", (study(612), EXPLICIT, b"Doe^Jane was here".ljust(128, b"."), meta)
    yield "meta-of-another", (study(613), EXPLICIT, bytes(128), {0x00020003: text("UI", ROOT + ".2.1")})
    yield "bare-explicit", (study(614), EXPLICIT, None)
    yield "bare-implicit", (study(615), IMPLICIT, None)
    yield "bare-big-endian", (study(616), BIG, None)
    yield "deflated", (study(617), DEFLATED)
    yield "explicit-labelled-implicit", (study(618), EXPLICIT, bytes(128), {0x00020010: text("UI", IMPLICIT.uid)})
    yield "waveform", study(
        619,
        t54000100=items({0x003A0005: numbers("US", 1), 0x54001004: numbers("US", 16), 0x54001006: text("CS", "SS"), 0x54001010: Value("OW", bytes(32))}),
        t7FE00010=None,
    )


def rle(*segments):
    """A frame in DICOM's run-length encoding, all of it literal runs (PS3.5 annex G)."""
    packed = []
    for segment in segments:
        runs = b"".join(bytes([len(segment[at : at + 128]) - 1]) + segment[at : at + 128] for at in range(0, len(segment), 128))
        packed.append(runs + b"\0" * (len(runs) % 2))
    offsets, at = [], 64
    for runs in packed:
        offsets.append(at)
        at += len(runs)
    return struct.pack("<16I", len(packed), *offsets, *[0] * (15 - len(packed))) + b"".join(packed)


def pixel_sets():
    """Images of the common shapes, 16 by 16, for the rules that black out regions."""
    side = {"t00280010": numbers("US", 16), "t00280011": numbers("US", 16)}
    plane = bytes((7 * n + 1) % 256 for n in range(256))
    words = b"".join(struct.pack("<H", (37 * n + 5) % 4096) for n in range(256))
    swapped = b"".join(struct.pack(">H", (37 * n + 5) % 4096) for n in range(256))
    byte = {**side, "t00280100": numbers("US", 8), "t00280101": numbers("US", 8), "t00280102": numbers("US", 7)}
    colour = {**byte, "t00280002": numbers("US", 3), "t00280004": text("CS", "RGB"), "t00280006": numbers("US", 0)}
    three = b"".join(bytes([a, 255 - a, a // 2]) for a in plane)
    us = {"t00080060": text("CS", "US"), "t00080016": text("UI", "1.2.840.10008.5.1.4.1.1.6.1")}
    yield "pixels-8", study(700, t7FE00010=Value("OW", plane), **byte, **us)
    yield "pixels-16", study(701, t7FE00010=Value("OW", words), **side, **us)
    yield "pixels-16-big-endian", (study(702, t7FE00010=Value("OW", swapped), **side, **us), BIG)
    yield "pixels-16-implicit", (study(703, t7FE00010=Value("OW", words), **side, **us), IMPLICIT)
    yield "pixels-16-deflated", (study(704, t7FE00010=Value("OW", words), **side, **us), DEFLATED)
    yield "pixels-colour", study(705, t7FE00010=Value("OW", three), **colour, **us)
    planar = {**colour, "t00280006": numbers("US", 1)}
    yield "pixels-colour-planar", study(706, t7FE00010=Value("OW", plane + plane[::-1] + plane), **planar, **us)
    yield "pixels-frames", study(707, t00280008=text("IS", "2"), t7FE00010=Value("OB", plane + plane[::-1]), **byte, **us)
    yield "pixels-rle-8", (study(708, t7FE00010=fragments(rle(plane)), **byte, **us), RLE)
    yield "pixels-rle-16", (study(709, t7FE00010=fragments(rle(words[1::2], words[::2])), **side, **us), RLE)
    yield "pixels-rle-colour", (study(710, t7FE00010=fragments(rle(plane, plane[::-1], plane)), **colour, **us), RLE)
    yield "pixels-rle-frames", (study(711, t00280008=text("IS", "2"), t7FE00010=fragments(rle(plane), rle(plane[::-1])), **byte, **us), RLE)
    yield "pixels-undecodable", (study(712, t7FE00010=fragments(b"no JPEG at all"), **byte, **us), JPEG_LOSSLESS)
    yield "pixels-none", study(713, t7FE00010=None, **us)
    yield "pixels-cut-short", study(714, t7FE00010=Value("OW", words[:100]), **side, **us)


def make(folder):
    """Writes the generated files and gives their names."""
    names = []
    for group in (private_sets, nested_sets, character_sets, date_sets, value_sets, named_files, odd_sets, pixel_sets):
        for name, made in group():
            made = made if isinstance(made, tuple) else (made,)
            names.append(f"made-{name}.dcm")
            with open(os.path.join(folder, names[-1]), "wb") as file:
                file.write(file_bytes(*made))
    return names


def gather(folder):
    """Copies every file that pydicom brings along, all into one folder, and gives their names."""
    root = os.path.join(os.path.dirname(pydicom.__file__), "data")
    names = []
    for place in ("test_files", "charset_files", "palettes"):
        for below, folders, files in os.walk(os.path.join(root, place)):
            folders.sort()
            for file in sorted(files):
                path = os.path.join(below, file)
                # One flat folder: rules for file names must see the same path in both engines.
                names.append(os.path.relpath(path, root).replace(os.sep, "-"))
                with open(path, "rb") as source, open(os.path.join(folder, names[-1]), "wb") as target:
                    target.write(source.read())
    return names
