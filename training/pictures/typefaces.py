"""Lettering: outline typefaces, the X server's bitmap fonts and Hershey's strokes, out of Debian's packages.

Every way of writing gives a mask: 0 to 1, cut to its ink. Typefaces that are held out are never trained on.
"""

import glob
import gzip
import io
import math
import os
import tempfile

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PcfFontFile
from scipy import ndimage

FONTS = "/usr/share/fonts"
HERSHEY = "/usr/share/hershey-fonts"

HELD_OUT_OUTLINES = ("Roboto", "Inconsolata", "JetBrainsMono", "Courier Prime")
HELD_OUT_BITMAPS = ("lut",)

LATIN = (
    "DejaVuSans", "DejaVuSerif", "Liberation", "FreeSans", "FreeMono", "FreeSerif", "Hack", "OpenSans", "Cantarell",
    "FiraCode", "Lato", "NotoSans-", "NotoSerif-", "NotoSansMono", "NotoSansDisplay-", "NimbusSans", "NimbusMono", "NimbusRoman",
    "C059", "P052", "URWBookman", "URWGothic",
)
CYRILLIC = ("DejaVuSans", "DejaVuSerif", "Liberation", "FreeSans", "FreeMono", "FreeSerif", "NotoSans-", "NotoSerif-")
CJK = ("wqy", "ipag", "DroidSansFallback")
OTHER_SCRIPTS = {
    "NotoSansArabic-": (0x0627, 0x064A), "NotoSansHebrew-": (0x05D0, 0x05EA), "NotoSansDevanagari-": (0x0905, 0x0939),
    "NotoSansThai-": (0x0E01, 0x0E2E), "NotoSansGeorgian-": (0x10D0, 0x10F0), "NotoSansArmenian-": (0x0561, 0x0586),
}
#: Bitmap fonts that hold no letters, or none that are read from left to right.
NO_LETTERS = ("KOI", "ja", "ko", "rk", "symb", "olcursor", "olgl", "cursor", "deccurs", "decsess", "micro", "nil", "arabic",
              "hanglg", "jiskan", "gb", "k14", "term14", "cl", "open")
STROKES = ("futural", "futuram", "rowmans", "rowmand", "timesr", "timesrb")


def outlines():
    """Paths of outline typefaces by script: Latin, Cyrillic, CJK, others with their range, and those held out."""
    found = {"latin": [], "cyrillic": [], "cjk": [], "other": [], "held-out": []}
    files = glob.glob(f"{FONTS}/**/*.tt[fc]", recursive=True) + glob.glob(f"{FONTS}/**/*.otf", recursive=True)
    for path in sorted({os.path.realpath(path) for path in files}):
        name = os.path.basename(path)
        if any(word in name for word in ("Hairline", "Thin", "Symbol", "D050000L", "Z003", "Dingbats", "Math")):
            continue
        if name.startswith(HELD_OUT_OUTLINES):
            found["held-out"].append(path)
            continue
        if name.startswith(LATIN):
            found["latin"].append(path)
        if name.startswith(CYRILLIC):
            found["cyrillic"].append(path)
        if name.startswith(CJK):
            found["cjk"].append(path)
        for start, (first, last) in OTHER_SCRIPTS.items():
            if name.startswith(start):
                found["other"].append((path, first, last))
    return found


def bitmaps(held_out=False):
    """Paths of bitmap fonts with Latin letters."""
    found = []
    for folder in ("misc", "75dpi", "100dpi"):
        for path in sorted(glob.glob(f"{FONTS}/X11/{folder}/*.pcf.gz")):
            name = os.path.basename(path)
            other_letters = "ISO8859" in name and "ISO8859-1." not in name
            if not other_letters and not any(word in name for word in NO_LETTERS):
                if name.startswith(HELD_OUT_BITMAPS) == held_out:
                    found.append(path)
    return found


def hershey_glyphs(name):
    """The glyphs of a stroke font from code 32 on: width, and strokes as lists of points."""
    glyphs = []
    with open(f"{HERSHEY}/{name}.jhf", encoding="ascii", errors="replace") as file:
        lines = file.read().split("\n")
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        if len(line) < 8:
            continue
        count, body = int(line[5:8]), line[8:]
        while len(body) < 2 * count and at < len(lines):
            body, at = body + lines[at], at + 1

        def number(index, body=body):
            return ord(body[index]) - ord("R")

        left, right, strokes = number(0), number(1), [[]]
        for index in range(2, 2 * count, 2):
            if body[index:index + 2] == " R":
                strokes.append([])
            else:
                strokes[-1].append((number(index) - left, number(index + 1)))
        glyphs.append((right - left, [stroke for stroke in strokes if stroke]))
    return glyphs


class Typefaces:
    """All of them, opened when they are first used."""

    def __init__(self):
        self.outlines = outlines()
        self.bitmaps = bitmaps()
        self.held_out_bitmaps = bitmaps(held_out=True)
        missing = [kind for kind, paths in self.outlines.items() if not paths]
        if missing or not self.bitmaps:
            raise SystemExit(f"typefaces are missing ({', '.join(missing) or 'bitmaps'}): README.md names the packages")
        self.strokes = {name: hershey_glyphs(name) for name in STROKES}
        self._opened, self._missing = {}, {}
        self._folder = tempfile.mkdtemp(prefix="bitmaps-")

    def outline(self, path, size):
        key = (path, size)
        if key not in self._opened:
            if len(self._opened) > 2000:
                self._opened.clear()
            self._opened[key] = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        return self._opened[key]

    def writes(self, path, text):
        """Whether the typeface has every letter: a box in place of one is no text."""
        font, missing = self.outline(path, 16), self._missing.get(path)
        if missing is None:
            missing = self._missing[path] = {"": bytes(font.getmask("\uF8FE")), " ": False}
        for letter in set(text):
            if letter not in missing:
                missing[letter] = bytes(font.getmask(letter)) == missing[""]
        return not any(missing[letter] for letter in set(text))

    def bitmap(self, path):
        if path not in self._opened:
            with gzip.open(path) as file:
                font = PcfFontFile.PcfFontFile(io.BytesIO(file.read()), "iso8859-1")
            font.compile()
            place = os.path.join(self._folder, os.path.basename(path)[:-7])
            font.save(place)
            self._opened[path] = ImageFont.load(place + ".pil")
        return self._opened[path]


