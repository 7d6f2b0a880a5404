"""Images of every kind: what a scanner would write, each small but whole; and what all instances have in common."""

import places
from dicomfile import Value, fragments, items, jpeg, numbers, rle
from scribe import core, kept

STORAGE = "1.2.840.10008.5.1.4.1.1."
CLASSES = {
    "CT": STORAGE + "2",
    "MR": STORAGE + "4",
    "EMR": STORAGE + "4.1",
    "PT": STORAGE + "128",
    "US": STORAGE + "3.1",
    "DX": STORAGE + "1.1",
    "MG": STORAGE + "1.2",
    "XC": STORAGE + "77.1.4",
    "SC": STORAGE + "7",
    "SEG": STORAGE + "66.4",
    "RTSTRUCT": STORAGE + "481.3",
    "PR": STORAGE + "11.1",
    "KO": STORAGE + "88.59",
    "SR": STORAGE + "88.22",
    "DOC": STORAGE + "104.1",
    "ECG": STORAGE + "9.1.1",
}
MODALITIES = {"EMR": "MR"}
# The series of each kind; references between instances are made from these.
SERIES = {kind: number for number, kind in enumerate(CLASSES, 1)}
TIME = "101112.000000"


def instance_uid(person, kind, number, study=1):
    return person.uid(study, SERIES[kind], number)


def series_uid(person, kind, study=1):
    return person.uid(study, SERIES[kind])


def frame_of_reference(person, kind, study=1):
    return person.uid(study, 900 if kind in {"CT", "RTSTRUCT", "SEG"} else 900 + SERIES[kind])


def image_reference(s, kind, number, study=1):
    return places.reference(s, CLASSES[kind], instance_uid(s.person, kind, number, study))


def header(s, kind, number, study=1):
    """What every composite instance says of patient, study, series, equipment and itself."""
    p = s.person
    day, acquired = ("study", "acquired") if study == 1 else ("follow-up", "follow-up acquired")
    names, ids, dates, uids = "top-names", "top-ids", "top-dates", "top-uids"
    return {
        0x00080005: Value("CS", p.charset),
        0x00080008: kept(Value("CS", "ORIGINAL\\PRIMARY\\AXIAL")),
        0x00080012: s.date(dates, acquired),
        0x00080013: Value("TM", TIME),
        0x00080016: Value("UI", CLASSES[kind]),
        0x00080018: s.uid(uids, instance_uid(p, kind, number, study)),
        0x00080020: s.date(dates, day),
        0x00080021: s.date(dates, acquired),
        0x00080022: s.date(dates, acquired),
        0x00080023: s.date(dates, acquired),
        0x0008002A: s.date(dates, acquired, "DT", TIME + "+0100"),
        0x00080030: kept(Value("TM", TIME), ("dates-shifted",)),
        0x00080033: Value("TM", TIME),
        0x00080050: s.secret(ids, "SH", p.accession),
        0x00080060: core(Value("CS", MODALITIES.get(kind, kind))),
        0x00080070: kept(Value("LO", "SYNTHETICA")),
        0x00080080: s.secret("institution", "LO", p.institution),
        0x00080081: s.secret("institution", "ST", f"1 {p.institution} Road"),
        0x00080090: s.secret(names, "PN", p.referring),
        0x00081010: s.secret("device", "SH", p.station),
        0x00081040: s.secret("institution", "LO", p.department),
        0x00081050: s.secret(names, "PN", p.performing),
        0x00081070: s.secret(names, "PN", p.operator),
        0x00100010: s.secret(names, "PN", p.name, p.family),
        0x00100020: s.secret(ids, "LO", p.mrn, harmless=f"SUBJECT-{p.number}"),
        0x00100030: s.date(dates, "birth", shifts=False),
        0x00100040: kept(Value("CS", p.sex), ("characteristics",)),
        0x00101000: s.secret(ids, "LO", p.other_id),
        0x00101001: s.secret(names, "PN", f"{p.given}^{p.family}", p.family),
        0x00101010: kept(Value("AS", p.age), ("characteristics",)),
        0x00101020: kept(Value("DS", "1.72"), ("characteristics",)),
        0x00101030: kept(Value("DS", p.weight), ("characteristics",)),
        0x00101040: s.secret(ids, "LO", p.address),
        0x00102154: s.secret(ids, "SH", p.phone),
        0x00181000: s.secret("device", "LO", p.serial),
        0x0020000D: s.uid(uids, p.uid(study)),
        0x0020000E: s.uid(uids, series_uid(p, kind, study)),
        0x00200010: Value("SH", str(study)),
        0x00200011: kept(Value("IS", str(SERIES[kind]))),
        0x00200013: kept(Value("IS", str(number))),
        0x00400244: s.date(dates, day),
    }


