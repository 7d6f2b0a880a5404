"""What is made from images: segmentations, structure sets, presentation states, reports, documents; and curves in time."""

import struct

import places
from dicomfile import Value, items, numbers, pdf
from instances import TIME, frame_of_reference, header, image_reference, pixels, series_uid
from scribe import kept


def segmentation(s, number):
    segment = {
        0x00620004: kept(numbers("US", 1)),
        0x00620005: s.secret("graphics", "LO", f"Tumour {s.person.family}", s.person.family, "Tumour"),
        0x00620008: kept(Value("CS", "MANUAL")),
        0x00620020: s.secret("graphics", "UT", f"{s.person.mrn} {s.token('graphics')}", s.person.mrn),
        0x00620021: s.uid("top-uids", s.person.uid(1, 980)),
    }
    series = {0x0020000E: s.uid("referenced-uids", series_uid(s.person, "CT")), 0x0008114A: items(image_reference(s, "CT", 1))}
    more = {
        0x00081115: items(series),
        0x00200052: s.uid("top-uids", frame_of_reference(s.person, "SEG")),
        0x00201040: Value("LO", ""),
        0x00620001: kept(Value("CS", "FRACTIONAL")),
        0x00620002: items(segment),
        0x00700080: Value("CS", "SEGMENTS"),
        0x00700081: s.secret("graphics", "LO", f"of {s.person.family}", s.person.family),
        0x00700084: s.secret("top-names", "PN", s.person.operator),
        0x52009230: items({0x00089124: items({0x00082112: items(image_reference(s, "CT", 1))})}),
    }
    return {**header(s, "SEG", number), **pixels(8), **more}


def structure_set(s, number):
    p, uids, graphics = s.person, "referenced-uids", "graphics"
    contours = items(image_reference(s, "CT", 1), image_reference(s, "CT", 2), image_reference(s, "CT", 3))
    series = {0x0020000E: s.uid(uids, series_uid(p, "CT")), 0x30060016: contours}
    study = {**places.reference(s, "1.2.840.10008.3.1.2.3.1", p.uid(1)), 0x30060014: items(series)}
    frame = {0x00200052: s.uid(uids, frame_of_reference(p, "CT")), 0x30060012: items(study)}
    region = {
        0x30060022: kept(Value("IS", "1")),
        0x30060024: s.uid(uids, frame_of_reference(p, "CT")),
        0x30060026: s.secret(graphics, "LO", f"GTV {p.family}", p.family),
        0x30060028: s.secret(graphics, "ST", f"{p.family} {s.token(graphics)}"),
        0x30060036: kept(Value("CS", "MANUAL")),
    }
    contour = {
        0x30060016: items(image_reference(s, "CT", 2)),
        0x30060042: kept(Value("CS", "POINT")),
        0x30060046: kept(Value("IS", "1")),
        0x30060050: kept(Value("DS", "1.5\\-2.5\\3")),
    }
    observation = {
        0x30060082: kept(Value("IS", "1")),
        0x30060084: kept(Value("IS", "1")),
        0x300600A4: kept(Value("CS", "GTV")),
        0x300600A6: s.secret("top-names", "PN", p.performing),
    }
    more = {
        0x30060002: s.secret(graphics, "SH", s.token(graphics), harmless="LABEL"),
        0x30060004: s.secret(graphics, "LO", f"{p.family} {s.token(graphics)}"),
        0x30060008: s.date("top-dates", "reported"),
        0x30060009: Value("TM", TIME),
        0x30060010: items(frame),
        0x30060020: items(region),
        0x30060039: items({0x30060040: items(contour), 0x30060084: kept(Value("IS", "1"))}),
        0x30060080: items(observation),
    }
    return {**header(s, "RTSTRUCT", number), **more}


def presentation(s, number):
    p, place = s.person, "graphics"
    text = {
        0x00700006: s.secret(place, "ST", f"{p.family} {s.token(place)}"),
        0x00700012: Value("CS", "N"),
        0x00700014: numbers("FL", 1.0, 1.0),
        0x00700004: Value("CS", "PIXEL"),
        0x00700015: Value("CS", "N"),
    }
    series = {0x0020000E: s.uid("referenced-uids", series_uid(p, "CT")), 0x00081140: items(image_reference(s, "CT", 1))}
    more = {
        0x00081115: items(series),
        0x00700001: items({0x00081140: items(image_reference(s, "CT", 2)), 0x00700002: Value("CS", "LAYER"), 0x00700008: items(text)}),
        0x0070005A: items({0x00700052: numbers("SL", 1, 1), 0x00700053: numbers("SL", 16, 16), 0x00700100: Value("CS", "SCALE TO FIT")}),
        0x00700080: Value("CS", "MARKED"),
        0x00700081: s.secret(place, "LO", f"Mark on {p.family}", p.family),
        0x00700082: s.date("top-dates", "reported"),
        0x00700083: Value("TM", TIME),
        0x00700084: s.secret("top-names", "PN", p.operator),
        0x20500020: kept(Value("CS", "IDENTITY")),
    }
    return {**header(s, "PR", number), **more}


def evidence(s, *references):
    """Which instances a document speaks of (Hierarchical SOP Instance Reference Macro)."""
    series = [
        {0x0020000E: s.uid("referenced-uids", series_uid(s.person, kind)), 0x00081199: items(image_reference(s, kind, n))}
        for kind, n in references
    ]
    return items({0x0020000D: s.uid("referenced-uids", s.person.uid(1)), 0x00081115: items(*series)})


