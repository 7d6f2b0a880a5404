"""Lettering: outline typefaces out of packages and the bitmap fonts of `glyphs`, none of which the training saw.

A text becomes a mask: 0 to 1, cut to its ink.
"""

import functools
import importlib.util
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from glyphs import EIGHT, FIVE

# Package, file, and the weight and width of a variable font.
OUTLINES = {
    "aileron": None,
    "barlow-condensed": ("fontpkg_barlow_condensed", "BarlowCondensed-Medium.ttf", {}),
    "plex-mono": ("fontpkg_ibm_plex_mono", "IBMPlexMono-Medium.ttf", {}),
    "plex-sans": ("fontpkg_ibm_plex_sans", "IBMPlexSans[wdth,wght].ttf", {"Weight": 450}),
    "pt-sans-narrow": ("fontpkg_pt_sans_narrow", "PT_Sans-Narrow-Web-Regular.ttf", {}),
    "roboto": ("fontpkg_roboto", "Roboto[wdth,wght].ttf", {"Weight": 400}),
    "roboto-bold": ("fontpkg_roboto", "Roboto[wdth,wght].ttf", {"Weight": 700}),
    "roboto-narrow": ("fontpkg_roboto", "Roboto[wdth,wght].ttf", {"Weight": 450, "Width": 75}),
    "space-mono": ("fontpkg_space_mono", "SpaceMono-Regular.ttf", {}),
    "work-sans": ("fontpkg_work_sans", "WorkSans[wght].ttf", {"Weight": 450}),
    "zilla-slab": ("fontpkg_zilla_slab", "ZillaSlab-Medium.ttf", {}),
}
# Narrow faces cannot be read when they are smaller.
SMALLEST = {"barlow-condensed": 12, "pt-sans-narrow": 12, "roboto-narrow": 12}
BITMAPS = {"5x7": FIVE, "8x8": EIGHT}
FACES = (*OUTLINES, *BITMAPS)


@functools.cache
def _outline(face: str, size: int) -> ImageFont.FreeTypeFont:
    if not OUTLINES[face]:
        return ImageFont.load_default(size)
    package, file, axes = OUTLINES[face]
    folder = pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])
    font = ImageFont.truetype(folder / "files" / file, size, layout_engine=ImageFont.Layout.BASIC)
    if axes:
        known = [(each["name"].decode() if isinstance(each["name"], bytes) else each["name"], each) for each in font.get_variation_axes()]
        font.set_variation_by_axes([axes.get(name, axis["default"]) for name, axis in known])
    return font


def lettered(text: str, font: dict[str, str], scale: int) -> np.ndarray:
    """The mask of a text, 0 or 1, in a whole multiple of the glyphs' size. Letters become capitals; what has no glyph, a space."""
    width = 5 if font is FIVE else 8
    columns = []
    for letter in text.upper():
        rows = [int(row, 16) for row in font.get(letter, "00 " * (7 if font is FIVE else 8)).split()]
        columns += [[row >> bit & 1 for row in rows] for bit in reversed(range(width))]
        columns += [[0] * len(rows)] if font is FIVE else []
    mask = np.array(columns, np.float32).T
    return np.kron(mask, np.ones((scale, scale), np.float32))


def write(text: str, face: str, size: int, smooth: bool) -> np.ndarray:
    """A line of text of some `size` pixels, with smooth edges or without."""
    if face in BITMAPS:
        mask = lettered(text, BITMAPS[face], max(1, min(3, round(size / 9))))
    else:
        font = _outline(face, size)
        left, top, right, bottom = font.getbbox(text)
        # Without smooth edges letters stand further apart.
        canvas = Image.new("L", (2 * (right - left) + 8, bottom - top + 8))
        pen = ImageDraw.Draw(canvas)
        pen.fontmode = "L" if smooth else "1"
        pen.text((4 - left, 4 - top), text, font=font, fill=255)
        mask = np.asarray(canvas, np.float32) / 255
    rows, columns = np.nonzero((mask > 0.2).any(1))[0], np.nonzero((mask > 0.2).any(0))[0]
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
