#!/usr/bin/env python3
"""Synthetic DICOM files to measure with: every person in them is invented, and the same arguments give the same bytes.

    corpus.py KIND FOLDER COUNT

KIND
  ct     COUNT slices of 512 x 512 x 16 bit (0.53 MB), 100 in a series
  small  COUNT files of 6 to 17 KB, 100 in a series: series of MR-like images and of reports with nested content in turn
  big    native.dcm with COUNT frames of 2 MiB, and encapsulated.dcm with 6 fragments of 256 KiB for each of them
  banner COUNT ultrasound pictures of 640 x 480 with two burned-in lines, 100 in a series, and beside each the picture as .pgm
  tiny   COUNT instances of 1.3 KB, 1000 in a series, and nothing but what tells them apart: for a million of them

All are explicit VR little endian or encapsulated. A header has some 100 elements at the top, 6 sequences, some of them
nested, and 3 private blocks, in about 4 KB. Pixels are 12-bit noise around smooth shapes, which packs like a slice.
Written from bytes, so that it needs Python alone.
"""

import array
import functools
import math
import pathlib
import random
import statistics
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "pixels"))

from glyphs import FIVE  # noqa: E402

ROOT = "1.2.826.0.1.3680043.10.9999"  # names nothing: an arc for examples
CT, MR, REPORT, ENHANCED, ECHO = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4", "88.22", "4.1", "6.1"))
EXPLICIT, JPEG_2000 = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"
LONG = {"OB", "OW", "SQ", "UN", "UT"}
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END, PIXELS = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0x7FE00010
PER_SERIES, PER_TINY_SERIES = 100, 1000
SIDES = (32, 48, 64, 80)
FRAME, FRAGMENT, FRAGMENTS_A_FRAME = 1024, 256 * 1024, 6
FAMILIES = "Quillon Marchbank Osterley Thrupp Vancastle Wendover Aldermere Brackley".split()
GIVEN = "Odette Bertram Fabian Isolde Philippa Leander Winifred Crispin".split()

Elements = dict[int, bytes]


