"""The places where identities hide: each function gives the elements of one of them."""

from dicomfile import IMPLICIT, Encoder, Value, icc, items, numbers
from scribe import kept


def code(value, scheme, meaning):
    return {0x00080100: Value("SH", value), 0x00080102: Value("SH", scheme), 0x00080104: Value("LO", meaning)}


def concept(value, meaning):
    return items(code(value, "DCM", meaning))


def reference(s, sop_class, uid, place="referenced-uids"):
    return {0x00081150: Value("UI", sop_class), 0x00081155: s.uid(place, uid)}


def person_in_item(s, place):
    """Who it is, once more, where a tool may not look."""
    p = s.person
    return {
        0x00080020: s.date(place, "study", shifts=False),
        0x00080080: s.secret(place, "LO", p.institution),
        0x00081070: s.secret(place, "PN", p.operator),
        0x00100010: s.secret(place, "PN", p.name, p.family),
        0x00100020: s.secret(place, "LO", p.mrn),
        0x00104000: s.secret(place, "LT", f"{p.family} {s.token(place)}"),
    }


def nested(s):
    """Six sequences deep, the same in every item. Codes belong to no person and stay."""
    item = {}
    for depth in range(6, 0, -1):
        inner = item
        item = {**code("T-D4000", "SRT", "Abdomen"), **person_in_item(s, f"depth-{depth}")}
        item[0x00080104] = kept(item[0x00080104])
        if inner:
            item[0x00080121] = items(inner, undefined=bool(depth % 2))
    return {0x00082218: items(item, undefined=True)}


def private_sequence(s):
    place = "private-sequence"
    inner = {**person_in_item(s, place), 0x00210010: Value("LO", "SCORE INNER 1")}
    inner[0x00211001] = s.secret(place, "LO", f"{s.person.family} {s.token(place)}")
    return {0x00210010: Value("LO", "SCORE OUTER 1"), 0x00211005: items(inner, undefined=True)}


def un_sequence(s):
    """Sequences whose VR got lost on the way: of undefined length, and of a defined one."""
    place = "un-sequence"
    closed = Encoder(IMPLICIT, s.person.codec).body(items({**person_in_item(s, place), **code("P5-09051", "SRT", "MR")}))
    # Too late for the key to see what is inside the bytes, so the whole value answers for it.
    canary = s.person.family
    return {
        0x00321064: items({**person_in_item(s, place), **code("P5-09051", "SRT", "MR")}, undefined=True, vr="UN"),
        0x00081032: s.secret(place, "UN", closed.decode("latin-1"), canary, harmless=""),
    }


def private_with_creator(s):
    place, p = "private-with-creator", s.person
    return {
        0x00430010: Value("LO", "SCORE DEMO 01"),
        0x00431001: s.secret(place, "LO", f"PRIV-{s.token(place)}"),
        0x00431002: s.secret(place, "PN", p.name, p.family),
        0x00431003: s.date(place, "birth", shifts=False),
        0x00431004: s.secret(place, "OB", f"blob\0{p.mrn}\0{s.token(place)}\0\1\2", p.mrn),
        0x00431005: s.uid(place, p.uid(9, 9)),
        0x00431006: s.secret(place, "UN", f"{p.family}|{p.phone}|{s.token(place)}", p.phone),
    }


def private_without_creator(s):
    place = "private-without-creator"
    return {
        0x00351001: s.secret(place, "LO", f"{s.person.family} {s.token(place)}"),
        0x00371002: s.secret(place, "UN", f"{s.person.mrn} {s.token(place)}"),
    }


def private_creator_twice(s):
    place = "private-creator-twice"
    return {
        0x00290010: Value("LO", "SCORE TWICE"),
        0x00290011: Value("LO", "SCORE TWICE"),
        0x00291001: s.secret(place, "LO", f"{s.person.family} {s.token(place)}"),
        0x00291101: s.secret(place, "LO", f"{s.person.family} {s.token(place)}"),
    }


def private_creator_name(s):
    place = "private-creator-name"
    return {
        0x00550010: s.secret(place, "LO", f"SITE {s.token(place)} {s.person.family}"),
        0x00551001: Value("DS", "1.5"),
    }


