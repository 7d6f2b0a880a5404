"""The edges: files that are DICOM, and in which something is not what it says it is.

Text where a number belongs, content items that do not say their type, codes that are sentences, dates without a year, bytes
that no image uses. Each file has one kind of edge alone, since a file that is refused hides whatever else is in it.
"""

import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import documents
import edges_of_bytes
import instances
from dicomfile import EXPLICIT, IMPLICIT, Encoder, Syntax, Value, items, numbers
from places import code
from scribe import NOT_KEPT_DATES, TEXTS_GONE, Check, Scribe

# How many elements go into one file, where a file has several of a kind.
TOGETHER = 20
OTHER_VRS = ("LO", "OB", "UN", "US", "DS", "SQ", "UT")
VRS_EACH = 6
# Without these an instance cannot be told from others, and is refused for that.
NEEDED = {0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00200052}
# A profile keeps these as they are, and any text or bytes are right for them: a wrong VR changes nothing.
ANYTHING = {0x00080201, 0x00102160, 0x00340007, 0x04000310}
LOCAL = ("4711", "99SCORE", "Remark")
BASE = {
    0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x00080020, 0x00080030, 0x00080060, 0x00100010, 0x00100020, 0x0020000D,
    0x0020000E, 0x00200010, 0x00200011, 0x00200013, 0x00280002, 0x00280004, 0x00280010, 0x00280011, 0x00280100, 0x00280101,
    0x00280102, 0x00280103, 0x7FE00010,
}  # fmt: skip

Element = Callable[[Scribe], dict]


@dataclass(frozen=True)
class Edge:
    """One file: what is odd in it, element by element, on top of an ordinary one."""

    place: str
    elements: tuple[Element, ...]
    base: Callable[[Scribe, int], dict]
    syntax: Syntax = EXPLICIT

    def make(self, s: Scribe, number: int) -> dict:
        dataset = self.base(s, number)
        for element in self.elements:
            dataset.update(element(s))
        return dataset

    def apart(self) -> Iterator["Edge"]:
        """The same elements, one to a file."""
        yield from (Edge(self.place, (element,), self.base, self.syntax) for element in self.elements)


def slice_(s: Scribe, number: int) -> dict:
    """The least that a CT image is known by: little is there to be removed, so that little makes a file fail."""
    return {tag: value for tag, value in instances.ct(s, number).items() if tag in BASE}


def edges() -> Iterator[Edge]:
    for place, section in (("vr-table", "table"), ("vr-number", "numbers")):
        for elements in wrong_vrs(place, attributes(section)):
            yield Edge(place, elements, slice_)
    for elements in together([_text(tag, vr) for vr, tags in attributes("texts").items() for tag in tags]):
        yield Edge("unlisted-text", elements, slice_)
    for place, base, elements in (
        ("item-type", slice_, content_items()),
        ("item-type", documents.report, reports()),
        ("age", slice_, ages()),
        ("code-string", slice_, code_strings()),
        ("character-set", slice_, character_sets()),
        ("code-meaning", slice_, code_meanings()),
        ("day-and-month", slice_, days()),
        ("short-code", slice_, short_codes()),
        ("beside-uid", instances.ct, uids()),
    ):
        for element in elements:
            yield Edge(place, (element,), base)
    for syntax, element in edges_of_bytes.all_of_them():
        yield Edge("beside-image", (element,), slice_, syntax)


def attributes(section: str) -> dict[str, list[int]]:
    """A section of attributes.txt: tags by their VR."""
    found: dict[str, list[int]] = {}
    for line in pathlib.Path(__file__).with_name("attributes.txt").read_text("ascii").splitlines():
        name, vr, *tags = line.split()
        if name == section:
            found.setdefault(vr, []).extend(int(tag, 16) for tag in tags)
    return found


def together(elements: list[Element]) -> Iterator[tuple[Element, ...]]:
    yield from (tuple(elements[at : at + TOGETHER]) for at in range(0, len(elements), TOGETHER))


# VRs that an attribute does not have


def wrong_vrs(place: str, tags_by_vr: dict[str, list[int]]) -> Iterator[tuple[Element, ...]]:
    for wrong in OTHER_VRS:
        pairs = [
            (tag, right) for right, tags in tags_by_vr.items() for tag in tags if wrong in wrong_for(right) and tag not in NEEDED | ANYTHING
        ]
        yield from together([_misdeclared(place, tag, right, wrong) for tag, right in sorted(pairs)])


def wrong_for(right: str) -> tuple[str, ...]:
    return tuple(vr for vr in OTHER_VRS if vr != right)[:VRS_EACH]


def _misdeclared(place, tag, right, wrong) -> Element:
    """A sequence in the guise of another VR holds an item; another attribute as SQ has an item; else it is a word."""

    def element(s: Scribe) -> dict:
        token = s.token(place)
        inner = items({0x00100010: Value("PN", token)})
        data = token
        if wrong == "SQ":
            data = inner.data
        elif right == "SQ":
            data = Encoder(IMPLICIT if wrong == "UN" else EXPLICIT).body(inner)
        return {tag: Value(wrong, data if s.shows(place) else "").asked(Check("removed", place, token, text=token))}

    return element


