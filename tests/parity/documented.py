"""Where fwupload means to differ from Flywheel's engine: each decision with its reason and the exact case that it covers.

A difference that no entry here covers fails the run. An entry looks at the one element or file, and at the profile's
document; none covers a whole profile. `Q` numbers are those of the decisions in the profile documentation.
"""

import datetime
import functools
import re
from typing import Callable, NamedTuple

import compare
import envelope as envelopes
import pixels
import pydicom
import pydicom.encaps
from pydicom.datadict import tag_for_keyword


class Decision(NamedTuple):
    """One decided difference, and the test for whether a case is one."""

    id: str
    quirk: str
    reason: str
    covers: Callable


def covering(decisions, *case):
    """The first decision that covers a case, or None."""
    return next((decision for decision in decisions if decision.covers(*case)), None)


def dicom(document):
    return document.get("dicom") or {}


def fields(document):
    return dicom(document).get("fields") or []


def field_for(document, tag):
    """The last field that names an attribute by keyword, number or expression."""
    keyword = pydicom.datadict.keyword_for_tag(tag)
    for field in reversed(fields(document)):
        name = field.get("name")
        if name == keyword or name == tag or (isinstance(name, str) and re.sub(r"[(),\s]|0x", "", name).lower() == f"{tag:08x}"):
            return field
        if "regex" in field and re.match(field["regex"], keyword):
            return field
    return {}


EXACT_DATE = r"\d{8}|\d{14}(\.\d{1,6})?([-+]\d{4})?"

# Differences in an element. Each test is given the profile's document and the difference.


def we_left_it(d):
    return d.before is not None and d.ours is not None and d.ours.same_as(d.before)


def they_left_it(d):
    return d.before is not None and d.theirs is not None and d.theirs.tree() == d.before.tree()


def padding(_, d):
    return we_left_it(d) and d.theirs is not None and d.theirs.vr == d.ours.vr and d.ours.text is not None and d.ours.text == d.theirs.text


def unknown_vr(_, d):
    """Items are compared one by one elsewhere."""
    if d.ours is None or d.theirs is None or d.before is None or not (d.before.vr == d.ours.vr == "UN") or d.theirs.vr == "UN":
        return False
    return (d.ours.items is not None and d.theirs.items is not None) or (we_left_it(d) and (d.ours.text == d.theirs.text or d.ours.raw == d.theirs.raw))


def undecodable(_, d):
    """Their replacement characters, where we kept bytes that pydicom cannot read as what they are declared to be."""
    if not we_left_it(d) or d.theirs is None or d.theirs.raw is None or d.theirs.vr != d.ours.vr or d.ours.raw.isascii():
        return False
    return b"\xef\xbf\xbd" in d.theirs.raw or d.theirs.raw.count(b"?") > d.ours.raw.count(b"?")


def escapes(_, d):
    """The same text, with escape sequences in other places."""
    if None in (d.before, d.ours, d.theirs) or d.ours.raw is None or d.theirs.raw is None:
        return False
    return d.ours.vr == d.theirs.vr and b"\x1b" in d.ours.raw and d.ours.text == d.theirs.text


def chinese(document, d):
    """What a rule makes of text in ISO 2022 IR 58."""
    return d.before is not None and d.before.raw is not None and b"\x1b$)A" in d.before.raw and bool({"hash", "regex-sub"} & field_for(document, d.tag).keys())


def unreached(document, d):
    """An element in an item of a file in implicit VR, under `decode: false`."""
    return dicom(document).get("decode") is False and len(d.path) > 1 and they_left_it(d) and d.before.dataset.original_encoding[0]


def creator_of(dataset, tag):
    """The creator of the block that a private element or creator is in, at its own level."""
    block = (tag & 0xFFFF) >> 8 or tag & 0xFFFF
    return str(dataset[tag >> 16, block].value) if (tag >> 16, block) in dataset else None


def named_creators(document):
    """Groups and creators of the private elements that a profile names."""
    names = re.findall(r'\(\s*([0-9a-fA-F]{4})\s*,\s*"?([^\\"()]{1,64}?)"?\s*,\s*[0-9a-fA-F]{2}\s*\)', str([field.get("name") for field in fields(document)]))
    return {(int(group, 16), creator) for group, creator in names}


