"""Whether a file is still what its SOP class says: a small table of Types, and the rules of the VRs.

No validator: it holds what a tool that removes things is likely to break. Faults that the file had before do not count.
"""

import re
from collections.abc import Iterator

from reader import File

S = "1.2.840.10008.5.1.4.1.1."
CODECS = {"ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8", "ISO_IR 13": "shift_jis", "GB18030": "gb18030"}
LIMITS = {"AE": 16, "CS": 16, "LO": 64, "LT": 10240, "PN": 324, "SH": 16, "ST": 1024}
DIVIDED = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UI"}
FORMS = {
    "AS": r"\d{3}[DWMY]",
    "CS": r"[A-Z0-9_ ]*",
    "DA": r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
    "DS": r" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)? *",
    "DT": r"\d{4}((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])([0-2]\d([0-5]\d([0-6]\d(\.\d{1,6})?)?)?)?)?)?([+-]\d{4})? *",
    "IS": r" *[+-]?\d{1,11} *",
    "TM": r"[0-2]\d([0-5]\d([0-6]\d(\.\d{1,6})?)?)? *",
    "UI": r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+",
}
FORMS = {vr: re.compile(form) for vr, form in FORMS.items()}
SIZES = {"AT": 4, "FD": 8, "FL": 4, "OW": 2, "SL": 4, "SS": 2, "UL": 4, "US": 2}

# Attributes by Type: 1 has to have a value, 2 has to be there. General modules first, then those of each SOP class.
GENERAL = (
    {0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080060},
    {0x00080020, 0x00080030, 0x00080050, 0x00080090, 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00200010, 0x00200011},
)
IMAGE = (
    {0x00280002, 0x00280004, 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x7FE00010},
    {0x00200013},
)
PLANE = ({0x00200032, 0x00200037, 0x00200052, 0x00280030}, {0x00180050, 0x00201040})
DOCUMENT = ({0x00080023, 0x00080033, 0x0040A040, 0x0040A043, 0x00200013}, set())
TYPES = {
    f"{S}2": [IMAGE, PLANE, ({0x00080008, 0x00281052, 0x00281053}, {0x00180060, 0x00200012})],
    f"{S}4": [IMAGE, PLANE, ({0x00080008, 0x00180020, 0x00180021}, {0x00180022, 0x00180023, 0x00180081, 0x00180091})],
    f"{S}4.1": [IMAGE, ({0x00080008, 0x00080023, 0x00080033, 0x00280008, 0x52009229, 0x52009230, 0x00200052}, set())],
    f"{S}128": [IMAGE, PLANE, ({0x00541000, 0x00541001, 0x00541102, 0x00541300, 0x00541330, 0x00281052}, {0x00540016})],
    f"{S}3.1": [IMAGE, ({0x00280008}, set())],
    f"{S}1.1": [IMAGE, ({0x00080008, 0x00080068, 0x00181164}, set())],
    f"{S}1.2": [IMAGE, ({0x00080008, 0x00080068, 0x00200062}, set())],
    f"{S}77.1.4": [IMAGE],
    f"{S}7": [IMAGE, ({0x00080064}, set())],
    f"{S}66.4": [IMAGE, ({0x00620001, 0x00620002, 0x00700080, 0x00200052}, {0x00700081, 0x00700084})],
    f"{S}481.3": [({0x30060002, 0x30060020, 0x30060039, 0x30060080}, {0x30060008, 0x30060009, 0x00080070})],
    f"{S}11.1": [({0x00700080, 0x00700082, 0x00700083, 0x00081115, 0x20500020}, {0x00700081, 0x00700084})],
    f"{S}88.59": [DOCUMENT, ({0x0040A375, 0x0040A730}, set())],
    f"{S}88.22": [DOCUMENT, ({0x0040A491, 0x0040A493, 0x0040A730}, {0x00081111, 0x0040A372})],
    f"{S}104.1": [({0x00280301, 0x00420011, 0x00420012}, {0x00080023, 0x00080033, 0x00420010, 0x0040A043})],
    f"{S}9.1.1": [({0x00080023, 0x00080033, 0x0008002A, 0x54000100}, set())],
}
# Inside items, by the sequence: what has to have a value, what has to be there.
INSIDE = {
    0x00081115: ({0x0020000E}, set()),
    0x00081140: ({0x00081150, 0x00081155}, set()),
    0x00081199: ({0x00081150, 0x00081155}, set()),
    0x00082112: ({0x00081150, 0x00081155}, set()),
    0x00620002: ({0x00620004, 0x00620005, 0x00620008}, set()),
    0x30060010: ({0x00200052}, set()),
    0x30060016: ({0x00081150, 0x00081155}, set()),
    0x30060020: ({0x30060022, 0x30060024}, {0x30060026, 0x30060036}),
    0x30060080: ({0x30060082, 0x30060084}, {0x300600A4, 0x300600A6}),
    0x00540016: (set(), {0x00180031}),
    0x04000561: ({0x04000550, 0x04000562, 0x04000563, 0x04000565}, {0x04000564}),
    0x00101002: ({0x00100020, 0x00100022}, set()),
    0x0040A730: ({0x0040A010, 0x0040A040}, set()),
}


