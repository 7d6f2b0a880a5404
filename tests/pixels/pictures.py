"""The pictures: what each one shows, where its text stands, and how its levels are stored.

A picture depends on its name and the seed alone: `text-0137` is the same one in a run of 250 and in one of 5,000.
"""

import hashlib
import random
from dataclasses import dataclass, field

import numpy as np

import lettering
import scenes
import words
from lures import LURES
from scenes import Chance

EXPLICIT, IMPLICIT, RLE = "explicit", "implicit", "rle"
JPEG, JPEG_LOSSLESS, JPEG_2000 = "jpeg", "jpeg-lossless", "jpeg-2000"
LOSSLESS_GREY = (EXPLICIT, EXPLICIT, IMPLICIT, RLE, JPEG_2000, JPEG_LOSSLESS)
# How levels are stored, and what they may be compressed with.
FORMS = {
    "grey8": (*LOSSLESS_GREY, JPEG),
    "inverse8": (EXPLICIT, IMPLICIT, RLE, JPEG),
    "grey12": LOSSLESS_GREY,
    "inverse12": (EXPLICIT, RLE, JPEG_2000),
    "signed": (EXPLICIT, IMPLICIT, RLE, JPEG_2000),
    "beyond window": (EXPLICIT, IMPLICIT, RLE, JPEG_2000),
    "high bits": (EXPLICIT, IMPLICIT, RLE),
    "palette": (EXPLICIT, IMPLICIT, RLE),
    "rgb": (EXPLICIT, IMPLICIT, RLE, JPEG, JPEG_2000),
    "rgb planes": (EXPLICIT, IMPLICIT, RLE),
}
# Where ink has no shades: it is one stored value.
HARD_INK = {"beyond window", "high bits", "palette"}
LEAST_INK, MOST_INK = 12, 243
FRAMES, SLICES = 8, 12


@dataclass(frozen=True)
class Scene:
    """A kind of picture: what is drawn, and what its header says."""

    paint: object
    sop_class: str
    modality: str
    forms: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    # Its kind often shows text: every frame is looked at, and finds are blanked.
    risky: bool
    # Nothing found is no proof: without a find it is refused by rule.
    needs_find: bool = False
    # A device that says that there is no text is believed.
    believed: bool = False
    frames: tuple[str, ...] = ("one",)
    extra: tuple[tuple[str, object], ...] = ()


SMALL, MIDDLE, LARGE = (256, 256), (512, 512), (1400, 1120)
GREY = ("grey8", "grey12", "signed", "beyond window", "high bits")
SCREEN_SAVE = ("ImageType", ["DERIVED", "SECONDARY", "SCREEN SAVE"])
SCENES = {
    "ultrasound": Scene(
        scenes.ultrasound, "1.2.840.10008.5.1.4.1.1.6.1", "US", ("grey8", "rgb", "rgb planes", "palette"),
        ((480, 640), (576, 768), (384, 512)), True, frames=("one", "one", "clip", "some"),
    ),
    "ct": Scene(scenes.ct, "1.2.840.10008.5.1.4.1.1.2", "CT", GREY, (MIDDLE, MIDDLE, (288, 320)), False, frames=("one", "one", "series")),
    "mr": Scene(
        scenes.mr, "1.2.840.10008.5.1.4.1.1.4", "MR", ("grey8", "grey12", "grey12", "high bits"), (SMALL, MIDDLE, (320, 320)), False,
        frames=("one", "series", "clip"),
    ),
    "chest": Scene(
        scenes.chest, "1.2.840.10008.5.1.4.1.1.1.1", "DX", ("grey12", "inverse12", "grey8", "inverse8", "beyond window"),
        ((768, 640), (900, 800), LARGE), False,
    ),
    "mammogram": Scene(
        scenes.mammogram, "1.2.840.10008.5.1.4.1.1.1.2", "MG", ("grey12", "inverse12", "grey8"), ((1024, 768), (800, 640), LARGE), False
    ),
    "xa": Scene(
        scenes.xa, "1.2.840.10008.5.1.4.1.1.12.1", "XA", ("grey8", "grey8", "grey12", "inverse8", "high bits"), (MIDDLE, (384, 384)), True,
        frames=("one", "one", "clip"),
    ),
    "endoscopy": Scene(
        scenes.endoscopy, "1.2.840.10008.5.1.4.1.1.77.1.1", "ES", ("rgb", "rgb", "rgb planes"), ((480, 640), (576, 720)), True,
        believed=True,
    ),
    "photograph": Scene(
        scenes.photograph, "1.2.840.10008.5.1.4.1.1.77.1.4", "XC", ("rgb", "rgb planes"), ((480, 640), MIDDLE), True, believed=True
    ),
    "capture": Scene(
        scenes.capture, "1.2.840.10008.5.1.4.1.1.7", "OT", ("rgb", "grey8", "palette"), ((480, 640), (600, 800)), True, True,
        extra=(SCREEN_SAVE, ("ConversionType", "WSD")),
    ),
    "dose": Scene(
        scenes.dose, "1.2.840.10008.5.1.4.1.1.7", "CT", ("grey8", "grey8", "rgb"), (MIDDLE,), True, True,
        extra=(("SeriesDescription", "Dose Report"),),
    ),
    "document": Scene(
        scenes.document, "1.2.840.10008.5.1.4.1.1.7", "OT", ("grey8", "inverse8"), ((800, 600), LARGE), True, True,
        extra=(("ConversionType", "SD"),),
    ),
}  # fmt: skip
TEXT_ORDER = (
    "ultrasound", "ct", "mr", "chest", "endoscopy", "xa", "ultrasound", "mammogram", "ct", "mr", "photograph", "ultrasound", "capture",
    "chest", "dose", "document", "endoscopy",
)  # fmt: skip
FREE_ORDER = (
    "ultrasound", "ct", "mr", "chest", "xa", "endoscopy", "mammogram", "ct", "ultrasound", "mr", "photograph", "xa", "chest", "capture",
    "ultrasound", "mr", "ct", "endoscopy", "dose", "document",
)  # fmt: skip
LURED = ("ct", "ultrasound", "xa", "chest", "mr", "endoscopy", "ct", "xa", "mammogram", "photograph")