def private_safe(s):
    """Elements of Table E.3.10-1, their blocks moved; one of them says more than it should."""
    place, p = "private-safe-tainted", s.person
    safe = ("private-safe",)
    return {
        0x00190012: kept(Value("LO", "GEMS_ACQU_01"), safe),
        0x00191223: kept(Value("DS", "4.25"), safe),
        0x00191227: kept(Value("DS", "0.75"), safe),
        0x0019129E: s.secret(place, "LO", f"EFGRE3D {p.family} {p.mrn}", p.family),
        0x00190015: kept(Value("LO", "SIEMENS MR HEADER"), safe),
        0x0019150C: kept(Value("IS", "1000"), safe),
        0x0019150E: kept(numbers("FD", 0.5, 0.25, -0.125), safe),
        0x00191599: s.secret(place, "LO", f"{p.family} {s.token(place)}"),
        0x70530030: kept(Value("LO", "Philips PET Private Group"), safe),
        0x70533000: kept(Value("DS", "0.000125"), safe),
    }


def descriptors(s):
    p = s.person
    family, given = p.name.split("=")[0].split("^")
    day = p.dates["study"]
    name, turned, date, mrn = "descriptor-name", "descriptor-reversed", "descriptor-date", "descriptor-mrn"
    return {
        0x00081030: s.secret(name, "LO", f"CHEST {p.family} CONTRAST", p.family, words=("CHEST", "CONTRAST")),
        0x0008103E: s.secret(turned, "LO", f"{p.given} {p.family} T1 AXIAL", p.family, words=("T1", "AXIAL")),
        0x00081080: s.secret(mrn, "LO", f"seen {p.mrn} {p.accession}", p.mrn),
        0x00102000: s.secret(turned, "LO", f"{family.upper()}, {given.upper()} ALLERGY", p.family.upper()),
        0x00181030: s.secret(date, "LO", f"HEAD {day:%d.%m.%Y} ROUTINE", f"{day:%d.%m.%Y}", words=("HEAD", "ROUTINE")),
        0x00204000: s.secret(date, "LT", f"compared with {day:%Y-%m-%d} and {day:%d %b %Y}", f"{day:%Y-%m-%d}"),
        0x00321060: s.secret(mrn, "LO", f"MRI BRAIN {p.mrn}", p.mrn, words=("MRI", "BRAIN")),
        0x00400254: s.secret(name, "LO", f"LIVER {p.referring.split('^')[0]}", p.referring.split("^")[0], words=("LIVER",)),
    }


def uid_in_text(s):
    uid = s.person.uid(1, 1, 1)
    return {0x00082111: s.secret("uid-in-text", "ST", f"from {uid} by averaging", uid, harmless="by averaging")}


def report_text(s):
    place, p = "report-text", s.person
    long = f"The patient {p.name.split('^')[0]}, born {p.dates['birth']:%Y-%m-%d}, of {p.address}, was seen."
    return {
        0x001021B0: s.secret(place, "LT", f"{long}\r\nCall {p.phone}. {s.token(place)}", p.family),
        0x00401400: s.secret(place, "LT", f"For {p.referring}: {p.mrn} {s.token(place)}", p.mrn),
        0x0018A003: s.secret(place, "ST", f"{p.family} held still {s.token(place)}", p.family),
    }


def original_attributes(s):
    place = "original-attributes"
    entry = {
        0x04000550: items(person_in_item(s, place)),
        0x04000562: Value("DT", "19990101000000"),
        0x04000563: s.secret(place, "LO", f"PACS {s.token(place)}", harmless="PACS"),
        0x04000564: s.secret(place, "LO", s.person.institution),
        0x04000565: Value("CS", "COERCE"),
    }
    return {0x04000561: items(entry)}


def other_patient_ids(s):
    place, p = "other-patient-ids", s.person
    entry = {
        0x00100020: s.secret(place, "LO", p.other_id, harmless="NONE"),
        0x00100021: s.secret(place, "LO", f"{p.institution} {s.token(place)}", p.institution),
        0x00100022: Value("CS", "TEXT"),
    }
    return {0x00101002: items(entry)}


def request_attributes(s):
    place, p = "request-attributes", s.person
    entry = {
        0x00080050: s.secret(place, "SH", p.accession),
        0x0020000D: s.uid(place, p.uid(1)),
        0x00321032: s.secret(place, "PN", p.referring),
        0x00400007: s.secret(place, "LO", f"CHEST {p.family}", p.family, words=("CHEST",)),
        0x00400009: s.secret(place, "SH", s.token(place)),
        0x00401001: s.secret(place, "SH", s.token(place)),
        0x00401002: s.secret(place, "LO", f"Fall at {p.address.split(',')[0]}", p.address.split(" ")[1]),
    }
    return {0x00400275: items(entry, undefined=True)}