def vrs_of(files) -> dict[int, str]:
    """Which VR an attribute has, learned from the files that say it; the first is right, later ones may be edges."""
    vrs: dict[int, str] = {}
    for _, element in (each for file in files for each in file.walk()):
        if element.vr and element.vr != "UN":
            vrs.setdefault(element.tag, element.vr)
    return vrs


def faults(file: File, vrs: dict[int, str]) -> set[tuple[str, str]]:
    """What is wrong with a file: path and sentence."""
    found = set(_types(file)) | set(_meta(file))
    codec = CODECS.get(file.value("00080005"), "latin-1")
    for path, element in file.walk():
        vr = element.vr if element.vr not in {"", "UN"} else vrs.get(element.tag, "")
        found |= {(path, fault) for fault in _value(element, vr, codec)}
        found |= {(f"{path}[{n}]", fault) for n, item in enumerate(element.items) for fault in _inside(element.tag, item)}
    return found


def _meta(file: File) -> Iterator[tuple[str, str]]:
    for path, tag in (("00080016", "00020002"), ("00080018", "00020003")):
        if file.value(path) != file.value(f"meta.{tag}"):
            yield f"meta.{tag}", "is not what the data set says"


def _types(file: File) -> Iterator[tuple[str, str]]:
    for first, second in [GENERAL, *TYPES.get(file.value("00080016"), [])]:
        yield from _missing(file.dataset, first, second)


def _inside(tag, item):
    for path, fault in _missing(item, *INSIDE.get(tag, (set(), set()))):
        yield f"{path} {fault}"


def _missing(elements, first, second):
    for tag in first | second:
        element = elements.get(tag)
        if element is None:
            yield f"{tag:08X}", f"of Type {1 if tag in first else 2} is missing"
        elif tag in first and not element.raw.strip(b" \0"):
            yield f"{tag:08X}", "of Type 1 is empty"


def _value(element, vr, codec) -> Iterator[str]:
    if len(element.raw) % SIZES.get(vr, 1):
        yield f"a length that is none of {vr}"
    if vr not in LIMITS and vr not in FORMS:
        return
    text = element.raw.decode(codec, "replace")
    for value in text.split("\\") if vr in DIVIDED else [text]:
        value = value.rstrip("\0 " if vr in {"CS", "UI"} else " ")
        if len(value) > LIMITS.get(vr, 64 if vr == "UI" else 1 << 20):
            yield f"too long for {vr}"
        if value and vr in FORMS and not FORMS[vr].fullmatch(value):
            yield f"not what {vr} may hold"