@dataclass(frozen=True)
class Spec:
    """What a picture is to be."""

    name: str
    kind: str
    scene: str
    form: str
    syntax: str
    frames: str
    size: tuple[int, int]
    flag: str = ""
    # Of pictures with text: `normal` or `low` contrast, and how it is written.
    contrast: str = ""
    style: str = ""
    over: bool = False
    turned: bool = False
    lure: str = ""
    seed: int = 1

    @property
    def risky(self) -> bool:
        """Whether the header says that there may be text."""
        scene = SCENES[self.scene]
        return self.flag == "YES" or (scene.risky and not (self.flag == "NO" and scene.believed))

    @property
    def by_rule(self) -> bool:
        """Whether it is refused where nothing is found."""
        return SCENES[self.scene].needs_find or self.flag == "YES"

    @property
    def number(self) -> int:
        """A number that no other picture has."""
        return {"text": 1, "free": 2, "hard": 3}[self.kind] * 100_000 + int(self.name.rpartition("-")[2])


@dataclass
class Line:
    """A line of text: its box as top, left, bottom, right; which of the box's pixels are ink; and the frames in which it stands."""

    text: str
    box: tuple[int, int, int, int]
    ink: np.ndarray
    frames: range
    face: str
    size: int
    # The ink's mean difference from its ground, in levels of 255.
    contrast: float
    identifies: bool = True


@dataclass
class Picture:
    """A picture as it is stored: one array for each instance, of frames, rows, columns and, where there are colours, samples."""

    spec: Spec
    stored: list[np.ndarray]
    lines: list[Line] = field(default_factory=list)
    # Boxes of blocks of lines: what lies between lines of a block may be blanked with them.
    blocks: list[tuple[int, int, int, int]] = field(default_factory=list)
    palette: np.ndarray | None = None


def seeded(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "big")


def specify(name: str, seed: int) -> Spec:
    """What the picture of this name is."""
    kind, index = name.split("-")[0], int(name.split("-")[1])
    chance = random.Random(seeded("spec", seed, name))
    order = {"text": TEXT_ORDER, "free": FREE_ORDER, "hard": LURED}[kind]
    scene_name = order[index % len(order)]
    scene = SCENES[scene_name]
    form = chance.choice(scene.forms)
    contrast = "" if kind != "text" else "low" if index % 3 == 2 and form not in HARD_INK else "normal"
    style = ""
    if kind == "text":
        style = chance.choice(("bright", "bright", "bright", "dark", "boxed", "coloured" if form.startswith("rgb") else "bright"))
        style = "bright" if form in HARD_INK else style
    flags = {"text": ("",) * 9 + ("NO",) * 10 + ("YES",), "free": ("", "", "NO"), "hard": ("", "NO")}[kind]
    syntax, frames = chance.choice(FORMS[form]), chance.choice(scene.frames)
    if frames != "one" and syntax == JPEG_2000:
        # Many frames take long to compress.
        syntax = chance.choice(FORMS[form])
    if frames == "some" and kind != "text":
        frames = "clip"
    return Spec(
        name, kind, scene_name, form, syntax, frames,
        chance.choice(scene.sizes) if frames == "one" else min(scene.sizes), chance.choice(flags), contrast, style,
        over=bool(style) and chance.random() < 0.3, turned=bool(style) and chance.random() < 0.08,
        lure=list(LURES)[index % len(LURES)] if kind == "hard" else "", seed=seed,
    )  # fmt: skip