def pixels(bits=16, frames=1, colour=False, data=None):
    """A picture of 16 by 16, which has to come out as it went in."""
    samples, size = (3 if colour else 1), bits // 8
    plain = bytes((7 * n + 1) % 251 for n in range(256 * samples * size * frames))
    elements = {
        0x00280002: core(numbers("US", samples)),
        0x00280004: core(Value("CS", "RGB" if colour else "MONOCHROME2")),
        0x00280010: core(numbers("US", 16)),
        0x00280011: core(numbers("US", 16)),
        0x00280100: core(numbers("US", bits)),
        0x00280101: core(numbers("US", bits)),
        0x00280102: core(numbers("US", bits - 1)),
        0x00280103: core(numbers("US", 0)),
        0x7FE00010: data or core(Value("OW" if bits == 16 else "OB", plain)),
    }
    if colour:
        elements[0x00280006] = core(numbers("US", 0))
    if frames > 1:
        elements[0x00280008] = core(Value("IS", str(frames)))
    return elements


def plane(s, kind, number, study=1):
    return {
        0x00180050: kept(Value("DS", "1.25")),
        0x00185100: kept(Value("CS", "HFS")),
        0x00200032: kept(Value("DS", f"-11.2\\22.30\\{number * 1.25}")),
        0x00200037: kept(Value("DS", "1\\0\\0\\0\\1\\0")),
        0x00200052: s.uid("top-uids", frame_of_reference(s.person, kind, study)),
        0x00201040: Value("LO", ""),
        0x00280030: kept(Value("DS", "0.7\\0.7")),
    }


def rescale():
    return {
        0x00281050: kept(Value("DS", "40")),
        0x00281051: kept(Value("DS", "400")),
        0x00281052: kept(Value("DS", "-1024")),
        0x00281053: kept(Value("DS", "1")),
    }


def ct(s, number, study=1):
    beside = image_reference(s, "CT", number % 3 + 1, study)
    more = {
        0x00081140: items(beside, undefined=True),
        0x00082112: items(image_reference(s, "CT", number, study)),
        0x00083010: s.uid("top-uids", s.person.uid(study, 950, number)),
        0x00180060: kept(Value("DS", "120")),
        0x00181002: s.uid("device", s.person.uid(99, 1)),
        0x00181151: kept(Value("IS", "170")),
        0x00181210: kept(Value("SH", "B30f")),
        0x00200012: kept(Value("IS", "1")),
    }
    return {**header(s, "CT", number, study), **plane(s, "CT", number, study), **rescale(), **pixels(), **more}


def mr(s, number):
    more = {
        0x00180020: kept(Value("CS", "GR")),
        0x00180021: kept(Value("CS", "SP")),
        0x00180022: kept(Value("CS", "PFP")),
        0x00180023: kept(Value("CS", "3D")),
        0x00180080: kept(Value("DS", "2300")),
        0x00180081: kept(Value("DS", "2.98")),
        0x00180087: kept(Value("DS", "3")),
        0x00180091: kept(Value("IS", "1")),
        0x00181314: kept(Value("DS", "9")),
    }
    return {**header(s, "MR", number), **plane(s, "MR", number), **pixels(), **more}