def _text(tag, vr) -> Element:
    """A text that only some profiles promise to remove: looked for where it stands, and nowhere else."""
    place = "unlisted-text"

    def element(s: Scribe) -> dict:
        token = s.token(place)
        check = Check("absent_here", place, token, TEXTS_GONE)
        return {tag: Value(vr, f"by {token}" if s.shows(place) else "").asked(check)}

    return element


# Content items and codes


def _concept(value, scheme, meaning) -> Value:
    return items(code(value, scheme, meaning))


def _values(s: Scribe, place: str) -> list[dict]:
    """Everything that may stand in a content item, each with what tells of a person."""
    return [
        {0x0040A123: s.secret(place, "PN", f"{s.token(place)}^A")},
        {0x0040A160: s.secret(place, "UT", f"carried in by {s.token(place)}")},
        {0x0040A121: s.date(place, "study", shifts=False)},
        {0x0040A120: s.date(place, "acquired", "DT", "101112", shifts=False)},
        {0x0040A124: s.uid(place, s.person.uid(1, 990))},
        {0x0040A168: items({**code("4712", "99SCORE", ""), 0x00080104: s.secret(place, "LO", f"seen by {s.token(place)}", harmless="X")})},
        {0x0040A300: items({0x0040A30A: s.secret(place, "DS", s.token(place), harmless="1"), 0x004008EA: _concept("mm", "UCUM", "mm")})},
    ]


# None, an empty one, one that is none, and one for each kind of value that does not fit the rest.
TYPES = (None, "", "REMARK", "NUM", "NUMERIC", "CODE", "PNAME", "DATE", "IMAGE", "CONTAINER")


def _items(s: Scribe, kind: str | None, link: bool = False) -> Value:
    said = {} if kind is None else {0x0040A040: Value("CS", kind)}
    linked = {0x0040A010: Value("CS", "CONTAINS")} if link else {}
    return items(*({**linked, **said, 0x0040A043: _concept(*LOCAL), **value} for value in _values(s, "item-type")))


def content_items() -> Iterator[Element]:
    for kind in TYPES:
        yield lambda s, kind=kind: {0x00400555: _items(s, kind)}
    # Context of a protocol, and what modifies it; preparation of a specimen.
    for kind in (None, "REMARK"):
        yield lambda s, kind=kind: {0x00400440: items({0x0040A043: _concept(*LOCAL), 0x00400441: _items(s, kind)})}
        yield lambda s, kind=kind: {0x00400560: items({0x00400610: items({0x00400612: _items(s, kind)})})}


def reports() -> Iterator[Element]:
    for kind in TYPES:
        yield lambda s, kind=kind: {0x0040A730: _items(s, kind, link=True)}


def ages() -> Iterator[Element]:
    """Ages over 89, which stay nowhere: in numbers of content items, with and without type, and in the patient's."""
    place = "age"

    def over(value, unit, concept="121033", kind="NUM"):
        def element(s):
            number = Value("DS", value if s.shows(place) else "90").asked(Check("absent_here", place, value))
            said = {0x0040A040: Value("CS", kind)} if kind else {}
            measured = items({0x0040A30A: number, 0x004008EA: _concept(unit, "UCUM", unit)})
            return {0x00400555: items({**said, 0x0040A043: _concept(concept, "DCM", "Subject Age"), 0x0040A300: measured})}

        return element

    yield from (over("94", "a"), over("94", "a", kind=None), over("97", "a", kind="NUMERIC"))
    for text in ("094Y", "97", "101Y"):
        yield lambda s, text=text: {
            0x00101010: Value("AS", text if s.shows(place) else "").asked(Check("absent_here", place, text.strip("Y").lstrip("0")))
        }


def code_strings() -> Iterator[Element]:
    place = "code-string"
    tags = (
        0x00080008,
        0x00080064,
        0x00180015,
        0x00180020,
        0x00180022,
        0x00181166,
        0x00185100,
        0x00200060,
        0x00280300,
        0x00541000,
        0x00189004,
    )
    for tag in tags:
        yield lambda s, tag=tag: {tag: s.secret(place, "CS", f"Brought by {s.token(place)}", harmless="OTHER")}
        yield lambda s, tag=tag: {tag: s.secret(place, "CS", f"ORIGINAL\\PRIMARY\\with {s.token(place)}\\M", harmless="ORIGINAL")}
    # One that is well formed, and the patient's name.
    def name(s):
        return s.secret(place, "PN", f"{s.person.family}^{s.person.given}", s.person.family)

    yield lambda s: {0x00100010: name(s), 0x00180015: s.secret(place, "CS", s.person.family.upper(), harmless="CHEST")}
    yield lambda s: {
        0x00100010: name(s),
        0x00080008: s.secret(place, "CS", f"ORIGINAL\\PRIMARY\\{s.person.family.upper()}", s.person.family.upper(), "ORIGINAL")
    }


