"""Two judges of files: dciodvfy of dicom3tools, and highdicom. Each knows nothing of fwupload."""

import collections
import pathlib
import re
import shutil
import subprocess
import tempfile
import warnings

import highdicom
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

VALIDATOR = "dciodvfy"
LONGEST = 60
STORAGE = "1.2.840.10008.5.1.4.1.1."

# What differs from file to file, or is a value: numbers of items, values, UIDs, figures.
ITEMS = re.compile(r"\[\d+\]")
VALUES = re.compile(r'= <.*?>(?= - |$)|= <.*|"[^"]*"(?!\))|<?\b\d+(?:\.\d+){3,}\b>?')
FIGURES = re.compile(r"(?<![\w,(])(?<!Type )-?\d+(?:\.\d+)?\b")
# Said where the file cannot be read to its end: what follows says nothing about its attributes.
UNREADABLE = re.compile(r"Dicom dataset read failed|Tag read failed|Tags out of order|Information Object Not found")


def can_validate() -> bool:
    return shutil.which(VALIDATOR) is not None


def errors(path: pathlib.Path) -> collections.Counter:
    """dciodvfy's errors, without what is a value in them, and how often each occurs.

    What dciodvfy cannot read, deflated and bare data sets among it, is judged as pydicom writes it.
    """
    found = _errors(path)
    if not unreadable(found):
        return found
    with tempfile.NamedTemporaryFile(suffix=".dcm") as copy, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = dcmread(path, force=True)
            plain = not dataset.file_meta.get("TransferSyntaxUID") or dataset.file_meta.TransferSyntaxUID.is_deflated
            if plain:
                dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.save_as(copy.name, enforce_file_format=True)
        except Exception:  # noqa: BLE001 - then there is nothing better than the file itself
            return found
        return _errors(pathlib.Path(copy.name))


def _errors(path):
    try:
        done = subprocess.run([VALIDATOR, "-new", path], capture_output=True, errors="replace", timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return collections.Counter({"Error - takes too long": 1})
    lines = (done.stdout + done.stderr).splitlines()
    return collections.Counter(normal(line) for line in lines if line.startswith("Error"))


def normal(line: str) -> str:
    line = VALUES.sub("", ITEMS.sub("", line.removeprefix("Error - ")))
    return re.sub(r" +", " ", FIGURES.sub("N", line)).strip()


def unreadable(found: collections.Counter) -> bool:
    return any(UNREADABLE.search(error) for error in found)


def opened(path: pathlib.Path) -> str:
    """What keeps highdicom from opening a file with the reader for its kind; nothing where it opens it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _open(path)
        except Exception as error:  # noqa: BLE001 - whatever it is, the file was not opened
            return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def _open(path: pathlib.Path) -> None:
    kind = dcmread(path, stop_before_pixels=True).SOPClassUID
    for prefix, read in READERS.items():
        if kind.startswith(STORAGE + prefix):
            read(path)
            return


def _map(path: pathlib.Path) -> None:
    highdicom.pm.ParametricMap.from_dataset(dcmread(path))


def _key_objects(path: pathlib.Path) -> None:
    highdicom.ko.KeyObjectSelectionDocument.from_dataset(dcmread(path))


def _image(path: pathlib.Path) -> None:
    highdicom.imread(path).get_frame(1, apply_real_world_transform=False)


# By what follows the root of storage classes; the first that fits.
READERS = {
    "66.4": highdicom.seg.segread,
    "66.7": highdicom.seg.segread,
    "88.59": _key_objects,
    "88.22": highdicom.sr.srread,
    "88.33": highdicom.sr.srread,
    "88.34": highdicom.sr.srread,
    "91.1": highdicom.ann.annread,
    "30": _map,
    "2": _image,
    "4": _image,
    "1": _image,
    "7": _image,
    "3.1": _image,
    "6.1": _image,
    "77": _image,
    "128": _image,
}