def cut_to_ink(mask):
    ink = mask > 0.1
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows) or not len(columns):
        return None
    return mask[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]


class Lettering:
    """One way of writing: typeface, size in pixels, smoothing, spacing. `kind` is one of outline, bitmap, strokes,
    cyrillic, cjk and other."""

    def __init__(self, random, faces, held_out=False, size=None, kind=None):
        chance = random.random()
        self.random, self.faces = random, faces
        # Most overlays are small; below 7 pixels letters are hardly letters any more.
        small = random.random() < 0.45
        self.size = size or round(random.uniform(6.5, 11.5) if small else math.exp(random.uniform(math.log(9), math.log(44))))
        kinds = ((0.50, "outline"), (0.76, "bitmap"), (0.85, "strokes"), (0.90, "cyrillic"), (0.96, "cjk"), (1.0, "other"))
        self.kind = kind or next(name for upper, name in kinds if chance <= upper)
        if held_out and self.kind != "bitmap":
            self.kind = "outline"
        choices = {
            "outline": faces.outlines["held-out" if held_out else "latin"],
            "bitmap": faces.held_out_bitmaps if held_out else faces.bitmaps,
            "strokes": list(faces.strokes),
            "cyrillic": faces.outlines["cyrillic"],
            "cjk": faces.outlines["cjk"],
            "other": faces.outlines["other"],
        }
        self.face = random.choice(choices[self.kind])
        if self.kind in ("cjk", "other"):
            self.size = max(self.size, 11)
        self.jagged = random.random() < 0.35
        self.doubled = self.size >= 16 and random.random() < 0.14
        self.spacing = random.choice([0, 0, 0, 0, 0, 0, 1, 2]) if self.kind == "outline" else 0
        self.squeeze = random.uniform(0.55, 0.9) if self.kind in ("outline", "strokes") and random.random() < 0.2 else 1.0
        self.enlarged = random.choice([1, 1, 1, 1, 2, 2, 3]) if self.kind == "bitmap" else 1
        self.line_width = max(1, round(self.size / random.uniform(9, 18)))

    def mask(self, text):
        """The ink of a line, or none where the typeface cannot write it."""
        try:
            drawn = {"bitmap": self._bitmap, "strokes": self._strokes}.get(self.kind, self._outline)(text)
        except (OSError, ValueError, UnicodeError, KeyError, IndexError):
            return None
        if drawn is None or not drawn.size:
            return None
        if self.squeeze < 1:
            height, width = drawn.shape
            image = Image.fromarray((drawn * 255).astype(np.uint8)).resize((max(1, int(width * self.squeeze)), height), Image.BOX)
            drawn = np.asarray(image, np.float32) / 255
        return cut_to_ink(drawn)

    def _bitmap(self, text):
        mask = self.faces.bitmap(self.face).getmask(text.encode("latin-1", "replace").decode("latin-1"), mode="L")
        drawn = np.array(mask, np.float32).reshape(mask.size[1], mask.size[0]) / 255
        return np.kron(drawn, np.ones((self.enlarged, self.enlarged), np.float32))

    def _strokes(self, text):
        glyphs, scale, at, segments = self.faces.strokes[self.face], self.size / 28, 4.0, []
        fine = 1 if self.jagged else 2
        for character in text:
            index = ord(character) - 32
            if 0 <= index < len(glyphs):
                width, strokes = glyphs[index]
                for stroke in strokes:
                    segments.append([((at + x * scale) * fine, (y * scale + self.size) * fine) for x, y in stroke])
                at += width * scale
        image = Image.new("L", (int((at + 6) * fine), int(self.size * 2.2 * fine)), 0)
        draw = ImageDraw.Draw(image)
        for segment in segments:
            if len(segment) > 1:
                draw.line(segment, fill=255, width=self.line_width * fine)
            else:
                draw.point(segment, fill=255)
        if fine > 1:
            image = image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.BOX)
        return np.asarray(image, np.float32) / 255

    def _outline(self, text):
        size = self.size // 2 if self.doubled else self.size
        path = self.face[0] if self.kind == "other" else self.face
        if not self.faces.writes(path, text):
            return None
        font = self.faces.outline(path, max(6, size))
        if self.spacing:
            width = int(font.getlength(text) + self.spacing * len(text)) + 8
            image = Image.new("L", (width, size * 2 + 8), 0)
            draw, at = ImageDraw.Draw(image), 0
            draw.fontmode = "1" if self.jagged else "L"
            for character in text:
                draw.text((at, 2), character, font=font, fill=255)
                at += font.getlength(character) + self.spacing
            drawn = np.asarray(image, np.float32) / 255
        else:
            mask = font.getmask(text, mode="1" if self.jagged else "L")
            if 0 in mask.size:
                return None
            drawn = np.array(mask, np.float32).reshape(mask.size[1], mask.size[0]) / 255
        if self.doubled:
            drawn = np.kron(drawn, np.ones((2, 2), np.float32))
            if self.random.random() < 0.5:
                drawn = ndimage.uniform_filter(drawn, 2)
        return drawn
