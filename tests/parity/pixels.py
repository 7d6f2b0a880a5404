"""What blanking must have made of an image, computed here with numpy from the original: the engine itself is no judge.

It writes decoded images although it blanked nothing, in the byte order of this machine whatever the file's, pixels by
samples whatever the planar configuration, whole bytes where one bit is meant; and what it cannot decode it lets pass as
it is. So our image is held against the rules, and theirs is only looked at to say how it differs.
"""

import re

import numpy
import pydicom
from pydicom.pixels import pixel_array

EXPLICIT = "1.2.840.10008.1.2.1"
# What describes the pixel data and follows from decoding it, with the new instance UID that the engine gives then.
DESCRIPTION = {0x00080018, 0x00280004, 0x00280006, 0x00280008, 0x7FE00001, 0x7FE00002, 0x7FE00010}


def holds(condition, dataset):
    """Whether a `when` is true of a data set; lines that begin with + narrow it."""
    return all(line_holds(line.strip("+ "), dataset) for line in condition.splitlines())


def line_holds(line, dataset):
    word, name, *rest = line.split(maxsplit=2)
    value = str(dataset.get(name, ""))
    if word == "contains":
        return bool(re.search(rest[0], value, re.IGNORECASE))
    if word == "equals":
        return value.lower() == rest[0].lower()
    return (name in dataset) == (word == "present")


def read(path):
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2" if implicit else EXPLICIT if little else "1.2.840.10008.1.2.2"
    return dataset


def decoded(dataset):
    """The image as frames, rows, columns, samples."""
    native = not dataset.file_meta.TransferSyntaxUID.is_compressed
    pixels = pixel_array(dataset, raw=native).copy()
    frames, samples = int(dataset.get("NumberOfFrames") or 1), int(dataset.get("SamplesPerPixel", 1))
    return pixels.reshape(frames, dataset.Rows, dataset.Columns, samples)


def expected(rules, dataset):
    """The image as the rules make it, and whether any of them blanks something."""
    original = decoded(dataset)
    image, blanked = original.copy(), False
    for rule in rules:
        if not holds(rule["when"], dataset):
            continue
        x0, y0, x1, y1 = rule.get("remove") or rule["keep"]
        box = (slice(None), slice(y0, y1), slice(x0, x1))
        blanked = blanked or "remove" in rule
        image[box] = 0 if "remove" in rule else original[box]
    return image, blanked


def fault(rules, before, ours):
    """What is wrong with the image that we wrote, or None."""
    old, new = read(before), read(ours)
    if "PixelData" not in old:
        return None
    if not any("remove" in rule and holds(rule["when"], old) for rule in rules):
        return None if old.PixelData == new.PixelData else "the image was changed although nothing is to be blanked"
    if new.file_meta.TransferSyntaxUID.is_compressed:
        return "the image is still compressed"
    image, _ = expected(rules, old)
    found = decoded(new)
    if image.shape != found.shape:
        return f"the image has the shape {found.shape}, not {image.shape}"
    distance = numpy.abs(image.astype(numpy.int64) - found.astype(numpy.int64)).max()
    # Two decoders of a lossy format need not agree on the last bits.
    lossy = old.file_meta.TransferSyntaxUID.is_compressed and "RLE" not in old.file_meta.TransferSyntaxUID.name
    return f"the image differs by up to {distance}" if distance > (6 if lossy else 0) else None


def unscrubbed(before, theirs):
    """Whether the engine let the image pass as it was."""
    return read(before).get("PixelData") == read(theirs).get("PixelData")