def paint(spec: Spec) -> Picture:
    """The picture itself."""
    instances, frames = (SLICES, 1) if spec.frames == "series" else (1, FRAMES if spec.frames in {"clip", "some"} else 1)
    marks = []
    levels = [_ground(spec, number, instances * frames, marks) for number in range(instances * frames)]
    lines, blocks = [], []
    if spec.kind == "text":
        lines, blocks = Writer(spec, levels, marks).write()
    stored, palette = store(spec, levels, lines)
    stored = [stored] if instances == 1 else [stored[number : number + 1] for number in range(instances)]
    return Picture(spec, stored, lines, blocks, palette)


def _ground(spec: Spec, number: int, count: int, marks: list) -> np.ndarray:
    """One frame without its text. Adds the boxes of single letters to the marks."""
    chance = Chance(
        np.random.default_rng(seeded("shape", spec.seed, spec.name)), np.random.default_rng(seeded("noise", spec.seed, spec.name, number))
    )
    frame = np.ascontiguousarray(SCENES[spec.scene].paint(chance, *spec.size, number / max(1, count - 1)), np.float32)
    # The marks are those of the device: the same in all frames, whatever the scene took from its generator.
    chance = Chance(np.random.default_rng(seeded("marks", spec.seed, spec.name)), chance.noise)
    letters, light = scenes.furniture(chance, frame)
    for letter, (row, column) in letters:
        mask = lettering.write(letter, "aileron", 16, True)
        top, left = int(row * (spec.size[0] - 20)) + 2, int(column * (spec.size[1] - 20)) + 2
        _lay(frame, mask, (top, left), light)
        marks.append((top, left, top + mask.shape[0], left + mask.shape[1]))
    if spec.lure:
        grey = frame if frame.ndim == 2 else frame.mean(-1)
        lured = LURES[spec.lure](chance, grey.copy(), chance.between(110, 235))
        frame = np.ascontiguousarray(lured if frame.ndim == 2 else frame + (lured - grey)[..., None], np.float32)
    if spec.form.startswith("rgb") and frame.ndim == 2:
        frame = np.repeat(frame[..., None], 3, -1)
    elif not spec.form.startswith("rgb") and frame.ndim == 3:
        frame = frame.mean(-1)
    return np.clip(frame, 0, 250)


def _lay(frame, mask, at, ink):
    """Lays ink over a frame: a level, or one for each sample."""
    part = frame[at[0] : at[0] + mask.shape[0], at[1] : at[1] + mask.shape[1]]
    share = mask if frame.ndim == 2 else mask[..., None]
    part[...] = part * (1 - share) + np.asarray(ink, np.float32) * share