def nested_protection(document, d):
    """A private element in an item: by us it is kept for its creator, by the engine for its number."""
    if not dicom(document).get("remove-private-tags") or len(d.path) == 1 or not (d.tag >> 16) % 2 or d.before is None:
        return False
    protected = (d.tag >> 16, creator_of(d.before.dataset, d.tag)) in named_creators(document)
    return (protected and d.theirs is None) or (not protected and d.ours is None and they_left_it(d))


def kept_creator(document, d):
    element = d.tag & 0xFFFF
    return bool(dicom(document).get("remove-undefined")) and 0x10 <= element <= 0xFF and we_left_it(d) and d.theirs is None and (
        (d.tag >> 16, creator_of(d.before.dataset, d.tag)) in named_creators(document)
    )


def kept_sequence(document, d):
    """A sequence that a wildcard leads into."""
    if not dicom(document).get("remove-undefined") or d.theirs is not None or d.ours is None or d.ours.items is None:
        return False
    first = [str(field["name"]).split(".")[0] for field in fields(document) if ".*." in str(field.get("name"))]
    return d.tag in [int(name, 16) if re.fullmatch("[0-9a-fA-F]{8}", name) else tag_for_keyword(name) for name in first]


def expands(document, field):
    name = str(field.get("name"))
    return "regex" in field or "*" in name or "xx" in name.lower() or bool(dicom(document).get("recurse-sequence"))


def lost_option(document, d):
    """Days of 0, and bounds, on a field that stands for several elements: we honour them."""
    field = field_for(document, d.tag)
    if not expands(document, field) or None in (d.before, d.ours, d.theirs):
        return False
    if field.get("date-increment-override") == 0:
        before = moments(d.before, read_both(document, d, field)[2])
        return before is not None and read_both(document, d, field)[0] == before
    bounds = [field[bound] for bound in ("datetime-min", "datetime-max") if bound in field]
    ours, _, _ = read_both(document, d, field)
    return bool(ours) and any(moment == datetime.datetime.strptime(bound, "%Y%m%d") for moment in ours for bound in bounds)


def inexact_age(document, d):
    """An age that the engine computed from a date that it misread."""
    dates = [str(d.before.dataset.get(name, "")) for name in ("PatientBirthDate", "StudyDate")] if d.before is not None else []
    return d.tag == 0x00101010 and we_left_it(d) and any(not re.fullmatch(EXACT_DATE, date) for date in dates)


def image(document, d):
    """What describes and holds the pixels; that ours are right was seen before."""
    return len(d.path) == 1 and d.tag in pixels.DESCRIPTION and bool(dicom(document).get("alter_pixels"))


def mixed_label(document, d):
    """A file whose label and bytes disagree, which the engine writes in a mixture where it does not decode everything."""
    raw = dicom(document).get("decode") is False or "alter_pixels" in dicom(document)
    return raw and d.ours is not None and (d.theirs is None or d.theirs.implicit != d.ours.implicit)


def inner(_, d):
    """What may differ between the contents of two envelopes."""
    if d.tag == 0x00080005:
        return d.theirs is None
    if d.ours is None or d.theirs is None or d.ours.raw is None or d.theirs.raw is None:
        return False
    lost = (b"\x1b" in d.ours.raw or not d.ours.raw.isascii()) and b"?" in d.theirs.raw
    untyped = "UN" in (d.ours.vr, d.theirs.vr) and d.ours.raw.rstrip(b"\0 ") == d.theirs.raw.rstrip(b"\0 ")
    return lost or untyped or str(d.ours.text).rstrip("=") == str(d.theirs.text).rstrip("=") or bool((d.tag >> 16) % 2)


def envelope(document, d):
    """Both open with OpenSSL, and hold the same."""
    if d.path[:2] != (0x04000500, 0) or d.tag != 0x04000520 or d.ours is None or d.theirs is None:
        return False
    return all(inner(document, found) for found in envelopes.differences(d.ours.raw, d.theirs.raw, document))


