"""Text that stands in the pictures of these files, seen by eye once (`text.tsv`), and whether it is gone.

Of all other pictures none was seen to show text: where one is changed or refused for a find, that is an alarm.
"""

import fnmatch
import pathlib
import warnings
from dataclasses import dataclass

import numpy as np
from pydicom import dcmread

# Of the ink of a line, so much has to be other than it was.
GONE = 0.95
# Ink is further than this from the ground, as a share of all levels in the box.
INK = 0.4


@dataclass(frozen=True)
class Text:
    """A line of text.tsv: a pattern of files; columns and rows of a box around some lines; what stands there."""

    file: str
    left: int
    top: int
    right: int
    bottom: int
    what: str

    def is_gone(self, before: np.ndarray, after: np.ndarray) -> bool:
        was, is_now = (each[self.top : self.bottom, self.left : self.right] for each in (before, after))
        grey = was.astype(float).max(-1)
        ink = np.abs(grey - np.median(grey)) > INK * np.ptp(grey)
        return bool((was != is_now).any(-1)[ink].mean() >= GONE)


def read(path: pathlib.Path) -> list[Text]:
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [Text(file, *map(int, box), what) for file, *box, what in lines]


def of(file: str, texts: list[Text]) -> list[Text]:
    return [each for each in texts if fnmatch.fnmatchcase(file, each.file)]


def left(before: pathlib.Path, after: pathlib.Path, texts: list[Text]) -> list[str] | None:
    """What still stands in the first frame; None where it cannot be decoded here."""
    try:
        frames = [_first_frame(path) for path in (before, after)]
    except Exception:  # noqa: BLE001 - whatever a decoder that is not installed says
        return None
    return [each.what for each in texts if not each.is_gone(*frames)]


def _first_frame(path: pathlib.Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(path, force=True)
        pixels = dataset.pixel_array
    frame = pixels[0] if int(dataset.get("NumberOfFrames") or 1) > 1 else pixels
    return frame if dataset.SamplesPerPixel > 1 else frame[..., None]