class Writer:
    """Writes blocks of lines onto the frames of a picture, where they can be read."""

    def __init__(self, spec: Spec, levels: list[np.ndarray], marks: list):
        self.spec, self.levels, self.marks = spec, levels, marks
        self.chance = random.Random(seeded("text", spec.seed, spec.name))
        frames = np.stack(levels[:: max(1, len(levels) // 3)])
        grey = frames if frames.ndim == 3 else frames.mean(-1)
        # What any of the frames shows, and how much it differs: text has to be readable in all of them.
        self.mean, self.frames = grey.mean(0), grey
        self.lines, self.blocks = [], []

    def write(self):
        count = self.chance.choice((1, 1, 2, 2, 3, 3, 4, 5))
        texts = words.identity(self.chance, count)
        at = self.chance.randint(1, count)
        self._block(texts[:at])
        if texts[at:]:
            self._block(texts[at:])
        if self.chance.random() < 0.25:
            self._block([words.settings(self.chance)], identify=False)
        return self.lines, self.blocks

    def _block(self, texts, identify=True):
        """Tries places, sizes and ways of writing until one can be read; a plain box under it always can."""
        chance, spec = self.chance, self.spec
        for attempt in range(60):
            style = "boxed" if attempt >= 45 else spec.style
            if attempt % 5 == 0:
                face = chance.choice(lettering.FACES)
                size = max(self._size(attempt), lettering.SMALLEST.get(face, 0))
                smooth = size > 10 and chance.random() < 0.7 and spec.form not in HARD_INK
                masks = [lettering.write(text, face, size, smooth) for text in texts]
            pitch = max(mask.shape[0] for mask in masks) + round(size * chance.uniform(0.25, 0.7))
            block = _stacked(masks, pitch, right=chance.random() < 0.3)
            if spec.turned:
                turns = chance.choice((1, 3))
                block = [(np.rot90(mask, turns), _turned(place, mask.shape, block, turns)) for mask, place in block]
            height = max(top + mask.shape[0] for mask, (top, _) in block)
            width = max(left + mask.shape[1] for mask, (_, left) in block)
            if height > spec.size[0] - 24 or width > spec.size[1] - 24:
                continue
            top, left = self._place(height, width)
            whole = top, left, top + height, left + width
            if any(_near(whole, other, 16) for other in self.blocks) or any(_near(whole, mark, 32) for mark in self.marks):
                continue
            contrast = chance.uniform(23, 37) if spec.contrast == "low" else chance.choice((66, 80, 100, 130, 160))
            if self._ink(style, block, (top, left), whole, contrast, texts, (face, size), identify):
                return
        # Nowhere: as few words as there are. What is second has to fit beside the first, or is left out.
        if identify and not self.lines:
            self._block([min(texts, key=len)])

    def _size(self, attempt):
        """In pixels; larger pictures have larger text, and what does not fit is tried smaller."""
        sizes = (18, 20, 22, 24, 28, 32) if min(self.spec.size) > 1000 else (8, 9, 10, 11, 12, 12, 13, 14, 14, 16, 16, 18, 20, 24, 28, 32)
        return self.chance.choice(sizes[: max(4, len(sizes) - attempt // 4)])

    def _place(self, height, width):
        rows, columns = self.spec.size
        if self.spec.over:
            return self.chance.randint(12, rows - height - 12), self.chance.randint(12, columns - width - 12)
        edge = self.chance.randint(12, 22)
        return self.chance.choice((edge, rows - height - edge)), self.chance.choice((edge, columns - width - edge))

    def _ink(self, style, block, at, whole, contrast, texts, writing, identify):
        """Writes a block where its contrast can be had on all of its ground; says whether it could."""
        spec, chance = self.spec, self.chance
        ground = self.mean[whole[0] : whole[2], whole[1] : whole[3]]
        boxed = style == "boxed"
        level = float(ground.mean())
        grow = chance.randint(3, 7)
        if boxed:
            level = chance.choice((LEAST_INK + 3, 30, 60, 190, 225, MOST_INK - 3))
        direction = -1 if (style == "dark" or (boxed and level > 128)) else 1
        if not boxed and not self._readable(block, at, level, contrast):
            return False
        shares = [float(mask[mask >= 0.5].mean()) for mask, _ in block]
        ink = level + direction * contrast / min(shares)
        if style == "coloured":
            ink = _hue(chance, level, contrast / min(shares))
        if np.min(ink) < LEAST_INK or np.max(ink) > MOST_INK:
            return False
        if spec.form == "signed" and abs(float(np.mean(ink)) - 64) < 3:
            return False
        frames = self._frames()
        for number in frames:
            frame = self.levels[number]
            if boxed:
                frame[whole[0] - grow : whole[2] + grow, whole[1] - grow : whole[3] + grow] = level
            for mask, (top, left) in block:
                if spec.form in HARD_INK:
                    mask = (mask >= 0.5).astype(np.float32)
                _lay(frame, mask, (at[0] + top, at[1] + left), ink)
        for text, (mask, (top, left)) in zip(texts, block, strict=True):
            top, left = at[0] + top, at[1] + left
            box = top, left, top + mask.shape[0], left + mask.shape[1]
            real = np.abs(np.asarray(ink, np.float32) - level).max() * float(mask[mask >= 0.5].mean())
            self.lines.append(Line(text, box, mask >= 0.5, frames, *writing, float(real), identify))
        self.blocks.append(whole)
        return True

    def _readable(self, block, at, level, contrast):
        """Whether the ground of each line is even enough: the same all along, and with less noise than half of the contrast."""
        for mask, (top, left) in block:
            rows, columns = slice(at[0] + top, at[0] + top + mask.shape[0]), slice(at[1] + left, at[1] + left + mask.shape[1])
            here = self.frames[:, rows, columns]
            parts = np.array_split(here, 8, axis=2 if mask.shape[1] > mask.shape[0] else 1)
            if here.std() > 0.45 * contrast or max(abs(float(part.mean()) - level) for part in parts) > 0.3 * contrast:
                return False
        return True

    def _frames(self):
        count = len(self.levels)
        if self.spec.frames != "some":
            return range(count)
        if not self.lines:
            start = self.chance.randint(1, count - 4)
            self.some = range(start, start + self.chance.randint(1, 3))
        return self.some


def _stacked(masks, pitch, right):
    """Lines one below the other, at the left or at the right, with their places in the block."""
    width = max(mask.shape[1] for mask in masks)
    return [(mask, (number * pitch, width - mask.shape[1] if right else 0)) for number, mask in enumerate(masks)]


def _turned(place, shape, block, turns):
    """Where a line of a block comes to stand when all of it is turned by a quarter, against the clock or three times that."""
    height = max(top + mask.shape[0] for mask, (top, _) in block)
    width = max(left + mask.shape[1] for mask, (_, left) in block)
    top, left = place
    return (width - left - shape[1], top) if turns == 1 else (left, height - top - shape[0])


def _near(one, other, distance):
    return one[0] - distance < other[2] and other[0] - distance < one[2] and one[1] - distance < other[3] and other[1] - distance < one[3]


def _hue(chance, level, contrast):
    """A colour of the same brightness as a grey ground: one sample differs by the contrast, the others make up for it."""
    weights = np.array([0.299, 0.587, 0.114])
    first, second = chance.choice(((0, 1), (2, 1), (0, 2)))
    change = np.zeros(3)
    change[first] = chance.choice((-1, 1)) * contrast
    change[second] = -change[first] * weights[first] / weights[second]
    if np.abs(change).max() > contrast:
        change *= contrast / np.abs(change).max()
    return level + change


# How levels are stored


def store(spec: Spec, levels: list[np.ndarray], lines: list[Line]) -> tuple[np.ndarray, np.ndarray | None]:
    """Frames as stored numbers, and the palette where there is one."""
    frames = np.stack(levels)
    byte = np.clip(np.rint(frames), 0, 255).astype(np.uint8)
    twelve = np.clip(np.rint(frames * (4095 / 255)), 0, 4095).astype(np.int32)
    form = spec.form
    if form in {"grey8", "rgb", "rgb planes"}:
        return byte, None
    if form == "inverse8":
        return 255 - byte, None
    if form == "grey12":
        return twelve.astype(np.uint16), None
    if form == "inverse12":
        return (4095 - twelve).astype(np.uint16), None
    if form == "signed":
        stored = (twelve - 1024).astype(np.int16)
        stored[:, _outside(spec.size) & ~_written(spec.size, lines)] = -2000
        return stored, None
    if form == "beyond window":
        stored = np.clip(twelve - 1024, -1024, 3071).astype(np.int16)
        return _with_ink(stored, lines, lambda old: np.full_like(old, 32767)), None
    if form == "high bits":
        bit = 1 << random.Random(seeded("bit", spec.seed, spec.name)).randint(12, 15)
        return _with_ink(twelve.astype(np.uint16), lines, lambda old: old | bit), None
    if form == "palette":
        chance = random.Random(seeded("palette", spec.seed, spec.name))
        ramp = np.clip(np.arange(256) * 255 / 180, 0, 255)
        palette = np.stack([ramp] * 3, -1)
        palette[190:] = [chance.choice(((250, 230, 40), (60, 240, 90), (80, 220, 250), (255, 255, 255))) for _ in range(66)]
        indices = np.clip(np.rint(frames * (180 / 255)), 0, 180).astype(np.uint8)
        return _with_ink(indices, lines, lambda old: np.full_like(old, chance.randint(190, 250))), palette.astype(np.uint8)
    raise ValueError(form)


def _outside(size):
    """What lies outside of the circle of reconstruction."""
    return scenes.ellipse(*size, (0.5, 0.5), (0.5, 0.5)) > 1


def _written(size, lines):
    """The pixels of ink. Text in the padding stands on the padding's own value."""
    mask = np.zeros(size, bool)
    for line in lines:
        mask[line.box[0] : line.box[2], line.box[1] : line.box[3]] |= line.ink
    return mask


def _with_ink(stored, lines, change):
    for line in lines:
        for number in line.frames:
            part = stored[number, line.box[0] : line.box[2], line.box[1] : line.box[3]]
            part[line.ink] = change(part[line.ink])
    return stored