def content(kind, name, **more):
    """A content item of a document, by its value type and concept."""
    element = {0x0040A010: Value("CS", "CONTAINS"), 0x0040A040: Value("CS", kind), 0x0040A043: places.concept(*name)}
    return {**element, **{int(tag[1:], 16): value for tag, value in more.items()}}


def key_objects(s, number):
    place = "sr-text"
    more = {
        0x0040A040: Value("CS", "CONTAINER"),
        0x0040A043: places.concept("113000", "Of Interest"),
        0x0040A050: Value("CS", "SEPARATE"),
        0x0040A375: evidence(s, ("CT", 1), ("CT", 2)),
        0x0040A730: items(
            content("IMAGE", ("113000", "Of Interest"), t00081199=items(image_reference(s, "CT", 1))),
            content("TEXT", ("113012", "Key Object Description"), t0040A160=s.secret(place, "UT", f"{s.person.family} {s.token(place)}")),
        ),
    }
    return {**header(s, "KO", number), **more}


def report(s, number):
    p = s.person
    finding = s.secret("sr-text", "UT", f"{p.name.split('^')[0]} has {s.token('sr-text')}", p.family)
    observer = s.secret("sr-person", "PN", p.performing)
    leaves = [
        content("PNAME", ("121008", "Person Observer Name"), t0040A123=observer),
        content("TEXT", ("121071", "Finding"), t0040A160=finding),
        content("DATE", ("121031", "Subject Birth Date"), t0040A121=s.date("sr-date", "birth", shifts=False)),
        content("DATETIME", ("111060", "Study Date"), t0040A120=s.date("sr-date", "study", "DT", "101112", shifts=False)),
        content("UIDREF", ("121018", "Procedure Study Instance UID"), t0040A124=s.uid("referenced-uids", p.uid(1))),
        content("IMAGE", ("121112", "Source of Measurement"), t00081199=items(image_reference(s, "CT", 3))),
        content("PNAME", ("121029", "Subject Name"), t0040A123=s.secret("sr-person", "PN", p.name, p.family)),
        content("TEXT", ("121030", "Subject ID"), t0040A160=s.secret("sr-text", "UT", p.mrn)),
    ]
    section = content("CONTAINER", ("121070", "Findings"), t0040A050=Value("CS", "SEPARATE"), t0040A730=items(*leaves, undefined=True))
    more = {
        0x00081111: items(),
        0x0040A040: Value("CS", "CONTAINER"),
        0x0040A043: places.concept("126000", "Imaging Report"),
        0x0040A050: Value("CS", "SEPARATE"),
        0x0040A372: items(),
        0x0040A375: evidence(s, ("CT", 3)),
        0x0040A491: Value("CS", "COMPLETE"),
        0x0040A493: Value("CS", "UNVERIFIED"),
        0x0040A730: items(section),
    }
    return {**header(s, "SR", number), **more}


def document(s, number):
    page = pdf(s.raw("pdf-body", s.person.family, b"nothing"))
    more = {
        0x00280301: Value("CS", "YES"),
        0x0040A043: items(),
        0x00420010: s.secret("blind-spots", "ST", f"Letter to {s.person.family}", s.person.family),
        0x00420011: Value("OB", page),
        0x00420012: Value("LO", "application/pdf"),
    }
    return {**header(s, "DOC", number), **more}


def electrocardiogram(s, number):
    place = "waveform"
    samples = struct.pack("<16h", *range(-80, 80, 10))
    channel = {
        0x003A0203: s.secret(place, "SH", s.token(place)),
        0x003A0208: places.concept("2:1", "Lead I"),
        0x003A021A: kept(numbers("US", 16)),
    }
    group = {
        0x003A0004: Value("CS", "ORIGINAL"),
        0x003A0005: kept(numbers("US", 1)),
        0x003A0010: kept(numbers("UL", 16)),
        0x003A001A: kept(Value("DS", "500")),
        0x003A0200: items(channel),
        0x54001004: kept(numbers("US", 16)),
        0x54001006: kept(Value("CS", "SS")),
        0x54001010: kept(Value("OW", samples)),
    }
    remark = {0x00700006: s.secret(place, "ST", f"{s.person.family} {s.token(place)}"), 0x0040A0B0: numbers("US", 1, 1)}
    return {**header(s, "ECG", number), 0x0040B020: items(remark), 0x54000100: items(group)}


def directory(s):
    """A DICOMDIR as it lies on a disc from a hospital."""
    p, place = s.person, "dicomdir"
    patient = {
        0x00041400: numbers("UL", 0),
        0x00041410: numbers("US", 0xFFFF),
        0x00041420: numbers("UL", 0),
        0x00041430: Value("CS", "PATIENT"),
        0x00100010: s.secret(place, "PN", p.name, p.family),
        0x00100020: s.secret(place, "LO", p.mrn),
    }
    return {
        0x00041130: s.secret(place, "CS", "DISC" + s.token(place)[:6].upper()),
        0x00041200: numbers("UL", 0),
        0x00041202: numbers("UL", 0),
        0x00041212: numbers("US", 0),
        0x00041220: items(patient),
    }