def enhanced_mr(s, number):
    """Two frames; each says where it lies and when it was taken, and which one it was made from."""
    place = "depth-3"

    def frame(index):
        derivation = {
            0x00082112: items(image_reference(s, "MR", index)),
            0x00089215: places.concept("113076", "Segmentation"),
        }
        content = {
            0x00189074: s.date(place, "acquired", "DT", TIME),
            0x00189151: s.date(place, "acquired", "DT", TIME),
            0x00204000: s.secret(place, "LT", f"{s.person.family} frame {s.token(place)}"),
            0x00209157: kept(numbers("UL", 1, index)),
        }
        where = {0x00200032: kept(Value("DS", f"0\\0\\{index}"))}
        return {0x00089124: items(derivation), 0x00209111: items(content), 0x00209113: items(where)}

    shared = {
        0x00209116: items({0x00200037: kept(Value("DS", "1\\0\\0\\0\\1\\0"))}),
        0x00289110: items({0x00180050: kept(Value("DS", "2")), 0x00280030: kept(Value("DS", "1\\1"))}),
        0x00081140: items(image_reference(s, "CT", 1)),
    }
    more = {
        0x00200052: s.uid("top-uids", frame_of_reference(s.person, "EMR")),
        0x00201040: Value("LO", ""),
        0x00209161: s.uid("top-uids", s.person.uid(1, 960)),
        0x52009229: items(shared, undefined=True),
        0x52009230: items(frame(1), frame(2), undefined=True),
    }
    return {**header(s, "EMR", number), **pixels(frames=2), **more}


def pet(s, number):
    drug = {
        0x00180031: kept(Value("LO", "FDG")),
        0x00181074: kept(Value("DS", "350000000")),
        0x00181075: kept(Value("DS", "6586.2")),
        0x00181078: s.date("top-dates", "study", "DT", "090000"),
        0x00083012: s.uid("top-uids", s.person.uid(1, 970)),
    }
    more = {
        0x00540016: items(drug),
        0x00541000: kept(Value("CS", "STATIC\\IMAGE")),
        0x00541001: kept(Value("CS", "BQML")),
        0x00541102: kept(Value("CS", "START")),
        0x00541300: kept(Value("DS", "0")),
        0x00541330: kept(numbers("US", 1)),
    }
    return {**header(s, "PT", number), **plane(s, "PT", number), **rescale(), **pixels(), **more}


def ultrasound(s, number):
    return {**header(s, "US", number), **pixels(8, 2, True), 0x00181063: kept(Value("DS", "33"))}


def radiograph(s, number):
    plain = bytes((5 * n + 3) % 251 for n in range(256))
    more = {
        0x00080068: kept(Value("CS", "FOR PRESENTATION")),
        0x00180060: kept(Value("DS", "70")),
        0x00181164: kept(Value("DS", "0.14\\0.14")),
        0x00280301: Value("CS", "NO"),
        0x00282110: kept(Value("CS", "00")),
    }
    return {**header(s, "DX", number), **pixels(8, data=core(fragments(rle(plain)))), **more}


def mammogram(s, number):
    """JPEG; the remark in the stream is not to be seen in any picture, and one file has none."""
    comment = s.raw("jpeg-comment", s.person.family) if number == 1 else b""
    data = fragments(jpeg(comment))
    more = {
        0x00080068: kept(Value("CS", "FOR PRESENTATION")),
        0x00180015: kept(Value("CS", "BREAST")),
        0x00185101: kept(Value("CS", "CC")),
        0x00200062: kept(Value("CS", "L")),
        0x00280301: Value("CS", "NO"),
        0x00282110: kept(Value("CS", "01")),
    }
    return {**header(s, "MG", number), **pixels(8, data=data if comment or number == 1 else core(data)), **more}


def photograph(s, number):
    return {**header(s, "XC", number), **pixels(8, 1, True), **places.icc_profile(s), 0x00280301: Value("CS", "NO")}


def secondary_capture(s, number):
    more = {0x00080064: kept(Value("CS", "WSD")), 0x00280301: Value("CS", "YES")}
    return {**header(s, "SC", number), **pixels(8), **more}