def restored(document, d):
    """A value from an envelope, which the engine's own envelopes lose the letters of, or that we give back with its bytes."""
    if field_for(document, d.tag).get("decrypt") is None or d.ours is None or d.theirs is None:
        return False
    garbled = d.theirs.raw is not None and b"\x1b$)A" in d.theirs.raw
    ours, theirs = (str(element.text).rstrip("=") for element in (d.ours, d.theirs))
    return "UN" in (d.ours.vr, d.theirs.vr) or garbled or ours.replace("\\", ",") == theirs.replace("\\", ",")


def inside_private(_, d):
    """The element lies in a private sequence, or is one that was not opened for want of a VR."""
    private = [tag for tag in d.path[::2] if (tag >> 16) % 2]
    if not private or not they_left_it(d):
        return False
    closed = d.before.vr == "UN" and d.before.raw is not None and d.before.raw.startswith((b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"))
    return private[0] != d.tag or closed


def second_block(_, d):
    """The block that the element is in belongs to a creator that has an earlier block in the same group."""
    if not (d.tag >> 16) % 2 or d.before is None or not (they_left_it(d) or d.theirs is None):
        return False
    dataset, group = d.before.dataset, d.tag >> 16
    creators = [(block, str(dataset[group, block].value)) for block in range(0x10, 0x100) if (group, block) in dataset]
    own = [creator for block, creator in creators if block == (d.tag & 0xFFFF) >> 8]
    return bool(own) and next(block for block, creator in creators if creator == own[0]) != (d.tag & 0xFFFF) >> 8


def single_number(element):
    try:
        value = element.dataset[element.tag].value
        return float(value)
    except (TypeError, ValueError):
        return None


def jitter(document, d):
    """Both results lie within the range of the original, and are not the original."""
    field = field_for(document, d.tag)
    if "jitter" not in field or None in (d.before, d.ours, d.theirs) or d.ours.vr != d.theirs.vr:
        return False
    before, ours, theirs = map(single_number, (d.before, d.ours, d.theirs))
    if None in (before, ours, theirs):
        return False
    spread = float(field.get("jitter-range", dicom(document).get("jitter-range", 2)))
    low = max(before - spread, field.get("jitter-min", before - spread))
    high = min(before + spread, field.get("jitter-max", before + spread))
    if d.ours.vr in ("US", "UL"):
        low, high = max(low, 0), max(high, 0)
    whole = d.ours.vr in ("IS", "US", "UL", "SL", "SS") or field.get("jitter-type") == "int"
    short = d.ours.vr != "DS" or len(d.ours.raw) <= 16
    slack = 1 if whole else 1e-6
    return short and all(min(low, high) - slack <= value <= max(high, low) + slack and (not whole or value == int(value)) for value in (ours, theirs))


def moments(element, text_format):
    """Every value of an element as a moment; None where one does not have the format."""
    texts = [re.sub(r"[-+]\d{4}$", "", text) for text in str(element.text).split("\\") if text]
    # Years below 1000 are written without zeros in front.
    if text_format == "%Y%m%d":
        texts = [text.zfill(8) for text in texts]
    if text_format == "%Y%m%d%H%M%S.%f":
        texts = [f"{whole:0>14}.{fraction or 0}" for whole, _, fraction in (text.partition(".") for text in texts)]
    try:
        return [datetime.datetime.strptime(text, text_format) for text in texts]
    except ValueError:
        return None


def read_both(document, d, field):
    """Both results as moments."""
    kind = "datetime-format" if "increment-datetime" in field else "date-format"
    standard = "%Y%m%d%H%M%S.%f" if "increment-datetime" in field else "%Y%m%d"
    text_format = field.get(kind, dicom(document).get(kind, standard))
    if d.ours is None or d.theirs is None or d.ours.vr != d.theirs.vr:
        return None, None, text_format
    return moments(d.ours, text_format), moments(d.theirs, text_format), text_format


def date_jitter(document, d):
    """Both results lie within the range of the original and its fixed shift, in whole units."""
    field = field_for(document, d.tag)
    ours, theirs, text_format = read_both(document, d, field)
    if not field.get("jitter-date") or not ours or not theirs or d.before is None:
        return False
    before = moments(d.before, text_format) or []
    shift = datetime.timedelta(days=field.get("date-increment-override", dicom(document).get("date-increment")))
    unit = datetime.timedelta(**{field.get("jitter-unit", "days"): 1})
    drawn = [(after - was - shift) / unit for results in (ours, theirs) for was, after in zip(before, results)]
    return bool(drawn) and all(number == int(number) and 0 < abs(number) <= field.get("jitter-range", 10) for number in drawn)


def clock(document, d):
    """Both results are a bound that follows the clock: the start of that day, and some time of it."""
    field = field_for(document, d.tag)
    relative = any(str(field.get(bound, "")).startswith(("+", "-")) for bound in ("datetime-min", "datetime-max"))
    ours, theirs, _ = read_both(document, d, field)
    return relative and bool(ours) and bool(theirs) and all(datetime.timedelta(0) <= b - a < datetime.timedelta(days=1, minutes=30) for a, b in zip(ours, theirs))


ELEMENTS = [
    Decision("undecodable", "", "bytes that the declared character set does not have stay; the engine replaces them", undecodable),
    Decision("padding", "", "bytes that no rule touches come out as they went in; the engine writes text again with the least padding", padding),
    Decision("unknown-vr", "decode", "what stands there as UN stays UN; the engine writes the VR of its dictionary", unknown_vr),
    Decision("escapes", "", "the same text with escape sequences in other places", escapes),
    Decision("chinese", "", "text in ISO 2022 IR 58 is decoded for rules; the engine leaves its escape sequences in it", chinese),
    Decision("nested-protection", "Q4", "private elements in items are kept by their creator, not by a number that is kept at the top", nested_protection),
    Decision("inside-private", "Q4, Q10", "rules reach into private sequences; the engine passes over what they hold", inside_private),
    Decision("second-block", "", "a rule for a creator's element acts in every block of that creator; the engine sees the first only", second_block),
    Decision("lost-option", "Q6", "options of value 0 and bounds count in fields that stand for several elements", lost_option),
    Decision("kept-creator", "Q8", "the creator of a private element that remove-undefined keeps stays", kept_creator),
    Decision("kept-sequence", "Q8", "what a wildcard path names stays under remove-undefined", kept_sequence),
    Decision("unreached", "Q10", "rules reach into items of implicit VR files under decode: false", unreached),
    Decision("inexact-age", "Q13", "no age is computed from a date that does not have the format exactly", inexact_age),
    Decision("envelope", "Q9", "sealed with chance in it; both were opened and hold the same, ours with the character set that its text needs", envelope),
    Decision("restored", "", "values come back from the envelope as they went in; the engine joins several with commas", restored),
    Decision("image", "", "images were held against the rules for blanking; the engine decodes what it need not, in its own layout, with a new UID", image),
    Decision("mixed-label", "decode", "a file with a wrong label keeps its bytes; where the engine does not decode everything it writes a mixture", mixed_label),
    Decision("jitter", "", "what is drawn differs; both results were checked against range, bounds and VR", jitter),
    Decision("date-jitter", "", "what is drawn differs; both results were checked against range and unit", date_jitter),
    Decision("clock", "", "bounds that count from today begin with the day; in the engine they carry the time of its start", clock),
]


# Differences in the name of the written file. Each test is given the profile's document, the original's path, the
# cleaned data set, our name and theirs.


def named_by_original(document, path, cleaned, ours, theirs):
    """The engine names a file by its original UID where no rule names exactly the keyword."""
    exact = any(field.get("name") == "SOPInstanceUID" for field in fields(document))
    former, new = str(original(path).get("SOPInstanceUID")), str(cleaned.get("SOPInstanceUID"))
    return not exact and not dicom(document).get("filenames") and ours.startswith(f"{new}.") and theirs.startswith(f"{former}.")


def empty_in_name(_, __, ___, ours, theirs):
    """The engine writes None for an empty value that its rule leaves alone."""
    return ours == theirs.replace("None", "", 1)


def decoded_image(document, path, _, ours, theirs):
    """The engine gives an image that it decodes a new UID, and names it by that."""
    former = str(original(path).get("SOPInstanceUID"))
    return bool(dicom(document).get("alter_pixels")) and ours.startswith(f"{former}.") and theirs.startswith("1.2.826.0.1.3680043.8.498.")


NAMES = [
    Decision("named-by-original", "Q3", "names follow the cleaned data set, however a rule names the attribute", named_by_original),
    Decision("empty-in-name", "Q3", "an empty value is empty in a name, as in the cleaned data set", empty_in_name),
    Decision("decoded-image", "", "an image keeps its UID; the engine gives those that it decodes a new one", decoded_image),
]


# Files that we refuse. Each test is given the profile's document, the original's path, our answer and theirs.


@functools.lru_cache(maxsize=512)
def original(path):
    return pydicom.dcmread(path, force=True)


def no_instance_uid(_, path, mine, __):
    return mine["code"] == "route.missing-uid" and not original(path).get("SOPInstanceUID")


def dicomdir(_, path, mine, __):
    """The engine treats the directory of a medium like an image."""
    return mine["code"] == "dicomdir" and "DirectoryRecordSequence" in original(path)


BROKEN = {
    "test_files-MR_truncated.dcm": "read.truncated",
    "test_files-rtplan_truncated.dcm": "read.truncated",
    "test_files-dicomdirtests-DICOMDIR-nooffset": "read.truncated",
    "palettes-winter.dcm": "read.duplicate-element",
}


def broken(_, path, mine, __):
    return BROKEN.get(path.rsplit("/", 1)[-1]) == mine["code"]


def mislabelled(_, path, mine, __):
    """Uncompressed pixel data shorter than a frame, or compressed that begins like no frame of JPEG's family."""
    if mine["code"] != "read.mislabelled":
        return False
    image = original(path)
    if image.file_meta.TransferSyntaxUID.is_compressed:
        first = list(pydicom.encaps.generate_fragments(image.PixelData))[1]
        return not first.startswith((b"\xff\xd8", b"\xff\x4f"))
    return len(image.PixelData) * 8 < image.Rows * image.Columns * image.SamplesPerPixel * image.BitsAllocated


def long_uid(document, path, mine, _):
    """A hash that the profile writes behind part of a UID."""
    hashed = any(group.get("hashuid") for field in fields(document) for part in field.get("regex-sub") or [] for group in part.get("groups") or [])
    return hashed and mine["code"] == "deid.uid-too-long"


def inexact_date(_, path, mine, __):
    """The element that our message names holds a date that no exact format has."""
    named = re.search(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)", mine["message"])
    if mine["code"] != "deid.unparseable-date" or named is None:
        return False
    value = original(path)[int(named[1], 16), int(named[2], 16)].value
    return not re.fullmatch(EXACT_DATE, str(value).strip())


def unencodable(document, path, mine, _):
    """The profile writes a character that the file's character set does not have."""
    return mine["code"] == "deid.unencodable-text" and not str(fields(document)).isascii()


def drawn_out_of_range(document, path, mine, _):
    """A random shift from the first or last years, which led out of the calendar on our side alone."""
    drawn = any(field.get("jitter-date") for field in fields(document))
    return drawn and mine["code"] == "deid.unparseable-date" and "outside the years" in mine["message"] and bool(re.search(r"\b(0001|9999)\d{4}", str(original(path))))


def unblanked(_, path, mine, theirs):
    """The engine let the image pass as it was."""
    return mine["code"] == "deid.pixels" and pixels.unscrubbed(path, theirs.path)


UNBLANKABLE = (
    "no decoder for the transfer syntax 1.2.840.10008.1.2.4.81",
    "lossy JPEG with more than 8 bits cannot be decoded",
    "8-bit samples in big-endian words cannot be blanked",
    "the length of the pixel data is not what its attributes say",
    "Bits Allocated is a number of bits that cannot be blanked",
)


def unblankable(_, __, mine, ___):
    return mine["code"] == "deid.pixels" and mine["message"].endswith(UNBLANKABLE)


REFUSED_BY_US = [
    Decision("no-instance-uid", "", "a file without SOP Instance UID cannot be placed", no_instance_uid),
    Decision("dicomdir", "", "a DICOMDIR is skipped, as its byte offsets would be wrong after cleaning", dicomdir),
    Decision("broken", "", "a file that is cut off or holds an element twice is not passed on as if it were whole", broken),
    Decision("mislabelled", "", "pixel data that is not what the transfer syntax says is not passed on as if it were", mislabelled),
    Decision("long-uid", "", "a UID of more than 64 characters fails; the engine writes it", long_uid),
    Decision("inexact-date", "Q13", "a date that does not have the format exactly fails; the engine reads another date from it", inexact_date),
    Decision("unencodable", "", "a new value that the file's character set cannot hold fails; the engine writes question marks", unencodable),
    Decision("unblanked", "", "an image that cannot be decoded fails; the engine lets it pass with everything on it", unblanked),
    Decision("unblankable", "", "an image fails that no decoder here reads, or whose layout is not blanked", unblankable),
    Decision("drawn-out-of-range", "", "a random shift led out of the years 1 to 9999 here and not there", drawn_out_of_range),
]

# Files that the engine refuses and we clean. Each test is given the same.


def age_of_several(document, _, __, theirs):
    return bool(dicom(document).get("patient-age-from-birthdate")) and "strptime() argument 1 must be str, not list" in theirs.reason


def missing_item(document, _, __, theirs):
    paths = [field for field in fields(document) if re.search(r"\.(\d+|\*)\.", str(field.get("name")))]
    return theirs.reason == "IndexError: list index out of range" and bool(paths)


def jitter_of_nothing(document, path, _, theirs):
    """An empty or blank number that a jitter field names."""
    named = [field["name"] for field in fields(document) if "jitter" in field]
    tags = [int(name, 16) if re.fullmatch("[0-9a-fA-F]{8}", name) else tag_for_keyword(name) for name in named]
    empty = any(not str(original(path)[tag].value or "").strip() for tag in tags if tag in original(path))
    return empty and ("int() argument must be" in theirs.reason or "could not convert string to float: ''" in theirs.reason)


def out_of_calendar(document, path, _, theirs):
    """Years 1 or 9999, under a rule that we hold between bounds, do not shift, or shift by chance."""
    held = any(
        {"datetime-min", "datetime-max"} & field.keys() or field.get("jitter-date") or (expands(document, field) and field.get("date-increment-override") == 0)
        for field in fields(document)
    )
    return held and theirs.reason.startswith("OverflowError") and bool(re.search(r"\b(0001|9999)\d{4}", str(original(path))))


def empty_among_several(_, path, __, theirs):
    """An empty value behind a backslash, in an element whose date is shifted."""
    return "'NoneType' object has no attribute 'encode'" in theirs.reason and bool(re.search(r"'\d+', ''", str(original(path))))


def undecoded(document, path, _, theirs):
    """A file whose label and bytes disagree about implicit VR, which the engine was told not to decode."""
    return dicom(document).get("decode") is False and "encoding without a string argument" in theirs.reason and compare.mislabelled(path)


REFUSED_BY_THEM = [
    Decision("age-of-several", "", "several study dates give no age; the engine stumbles over them", age_of_several),
    Decision("missing-item", "", "a path to an item that is not there does nothing; the engine stumbles over it", missing_item),
    Decision("jitter-of-nothing", "", "jitter leaves an empty number empty; the engine stumbles over some", jitter_of_nothing),
    Decision("out-of-calendar", "Q6", "a date that we hold between bounds or leave leads out of the calendar in the engine", out_of_calendar),
    Decision("empty-among-several", "", "an empty value among several dates stays empty; the engine cannot write it into text", empty_among_several),
    Decision("undecoded", "decode", "decode: false has no effect here; under it the engine cannot write a file with a wrong label", undecoded),
]