def character_sets() -> Iterator[Element]:
    place = "character-set"
    for form in ("Ward {}", "ISO_IR 100\\{}", "\\ISO 2022 IR 87\\of {}"):
        yield lambda s, form=form: {0x00080005: s.secret(place, "CS", form.format(s.token(place)), harmless=s.person.charset)}

    # Letters of a name that is not what the character set says: what is left of it is no word.
    def letters(charset, name):
        def element(s):
            said = Value("LO", name + b" THOR" if s.shows(place) else "THOR").asked(Check("absent_here", place, name[:1].decode("latin-1")))
            return {0x00080005: Value("CS", charset), 0x0008103E: said}

        return element

    yield from (letters("ISO_IR 192", b"S\xf6vind"), letters("ISO_IR 192", b"L\xe4\xdfig"), letters("", b"C\x83\x5c\x83\x8b"))


def code_meanings() -> Iterator[Element]:
    """Sentences as meanings: of known codes and unknown ones, in schemes that are trusted and ones that only begin like them."""
    place = "code-meaning"
    known = [
        ("113100", "DCM"),
        ("121071", "DCM"),
        ("CTABD", "DCM"),
        ("T-D4000", "SRT"),
        ("113345001", "SCT"),
        ("24627-2", "LN"),
        ("RID58", "RADLEX"),
    ]
    for value, scheme in [*known, ("mm", "UCUM"), ("4711", "99SCORE"), ("4711", "99LOCAL"), ("4711", "L")]:
        for tag in (0x00081032, 0x00082218, 0x00321064):
            yield lambda s, v=value, c=scheme, tag=tag: {
                tag: items({**code(v, c, ""), 0x00080104: s.secret(place, "LO", f"CT for Mrs {s.token(place)}", harmless="REMOVED")})
            }
    for scheme in ("SCT", "DCM", "99", "ISO"):
        yield lambda s, c=scheme: {
            0x00082218: items(
                {**code("4711", "", "Abdomen"), 0x00080102: s.secret(place, "SH", f"{c}_{s.token(place)}", harmless="99LOCAL")}
            )
        }


# Texts that stay where descriptions are cleaned

# Series, study, protocol, comments, request, step; then labels that are not in the table.
DESCRIPTIONS = ((0x0008103E, "LO"), (0x00081030, "LO"), (0x00181030, "LO"), (0x00204000, "LT"), (0x00321060, "LO"), (0x00400254, "LO"))
LABELS = ((0x00180024, "SH"), (0x00181250, "SH"), (0x00181210, "SH"), (0x00189005, "SH"), (0x00180010, "LO"))
DAYS = ("%d.%m.", "%m-%d", "%d/%m", "%d.%m.%y", "%m/%d/%y", "%d%m%y", "%d %b", "%b %d", "%d-%b-%y", "%y%m%d")
SHORT_CODES = ("S19-1234", "77-34-92", "SW1 2AA", "K23 W12", "H-20/881", "B17.4471", "4-117-B", "Z9 4QX")


def _said(place, tag, vr, text, before, after, whole) -> Element:
    """A text among words that may stay; of the text not one part may."""

    def element(s):
        said = text(s)
        parts = [said] if whole else said.split()
        when = NOT_KEPT_DATES if place == "day-and-month" else ()
        shown = f"{before}{said}{after}" if s.shows(place) else before.strip()
        return {tag: Value(vr, shown).asked(*(Check("absent_here", place, part, when, text=said) for part in parts))}

    return element


def days() -> Iterator[Element]:
    for number, form in enumerate(DAYS):
        for tag, vr in (*DESCRIPTIONS[:3], DESCRIPTIONS[3 + number % 3], LABELS[number % len(LABELS)]):
            before, after = ("CHEST ", "") if number % 2 else ("", " AX")
            yield _said("day-and-month", tag, vr, lambda s, form=form: s.person.dates["study"].strftime(form), before, after, whole=True)


def short_codes() -> Iterator[Element]:
    for number, short in enumerate(SHORT_CODES):
        for tag, vr in (*DESCRIPTIONS[:2], DESCRIPTIONS[2 + number % 4], LABELS[number % len(LABELS)]):
            yield _said("short-code", tag, vr, lambda s, short=short: short, "CHEST ", "", whole=" " not in short)


def uids() -> Iterator[Element]:
    """A UID, the NUL that ends it, and more."""
    place, ct = "beside-uid", instances.CLASSES["CT"]

    def behind(s, tag, uid):
        return {tag: s.secret(place, "UI", f"{uid}\0{s.token(place)}", harmless=uid)}

    # Of a class that is known, more is asked: a number that is not 0 counts as there.
    yield lambda s: {**behind(s, 0x00080016, ct), 0x00280103: numbers("US", 1)}
    for tag in (0x00080018, 0x0020000D, 0x00200052, 0x0008010D):
        yield lambda s, tag=tag: behind(s, tag, _other(s, tag))
    yield lambda s: {0x00081140: items({**behind(s, 0x00081150, ct), 0x00081155: Value("UI", _other(s, 0x00081155))})}


def _other(s: Scribe, tag: int) -> str:
    """A UID of this file's own, which no other file has and no search knows."""
    return s.other_uid(f"{s.file}/{tag}")