def head(tag: int, length: int) -> bytes:
    """A tag and a length without a VR, as items have it."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, length)


def element(tag: int, vr: str, value) -> bytes:
    """One element; text is padded, a number becomes 16 bits."""
    if isinstance(value, int):
        value = struct.pack("<H", value)
    elif isinstance(value, str):
        value = value.encode()
        value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    if vr in LONG:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, len(value)) + value
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def elements(*entries) -> Elements:
    """Encoded elements by tag, from (tag, VR, value)."""
    return {tag: element(tag, vr, value) for tag, vr, value in entries}


def joined(dataset: Elements) -> bytes:
    """A data set in the order of its tags."""
    return b"".join(dataset[tag] for tag in sorted(dataset))


def sequence(tag: int, *items: Elements, undefined: bool = False) -> Elements:
    """A sequence; itself and its items of explicit or of undefined length."""
    bodies = [joined(item) for item in items]
    if not undefined:
        return {tag: element(tag, "SQ", b"".join(head(ITEM, len(body)) + body for body in bodies))}
    body = b"".join(head(ITEM, UNDEFINED) + body + head(ITEM_END, 0) for body in bodies)
    start = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, UNDEFINED)
    return {tag: start + body + head(SEQUENCE_END, 0)}


def code(tag: int, value: str, meaning: str, undefined: bool = False) -> Elements:
    """A sequence of one code."""
    item = elements((0x00080100, "SH", value), (0x00080102, "SH", "99SYNTH"), (0x00080104, "LO", meaning))
    return sequence(tag, item, undefined=undefined)


def reference(sop_class: str, uid: str) -> Elements:
    """An item that refers to an instance."""
    return elements((0x00081150, "UI", sop_class), (0x00081155, "UI", uid))


def file_start(sop_class: str, uid: str, syntax: str) -> bytes:
    """Preamble and file meta information."""
    meta = joined(
        elements(
            (0x00020001, "OB", b"\0\1"),
            (0x00020002, "UI", sop_class),
            (0x00020003, "UI", uid),
            (0x00020010, "UI", syntax),
            (0x00020012, "UI", f"{ROOT}.1"),
            (0x00020013, "SH", "SYNTH_1"),
            (0x00020016, "AE", "SYNTH_AE"),
        )
    )
    return bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta


class Series:
    """A series of an invented person: four series a person, two a study."""

    def __init__(self, kind: str, number: int, sop_class: str, modality: str):
        self.random = random.Random(f"{kind}/{number}")
        person = random.Random(f"{kind}/person/{number // 4}")
        self.sop_class, self.modality, self.number = sop_class, modality, number % 2 + 1
        self.name = f"{person.choice(FAMILIES)}{number // 4:04}^{person.choice(GIVEN)}^R"
        self.patient = f"SYN{person.randrange(10**7):07}P{number // 4}"
        self.birth = f"{person.randrange(1930, 2000)}{person.randrange(1, 13):02}{person.randrange(1, 28):02}"
        self.address = f"{person.randrange(1, 99)} Larkspur Terrace, Dunmere"
        self.phone = f"+44 7700 9{person.randrange(10**5):05}"
        self.date = f"{2015 + number % 8}{number % 12 + 1:02}{number % 27 + 1:02}"
        self.study = f"{ROOT}.{sum(kind.encode())}.{number // 4 + 1}.{number // 2 % 2 + 1}"
        self.uid = f"{self.study}.{self.number}"
        self.alike = self.same_in_all()

    def instance_uid(self, instance: int) -> str:
        return f"{self.uid}.{instance}"

    def header(self, instance: int, syntax: str, *more: Elements) -> bytes:
        """A file up to where the pixel data would begin."""
        dataset = {**self.alike, **self.differs(instance)}
        for part in more:
            dataset.update(part)
        return file_start(self.sop_class, self.instance_uid(instance), syntax) + joined(dataset)

    def same_in_all(self) -> Elements:
        """What all instances of the series have alike."""
        return {**self.study_level(), **self.patient_level(), **self.equipment(), **self.request(), **self.private()}

    def study_level(self) -> Elements:
        staff = [f"{self.random.choice(FAMILIES)}{self.random.randrange(100):02}^Dr" for _ in range(5)]
        return {
            **elements(
                (0x00080005, "CS", "ISO_IR 192"),
                (0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
                (0x00080012, "DA", self.date),
                (0x00080016, "UI", self.sop_class),
                *((tag, "DA", self.date) for tag in (0x00080020, 0x00080021, 0x00080022, 0x00080023)),
                *((tag, "TM", "101530.250") for tag in (0x00080030, 0x00080031)),
                (0x00080050, "SH", f"ACC{self.random.randrange(10**8):08}"),
                (0x00080060, "CS", self.modality),
                (0x00080070, "LO", "SYNTHETICS LTD"),
                (0x00080080, "LO", "Dunmere Cottage Hospital"),
                (0x00080081, "ST", "4 Infirmary Walk, Dunmere"),
                (0x00080090, "PN", staff[0]),
                (0x00080094, "SH", "+44 1632 960001"),
                (0x00081010, "SH", f"STATION{self.random.randrange(100):02}"),
                (0x00081030, "LO", "THORAX WITH CONTRAST"),
                (0x0008103E, "LO", f"Series {self.number} soft tissue"),
                (0x00081040, "LO", "Imaging annexe"),
                (0x00081048, "PN", staff[1]),
                (0x00081050, "PN", staff[2]),
                (0x00081070, "PN", staff[3]),
                (0x00081090, "LO", "Figment 64"),
                (0x0020000D, "UI", self.study),
                (0x0020000E, "UI", self.uid),
                (0x00200010, "SH", "1"),
                (0x00200011, "IS", str(self.number)),
                (0x00200012, "IS", "1"),
                (0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
                (0x00200052, "UI", f"{self.study}.99"),
                (0x00201040, "LO", ""),
                (0x00204000, "LT", f"Read with the scans of {self.name.split('^')[0]} of last year"),
                (0x00321032, "PN", staff[4]),
                (0x00321060, "LO", "CT thorax"),
                (0x00380010, "LO", f"ADM{self.random.randrange(10**7):07}"),
                (0x00380300, "LO", "Ward 12 bed 3"),
                (0x00400244, "DA", self.date),
                (0x00400245, "TM", "101000"),
                (0x00400253, "SH", f"STEP{self.random.randrange(10**6):06}"),
                (0x00400254, "LO", "thorax routine"),
            ),
            **code(0x00081032, "THX", "Thorax"),
            **sequence(0x00081110, reference("1.2.840.10008.3.1.2.3.1", self.study)),
        }

    def patient_level(self) -> Elements:
        family = self.name.split("^")[0]
        return {
            **elements(
                (0x00100010, "PN", self.name),
                (0x00100020, "LO", self.patient),
                (0x00100030, "DA", self.birth),
                (0x00100032, "TM", "041500"),
                (0x00100040, "CS", "FMO"[self.number % 3]),
                (0x00101001, "PN", f"{family}-born^Other"),
                (0x00101010, "AS", f"{self.random.randrange(20, 90):03}Y"),
                (0x00101020, "DS", "1.72"),
                (0x00101030, "DS", "71.5"),
                (0x00101040, "LO", self.address),
                (0x00101060, "PN", f"Maiden{family}"),
                (0x00101090, "LO", f"LOC-{self.patient}"),
                (0x00102154, "SH", self.phone),
                (0x00102160, "SH", "not stated"),
                (0x00102180, "SH", "Clockmaker"),
                (0x001021B0, "LT", f"{family} fell at {self.address}"),
                (0x00104000, "LT", f"Ring {self.phone} before the visit"),
            ),
            **sequence(
                0x00101002,
                elements((0x00100020, "LO", f"{self.patient}-B"), (0x00100021, "LO", "Dunmere"), (0x00100022, "CS", "TEXT")),
            ),
        }

    def equipment(self) -> Elements:
        numbers = (0x00180050, 0x00180060, 0x00180090, 0x00181100, 0x00181110, 0x00181111, 0x00181120, 0x00181130, 0x00181190)
        whole = (0x00181150, 0x00181151, 0x00181152, 0x00181170)
        return elements(
            (0x00180015, "CS", "CHEST"),
            *((tag, "DS", f"{1.25 * at + 1:.3f}") for at, tag in enumerate(numbers)),
            (0x00181000, "LO", f"SERIAL{self.random.randrange(10**6):06}"),
            (0x00181020, "LO", "v1.2.3\\build 7"),
            (0x00181030, "LO", "thorax routine"),
            (0x00181140, "CS", "CW"),
            *((tag, "IS", str(120 + at)) for at, tag in enumerate(whole)),
            (0x00181160, "SH", "BODY FILTER"),
            (0x00181210, "SH", "B30f"),
            (0x00185100, "CS", "HFS"),
        )

    def request(self) -> Elements:
        staff = {
            **elements((0x00080080, "LO", "Dunmere Cottage Hospital")),
            **code(0x00401101, f"STAFF{self.number:04}", "Radiographer"),
        }
        step = {
            **elements(
                (0x00400006, "PN", f"{self.random.choice(FAMILIES)}^Step"),
                (0x00400007, "LO", "thorax"),
                (0x00400009, "SH", f"SPS{self.random.randrange(10**5):05}"),
            ),
            **code(0x00400008, "P1", "thorax routine", undefined=True),
            **sequence(0x0040000B, staff),
        }
        asked = {
            **elements((0x00401001, "SH", f"RP{self.random.randrange(10**6):06}"), (0x00401002, "LO", f"Fall at {self.address}")),
            **code(0x00400008, "P1", "thorax routine"),
        }
        return sequence(0x00400275, asked, step, undefined=bool(self.number % 2))

    def private(self) -> Elements:
        inner = elements((0x00100010, "PN", self.name), (0x00510010, "LO", "SYNTH EXAM"), (0x00511001, "LO", self.patient))
        blob = f"blob of {self.patient} ".encode() + self.random.randbytes(480)
        return {
            **elements(
                (0x00090010, "LO", "SYNTH IDENT 01"),
                (0x00091001, "LO", f"PRIV-{self.patient}"),
                (0x00091002, "DA", self.date),
                (0x00091003, "PN", self.name),
                (0x00290010, "LO", "SYNTH SHADOW 10"),
                (0x00291010, "OB", blob[:480]),
                (0x00291020, "UN", blob[:64]),
                (0x00510010, "LO", "SYNTH EXAM"),
                (0x00511006, "DS", "1.5"),
            ),
            **sequence(0x00511005, inner, undefined=True),
        }

    def differs(self, instance: int) -> Elements:
        """What differs from instance to instance."""
        time = f"1016{instance % 60:02}.{instance % 1000:03}"
        near = [reference(self.sop_class, self.instance_uid(instance + at)) for at in (1, 2, 3)]
        return {
            **elements(
                (0x00080013, "TM", time),
                (0x00080018, "UI", self.instance_uid(instance)),
                (0x0008002A, "DT", f"{self.date}{time}"),
                (0x00080032, "TM", time),
                (0x00080033, "TM", time),
                (0x00200013, "IS", str(instance)),
                (0x00200032, "DS", f"0\\0\\{instance * 1.25:.2f}"),
                (0x00201041, "DS", f"{instance * 1.25:.2f}"),
            ),
            **sequence(0x00081140, *near, undefined=True),
        }


def image_elements(rows: int, columns: int, frames: int = 0) -> Elements:
    """How the pixels are to be read."""
    return elements(
        (0x00280002, "US", 1),
        (0x00280004, "CS", "MONOCHROME2"),
        *([(0x00280008, "IS", str(frames))] if frames else []),
        (0x00280010, "US", rows),
        (0x00280011, "US", columns),
        (0x00280030, "DS", "0.7\\0.7"),
        *((tag, "US", value) for tag, value in ((0x00280100, 16), (0x00280101, 12), (0x00280102, 11), (0x00280103, 0))),
        *(
            (tag, "DS", value)
            for tag, value in ((0x00281050, "40"), (0x00281051, "400"), (0x00281052, "-1024"), (0x00281053, "1"))
        ),
    )


@functools.cache
def pixels(rows: int, columns: int, seed: int) -> bytes:
    """A disc of soft tissue in air, with noise."""
    normal = statistics.NormalDist(0, 12)
    noise = [round(normal.inv_cdf((at + 0.5) / 256)) for at in range(256)]
    ripple = [20 * math.sin(column / 9) for column in range(columns)]
    grains = random.Random(seed).randbytes(rows * columns)
    values = array.array("H")
    for row in range(rows):
        half = 0.45 * columns * math.sqrt(max(0.0, 1 - ((row - rows / 2) / (0.4 * rows)) ** 2))
        wave, start = math.cos(row / 11), row * columns
        for column in range(columns):
            level = 1040 + int(ripple[column] * wave) if abs(column - columns / 2) < half else 30
            values.append(max(0, level + noise[grains[start + column]]))
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def rolled(image: bytes, rows: int, by: int) -> bytes:
    """The image with a number of its rows moved from the top to the end."""
    cut = by % rows * (len(image) // rows)
    return image[cut:] + image[:cut]


def compressed_frame(chance: random.Random) -> bytes:
    """A fragment with the markers of a JPEG 2000 image of one tile, and noise for its data."""

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">HH", marker, len(body) + 2) + body

    size = segment(0xFF51, struct.pack(">H8IH3B", 0, FRAME, FRAME, 0, 0, FRAME, FRAME, 0, 0, 1, 11, 1, 1))
    style = segment(0xFF52, bytes([0, 0, 0, 1, 0, 5, 4, 4, 0, 1]))
    steps = segment(0xFF5C, bytes([0x40] + [0x48] * 16))
    start = b"\xff\x4f" + size + style + steps
    tile = FRAGMENT - len(start) - 2
    return start + segment(0xFF90, struct.pack(">HIBB", 0, tile, 0, 1)) + b"\xff\x93" + chance.randbytes(tile - 14) + b"\xff\xd9"


def report_content(chance: random.Random, family: str) -> Elements:
    """The content of a report: containers in containers, full of sentences."""

    def text(number: int) -> Elements:
        words = f"Finding {number} in {family}. " + "Nothing out of the ordinary is seen. " * chance.randrange(1, 5)
        kind = elements((0x0040A010, "CS", "CONTAINS"), (0x0040A040, "CS", "TEXT"), (0x0040A160, "UT", words))
        return {**kind, **code(0x0040A043, "F1", "Finding")}

    def container(depth: int) -> Elements:
        inside = [text(number) for number in range(chance.randrange(3, 8))] + ([container(depth - 1)] if depth else [])
        kind = elements((0x0040A010, "CS", "CONTAINS"), (0x0040A040, "CS", "CONTAINER"), (0x0040A050, "CS", "SEPARATE"))
        return {**kind, **code(0x0040A043, "F0", "Findings"), **sequence(0x0040A730, *inside, undefined=bool(depth % 2))}

    top = elements((0x0040A040, "CS", "CONTAINER"), (0x0040A050, "CS", "SEPARATE"), (0x0040A491, "CS", "COMPLETE"),
                   (0x0040A493, "CS", "UNVERIFIED"))  # fmt: skip
    boxes = [container(2) for _ in range(chance.randrange(1, 3))]
    return {**top, **code(0x0040A043, "R0", "Report"), **sequence(0x0040A730, *boxes)}


def make_ct(folder: pathlib.Path, count: int) -> None:
    for number, instances in series_of(count, PER_SERIES):
        series, image = Series("ct", number, CT, "CT"), pixels(512, 512, number)
        more, place = image_elements(512, 512), series_folder(folder, number)
        for instance in instances:
            start = series.header(instance, EXPLICIT, more)
            (place / f"{instance:06}.dcm").write_bytes(start + element(PIXELS, "OW", rolled(image, 512, instance * 7)))


def make_small(folder: pathlib.Path, count: int) -> None:
    for number, instances in series_of(count, PER_SERIES):
        place = series_folder(folder, number)
        series = Series("small", number, REPORT, "SR") if number % 2 else Series("small", number, MR, "MR")
        for instance in instances:
            content = small_report(series, instance) if number % 2 else small_image(series, instance)
            (place / f"{instance:06}.dcm").write_bytes(content)


def small_report(series: Series, instance: int) -> bytes:
    chance = random.Random(f"{series.uid}/{instance}")
    return series.header(instance, EXPLICIT, report_content(chance, series.name.split("^")[0]))


def small_image(series: Series, instance: int) -> bytes:
    side = SIDES[instance % len(SIDES)]
    image = rolled(pixels(side, side, side), side, instance)
    return series.header(instance, EXPLICIT, image_elements(side, side)) + element(PIXELS, "OW", image)


def make_big(folder: pathlib.Path, frames: int) -> None:
    series, image = Series("big", 0, ENHANCED, "MR"), pixels(FRAME, FRAME, 1)
    with (folder / "native.dcm").open("wb") as file:
        file.write(series.header(1, EXPLICIT, image_elements(FRAME, FRAME, frames)))
        file.write(struct.pack("<HH2sHI", PIXELS >> 16, PIXELS & 0xFFFF, b"OW", 0, frames * len(image)))
        for frame in range(frames):
            file.write(rolled(image, FRAME, frame * 3))
    chance, count = random.Random(1), frames * FRAGMENTS_A_FRAME
    pool = [compressed_frame(chance) for _ in range(16)]
    with (folder / "encapsulated.dcm").open("wb") as file:
        file.write(series.header(2, JPEG_2000, image_elements(FRAME, FRAME, count)))
        file.write(struct.pack("<HH2sHI", PIXELS >> 16, PIXELS & 0xFFFF, b"OB", 0, UNDEFINED) + head(ITEM, 0))
        for fragment in range(count):
            file.write(head(ITEM, FRAGMENT) + pool[fragment % len(pool)])
        file.write(head(SEQUENCE_END, 0))


def make_banner(folder: pathlib.Path, count: int) -> None:
    rows, columns = 480, 640
    eight_bits = elements((0x00280100, "US", 8), (0x00280101, "US", 8), (0x00280102, "US", 7))
    for number, instances in series_of(count, PER_SERIES):
        series, place = Series("banner", number, ECHO, "US"), series_folder(folder, number)
        levels = memoryview(pixels(rows, columns, number)).cast("H")
        ground, more = bytes(min(255, level >> 3) for level in levels), image_elements(rows, columns)
        for instance in instances:
            picture = bytearray(rolled(ground, rows, instance * 7))
            for line, text in enumerate((f"{series.name} {series.birth}", f"{series.patient} {series.date}")):
                write(picture, columns, 16 + 22 * line, 16, text)
            start = series.header(instance, EXPLICIT, more, eight_bits)
            (place / f"{instance:06}.dcm").write_bytes(start + element(PIXELS, "OW", bytes(picture)))
            (place / f"{instance:06}.pgm").write_bytes(b"P5 %d %d 255\n" % (columns, rows) + picture)


def write(picture: bytearray, columns: int, top: int, left: int, text: str) -> None:
    """Bright letters, each dot of the font two pixels wide and high, on a black field."""
    size, bright = 2, b"\xf0"
    for row in range(top - 4, top + 7 * size + 4):
        at = row * columns + left - 4
        picture[at : at + 6 * size * len(text) + 8] = bytes(6 * size * len(text) + 8)
    for number, letter in enumerate(text.upper()):
        for row, dots in enumerate(int(row, 16) for row in FIVE.get(letter, "").split()):
            for column in (column for column in range(5) if dots >> (4 - column) & 1):
                for line in range(size):
                    at = (top + row * size + line) * columns + left + (number * 6 + column) * size
                    picture[at : at + size] = bright * size


def make_tiny(folder: pathlib.Path, count: int) -> None:
    """Numbers have a fixed width, so that each file is a template with its own numbers in their places."""
    series_uid, uid = f"{ROOT}.7.SSSS", f"{ROOT}.7.SSSS.IIII"
    template = file_start(CT, uid, EXPLICIT) + joined(
        elements(
            (0x00080016, "UI", CT),
            (0x00080018, "UI", uid),
            (0x00080020, "DA", "20230914"),
            (0x00080060, "CS", "CT"),
            (0x00100010, "PN", "Thrupp^Crispin"),
            (0x00100020, "LO", "SYN0000001"),
            (0x0020000D, "UI", f"{ROOT}.7"),
            (0x0020000E, "UI", series_uid),
            (0x00200011, "IS", "SSSS"),
            (0x00200013, "IS", "IIII"),
        )
    )
    template += joined(image_elements(16, 16)) + element(PIXELS, "OW", pixels(16, 16, 1))
    for number, instances in series_of(count, PER_TINY_SERIES):
        pieces = template.replace(b"SSSS", str(1000 + number).encode()).split(b"IIII")
        place = series_folder(folder, number)
        for instance in instances:
            (place / f"{instance:06}.dcm").write_bytes(str(1000 + instance).encode().join(pieces))


def series_of(count: int, per_series: int):
    """Numbers of series, each with those of its instances, counted from one."""
    for number in range(math.ceil(count / per_series)):
        yield number, range(1, min(per_series, count - number * per_series) + 1)


def series_folder(folder: pathlib.Path, number: int) -> pathlib.Path:
    place = folder / f"s{number:04}"
    place.mkdir()
    return place


MAKERS = {"ct": make_ct, "small": make_small, "big": make_big, "banner": make_banner, "tiny": make_tiny}

if __name__ == "__main__":
    MAKERS[sys.argv[1]](pathlib.Path(sys.argv[2]), int(sys.argv[3]))
