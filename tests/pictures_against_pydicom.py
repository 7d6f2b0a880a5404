#!/usr/bin/env python3
"""Compares the pictures of dicom-pictures with what pydicom makes of its own files.

    cargo build -p dicom-pictures --example frames_as_png
    python tests/pictures_against_pydicom.py target/debug/examples/frames_as_png

Needs pydicom, numpy and Pillow, and the pylibjpeg plugins for compressed files. Prints each file
on which the two differ by more than one grey level, and exits 1 where one is not in EXPECTED.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
import pydicom
from PIL import Image
from pydicom.data import get_testdata_files
from pydicom.misc import is_dicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

warnings.simplefilter("ignore")

# Files on which the two differ for a reason, which stands behind them.
EXPECTED = {
    **dict.fromkeys(
        [
            "JPEGLSNearLossless_08.dcm",
            "JPEGLSNearLossless_16.dcm",
            "MR_small_jpeg_ls_lossless.dcm",
            "SC_rgb_jls_lossy_line.dcm",
            "SC_rgb_jls_lossy_sample.dcm",
        ],
        "(the program has no decoder for JPEG-LS)",
    ),
    **dict.fromkeys(
        [
            "SC_rgb_dcmtk_+eb+cy+n1.dcm",
            "SC_rgb_dcmtk_+eb+cy+np.dcm",
            "SC_rgb_jpeg_lossy_gdcm.dcm",
            "examples_ybr_color.dcm",
        ],
        "(lossy JPEG: the decoders round differently)",
    ),
    "JPEG-lossy.dcm": "(12 bits)",
    "JPGExtended.dcm": "(12 bits)",
    "SC_rgb_jpeg_gdcm.dcm": "(pydicom lacks a plugin for lossless JPEG)",
    "JPEG2000-embedded-sequence-delimiter.dcm": "(an excerpt)",
    "MR_truncated.dcm": "(cut off)",
    "badVR.dcm": "(a damaged header)",
    "meta_missing_tsyntax.dcm": "(the image is not described)",
    "nested_priv_SQ.dcm": "(the image is not described)",
}


def reference(dataset, number):
    """A frame as pydicom has it, on 0 to 255."""
    samples = dataset.SamplesPerPixel
    values = pixel_array(dataset, index=number)
    if samples == 3:
        return values.astype(float) / (2**dataset.BitsStored - 1) * 255
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        bits = dataset.RedPaletteColorLookupTableDescriptor[2]
        colours = apply_color_lut(values, dataset).astype(float)
        return colours / (255 if colours.max() < 256 else 2**bits - 1) * 255
    grey = windowed(dataset, values)
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    inverted = inverted or dataset.get("PresentationLUTShape") == "INVERSE"
    return 255 - grey if inverted else grey


def windowed(dataset, values):
    measured = apply_modality_lut(values, dataset)
    table = dataset.get("VOILUTSequence")
    if table:
        return apply_voi_lut(measured, dataset) / (2 ** table[0].LUTDescriptor[2] - 1) * 255
    if "WindowWidth" in dataset and dataset.WindowWidth not in (None, ""):
        shown = apply_voi_lut(measured.copy(), dataset).astype(float)
        least, most = range_of_output(dataset)
        return (shown - least) / (most - least) * 255
    counted = measured[numpy.isfinite(measured)]
    if "PixelPaddingValue" in dataset:
        counted = measured[values != dataset.PixelPaddingValue]
    least, most = float(counted.min()), float(counted.max())
    if least == most:
        least, most = range_of_output(dataset)
    with numpy.errstate(invalid="ignore"):
        return numpy.clip((measured.astype(float) - least) / (most - least), 0, 1) * 255


def range_of_output(dataset):
    """What pydicom's windowing maps to: the range of stored values, rescaled."""
    bits = dataset.BitsStored
    signed = dataset.get("PixelRepresentation") == 1
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if dataset.get("ModalityLUTSequence"):
        return 0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    if "RescaleSlope" in dataset and "RescaleIntercept" in dataset:
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
        return least * slope + intercept, most * slope + intercept
    return least, most


def compare(path, pictures, why):
    """None where both agree, else in what they differ."""
    dataset = pydicom.dcmread(path, force=True)
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        return "no image"
    try:
        frames = min(int(dataset.get("NumberOfFrames", 1) or 1), 3)
        expected = [reference(dataset, number) for number in range(frames)]
    except Exception as error:  # pydicom raises of every kind
        said = str(error).splitlines()[0][:90]
        return f"neither: {why}" if why else f"not by pydicom: {said}"
    if why:
        return f"not by us: {why}"
    for number, expected in enumerate(expected):
        got = numpy.asarray(Image.open(pictures[number])).astype(float)
        if got.shape != expected.shape:
            return f"shape {got.shape} instead of {expected.shape}"
        away = numpy.abs(got - numpy.nan_to_num(expected))
        if away.max() > 1.01:
            return f"frame {number}: up to {away.max():.1f} in {(away > 1.01).mean():.2%}"
    return None


def main(program):
    paths = map(pathlib.Path, get_testdata_files())
    files = sorted(str(path) for path in paths if path.is_file() and is_dicom(path))
    agree, differ = 0, {}
    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run([program, folder, *files], capture_output=True, text=True, check=True)
        reasons = dict(line.split("\t", 1) for line in said.stdout.splitlines())
        for index, path in enumerate(files):
            pictures = [pathlib.Path(folder, f"{index}-{number}.png") for number in range(3)]
            found = compare(path, pictures, reasons.get(str(index)))
            if found is None:
                agree += 1
            elif found != "no image":
                differ[pathlib.Path(path).name] = found
    for name, found in differ.items():
        print(f"{name}: {found} {EXPECTED.get(name, '')}")
    print(f"{agree} agree within one grey level, {len(differ)} do not")
    return 1 if set(differ) - set(EXPECTED) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