def after_pixels(s):
    place, p = "after-pixels", s.person
    signature = {
        0x04000005: numbers("US", 1),
        0x04000100: s.uid(place, p.uid(8, 8)),
        0x04000105: s.date(place, "reported", "DT", "101112", shifts=False),
        0x04000110: Value("CS", "X509_1993_SIG"),
        0x04000115: s.secret(place, "OB", f"CN={p.performing},O={p.institution} {s.token(place)}", p.institution),
        0x04000120: Value("OB", bytes(range(32))),
    }
    return {
        0x7FE10010: Value("LO", "SCORE TAIL"),
        0x7FE11001: s.secret(place, "LO", f"{p.family} {s.token(place)}"),
        0xFFFAFFFA: items(signature),
        0xFFFCFFFC: s.secret(place, "OB", f"{p.family} {s.token(place)}"),
    }


def overlay(s):
    place, p = "overlay", s.person
    bits = s.raw(place, p.family, b"\0" * 32)[:64].ljust(64, b"\0")
    return {
        0x60000010: numbers("US", 16),
        0x60000011: numbers("US", 32),
        0x60000022: s.secret(place, "LO", f"Overlay {s.token(place)}"),
        0x60000040: Value("CS", "G"),
        0x60000050: numbers("SS", 1, 1),
        0x60000100: numbers("US", 1),
        0x60000102: numbers("US", 0),
        0x60001500: s.secret(place, "LO", f"{p.family} {s.token(place)}"),
        0x60003000: Value("OW", bits),
        0x60004000: s.secret(place, "LT", f"{p.family} {s.token(place)}"),
    }


def curve(s):
    place = "curve"
    data = s.raw(place, s.person.mrn).ljust(32, b"\0")[:32]
    return {
        0x50000005: numbers("US", 1),
        0x50000010: numbers("US", 2),
        0x50000022: s.secret(place, "LO", f"Curve {s.token(place)}"),
        0x50000103: numbers("US", 0),
        0x50002500: s.secret(place, "LO", f"{s.person.family} {s.token(place)}"),
        0x50003000: Value("OW", data),
    }


def icon(s):
    pixels = s.raw("icon", s.person.family, b"\0" * 64)[:64].ljust(64, b"\0")
    image = {
        0x00280002: numbers("US", 1),
        0x00280004: Value("CS", "MONOCHROME2"),
        0x00280010: numbers("US", 8),
        0x00280011: numbers("US", 8),
        0x00280100: numbers("US", 8),
        0x00280101: numbers("US", 8),
        0x00280102: numbers("US", 7),
        0x00280103: numbers("US", 0),
        0x7FE00010: Value("OW", pixels),
    }
    return {0x00880200: items(image)}


def icc_profile(s):
    return {0x00282000: Value("OB", icc(s.raw("icc-profile", s.person.family, b"sRGB")))}


def blind_spots(s):
    """What Table E.1-1 does not list, and what tells all the same."""
    place, p = "blind-spots", s.person
    day = p.dates["birth"]
    return {
        0x00081190: s.secret(place, "UR", f"https://pacs.example/{p.mrn}/{s.token(place)}", p.mrn),
        0x00100033: s.secret(place, "LO", f"{s.token(place)} {day:%d.%m.%Y}"),
        0x00100035: Value("CS", "HIJRI"),
        0x00287FE0: s.secret(place, "UR", f"https://pacs.example/{s.token(place)}"),
        0x00404073: s.secret(place, "UR", f"https://pacs.example/{p.family}/{s.token(place)}", p.family),
        0x0040E001: s.secret(place, "ST", f"2.999.7^{s.token(place)}"),
        0x00420010: s.secret(place, "ST", f"Letter about {p.name.split('^')[0]} {s.token(place)}", p.family),
        0x00540400: s.secret(place, "SH", s.token(place)),
        0x00620020: s.secret(place, "UT", f"{p.mrn}-{s.token(place)}", p.mrn),
    }


def file_meta(s):
    place, p = "file-meta", s.person
    return {
        0x00020016: s.secret(place, "AE", f"AE{s.token(place)[:8].upper()}"),
        0x00020017: s.secret(place, "AE", f"TX{s.token(place)[:8].upper()}"),
        0x00020018: s.secret(place, "AE", f"RX{s.token(place)[:8].upper()}"),
        0x00020100: s.uid(place, p.uid(7, 7)),
        0x00020102: s.secret(place, "OB", f"{p.family} {s.token(place)}"),
    }


def preamble(s):
    return s.raw("preamble", s.person.family, path="preamble")


# Which places go into which files: in turn, two or three at a time, so that no file is all traps.
ROTATION = (
    (nested, after_pixels),
    (private_sequence, descriptors),
    (un_sequence, request_attributes),
    (private_with_creator, private_safe, overlay),
    (private_without_creator, report_text, icon),
    (private_creator_twice, original_attributes),
    (private_creator_name, other_patient_ids, curve),
    (blind_spots, uid_in_text, private_safe),
)
