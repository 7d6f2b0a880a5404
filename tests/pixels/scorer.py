"""What became of a picture: which lines are left, what else was changed, and the sums by class."""

import pathlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from pydicom import Dataset, dcmread

import dicomfile
from pictures import Line, Spec

# A line is removed when so much of its ink is other than it was.
REMOVED = 0.95
MARGIN = 12
# What is changed further from all text was taken for text itself.
FAR = 40
LOSSY_LEVELS = 6
# The codes of a refusal for what was seen, or may be seen, in the picture.
REFUSALS = {"deid.burned-in", "deid.text-found"}


@dataclass
class Written:
    """A picture as it lies in its folder; what is needed to judge what comes out of it."""

    spec: Spec
    lines: list[Line]
    blocks: list[tuple[int, int, int, int]]
    # One file for each instance, by Instance Number from 1, and its pixels as numbers; none where the file holds them as they are.
    files: list[pathlib.Path]
    stored: list[pathlib.Path | None]

    @property
    def lossy(self) -> bool:
        return self.spec.syntax == "jpeg"

    def pixels(self, number: int) -> np.ndarray:
        """What an instance shows, in an array of its own."""
        stored = self.stored[number - 1]
        return np.load(stored) if stored else dicomfile.pixels(dcmread(self.files[number - 1])).copy()


@dataclass
class Verdict:
    """What became of a picture."""

    spec: Spec
    lines: list[Line] = field(default_factory=list)
    left: list[Line] = field(default_factory=list)
    refused: int = 0
    sent: int = 0
    changed: int = 0
    # Pixels that are other than they were: beyond the margin of the text's blocks, far from these, and beyond that of single lines.
    beside_blocks: int = 0
    far_from_blocks: int = 0
    beside_lines: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def alarm(self) -> bool:
        """Whether a picture without text was refused or changed."""
        return bool(self.refused or self.changed)


def judge(written: Written, outputs: dict[int, pathlib.Path], codes: dict[int, str]) -> Verdict:
    """Judges a picture by its outputs, and the codes of what failed, by Instance Number."""
    lines = [line for line in written.lines if line.identifies]
    verdict = Verdict(written.spec, lines)
    shares = {id(line): 1.0 for line in lines}
    frames_before = 0
    for number in range(1, len(written.files) + 1):
        before = written.pixels(number)
        first, frames_before = frames_before, frames_before + len(before)
        if number not in outputs:
            verdict.refused += 1
            if codes.get(number) not in REFUSALS:
                verdict.faults.append(f"instance {number} is missing: {codes.get(number) or 'without a word'}")
            continue
        verdict.sent += 1
        after = _after(written.files[number - 1], outputs[number], before, verdict)
        if after is None:
            verdict.changed += 1
            continue
        other = _other(before, after, LOSSY_LEVELS if written.lossy and after is not before else 0)
        verdict.changed += bool(other.any())
        for line in lines:
            top, left, bottom, right = line.box
            for frame in line.frames:
                if first <= frame < first + len(before):
                    ink = other[frame - first, top:bottom, left:right][line.ink]
                    shares[id(line)] = min(shares[id(line)], float(ink.mean()))
        verdict.beside_blocks += _beside(other, written.blocks, MARGIN)
        verdict.far_from_blocks += _beside(other, written.blocks, FAR)
        verdict.beside_lines += _beside(other, [line.box for line in written.lines], MARGIN)
    verdict.left = [line for line in lines if shares[id(line)] < REMOVED]
    return verdict


def _after(source: pathlib.Path, output: pathlib.Path, before: np.ndarray, verdict: Verdict) -> np.ndarray | None:
    """The numbers of pixels that came out; those that went in where not a byte of them is other."""
    came, went = dcmread(source), dcmread(output)
    if _same_bytes(came, went):
        return before
    try:
        after = dicomfile.pixels(went)
    except Exception as error:  # noqa: BLE001 - whatever a decoder says
        verdict.faults.append(f"what came out cannot be read: {error}")
        return None
    if after.shape != before.shape or after.dtype.itemsize != before.dtype.itemsize:
        verdict.faults.append(f"what came out has another size: {after.shape} and not {before.shape}")
        return None
    return after


def _same_bytes(came: Dataset, went: Dataset) -> bool:
    syntaxes = [each.file_meta.TransferSyntaxUID.is_compressed for each in (came, went)]
    if syntaxes == [True, True]:
        return dicomfile.fragments(came) == dicomfile.fragments(went)
    return came.PixelData == went.PixelData


def _other(before: np.ndarray, after: np.ndarray, levels: int) -> np.ndarray:
    """Which pixels are other than they were, by frame."""
    other = np.abs(after.astype(np.int32) - before.astype(np.int32)) > levels
    return other.any(-1) if other.ndim == 4 else other


def _beside(other: np.ndarray, boxes: Iterable[tuple[int, int, int, int]], margin: int) -> int:
    """How many of the changed pixels lie further than a margin from all boxes."""
    beside = other.copy()
    for top, left, bottom, right in boxes:
        beside[:, max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin] = False
    return int(beside.sum())


@dataclass(frozen=True)
class Limit:
    """A share that must not be exceeded."""

    name: str
    counted: int
    of: int
    percent: float

    @property
    def holds(self) -> bool:
        return self.of > 0 and self.counted <= self.of * self.percent / 100

    def __str__(self) -> str:
        share = 100 * self.counted / self.of if self.of else 0.0
        return f"{self.name:<44}{self.counted:>6} of {self.of:>5} {share:>6.1f} %   at most {self.percent:g} %"


def limits(verdicts: list[Verdict]) -> list[Limit]:
    """What the whole run is held to."""
    text = [each for each in verdicts if each.spec.kind == "text"]
    free = [each for each in verdicts if each.spec.kind == "free" and not each.spec.by_rule]
    hard = [each for each in verdicts if each.spec.kind == "hard"]

    def left(contrast):
        chosen = [each for each in text if each.spec.contrast == contrast]
        return sum(len(each.left) for each in chosen), sum(len(each.lines) for each in chosen)

    def alarms(chosen):
        return sum(each.alarm for each in chosen), len(chosen)

    return [
        Limit("lines left, normal contrast", *left("normal"), 1),
        Limit("lines left, low contrast", *left("low"), 5),
        Limit("without text, changed or refused", *alarms(free), 3),
        Limit("made to fool, changed or refused", *alarms(hard), 15),
        # What is taken for text where there is none is so in pictures with text as well.
        Limit("with text, changed far from it", sum(each.far_from_blocks > 0 for each in text), len(text), 5),
        # Cells of 4 pixels end beside the ink, and what else is taken for text lies beside it too.
        Limit("pictures changed beside their text", sum(each.beside_blocks > 0 for each in text), len(text), 12),
        Limit("pictures with a fault", sum(bool(each.faults) for each in verdicts), len(verdicts), 0),
    ]


def table(verdicts: list[Verdict]) -> Iterable[str]:
    """Lines left by class and contrast, then by each other trait; alarms by class."""
    text = [each for each in verdicts if each.spec.kind == "text"]
    yield f"{'pictures with text':<42}{'pictures':>9}{'refused':>9}{'blanked':>9}{'as it was':>10}{'lines':>7}{'left':>6}{'%':>7}"
    for name in ("risky", "refused without a find", "other"):
        for contrast in ("normal", "low"):
            chosen = [each for each in text if _class(each.spec) == name and each.spec.contrast == contrast]
            yield _text_row(f"{name}, {contrast} contrast", chosen)
    for trait, key in TRAITS.items():
        yield f"by {trait}: " + ", ".join(_shares(text, key))
    yield ""
    yield f"{'pictures without text':<42}{'pictures':>9}{'refused':>9}{'changed':>9}{'%':>7}"
    rest = [each for each in verdicts if each.spec.kind != "text"]
    for name, kind in (("ordinary", "free"), ("made to fool", "hard")):
        for word, risky in (("risky", True), ("other", False)):
            chosen = [each for each in rest if each.spec.kind == kind and each.spec.risky == risky and not each.spec.by_rule]
            yield _free_row(f"{name}, {word}", chosen)
    yield _free_row("refused without a find, not judged", [each for each in rest if each.spec.by_rule])
    for kind, key in (("free", lambda spec: spec.scene), ("hard", lambda spec: spec.lure), ("hard", lambda spec: spec.scene)):
        chosen = [each for each in rest if each.spec.kind == kind and not each.spec.by_rule]
        keys = sorted({key(each.spec) for each in chosen})
        counts = [(name, [each for each in chosen if key(each.spec) == name]) for name in keys]
        yield f"{kind}: " + ", ".join(f"{name} {sum(each.alarm for each in group)}/{len(group)}" for name, group in counts)


def _class(spec: Spec) -> str:
    return "refused without a find" if spec.by_rule else "risky" if spec.risky else "other"


def _size(line: Line) -> str:
    return next(f"to {most} px" for most in (10, 14, 20, 32) if line.size <= most)


# What lines are counted by.
TRAITS = {
    "scene": lambda spec, line: spec.scene,
    "form": lambda spec, line: spec.form,
    "syntax": lambda spec, line: spec.syntax,
    "frames": lambda spec, line: spec.frames,
    "style": lambda spec, line: spec.style,
    "place": lambda spec, line: "turned" if spec.turned else "over the picture" if spec.over else "at the edge",
    "size": lambda spec, line: _size(line),
    "face": lambda spec, line: line.face,
}


def _shares(text, key):
    names = sorted({key(each.spec, line) for each in text for line in each.lines})
    for name in names:
        of = sum(key(each.spec, line) == name for each in text for line in each.lines)
        left = sum(key(each.spec, line) == name for each in text for line in each.left)
        yield f"{name} {left}/{of}"


def _text_row(name, chosen):
    lines, left = sum(len(each.lines) for each in chosen), sum(len(each.left) for each in chosen)
    refused = sum(not each.sent for each in chosen)
    blanked = sum(bool(each.sent and each.changed) for each in chosen)
    as_it_was = len(chosen) - refused - blanked
    share = 100 * left / lines if lines else 0.0
    return f"{name:<42}{len(chosen):>9}{refused:>9}{blanked:>9}{as_it_was:>10}{lines:>7}{left:>6}{share:>7.1f}"


def _free_row(name, chosen):
    refused, alarms = sum(bool(each.refused) for each in chosen), sum(each.alarm for each in chosen)
    share = 100 * alarms / len(chosen) if chosen else 0.0
    return f"{name:<42}{len(chosen):>9}{refused:>9}{alarms - refused:>9}{share:>7.1f}"


def misses(verdicts: list[Verdict]) -> Iterable[str]:
    """What went wrong, by the name of the picture."""
    for each in verdicts:
        spec = each.spec
        told = f"{spec.name} ({spec.scene}, {spec.form}, {spec.syntax}, {spec.frames}"
        told += f", flag {spec.flag})" if spec.flag else ")"
        for line in each.left:
            where = "turned, " if spec.turned else ""
            yield f"left: {told}: {where}{spec.style}, {line.face} {line.size} px, {line.contrast:.0f} levels, at {line.box}: {line.text}"
        if spec.kind != "text" and each.alarm and not spec.by_rule:
            what = "refused" if each.refused else "changed"
            yield f"alarm: {told}: {what}{', ' + spec.lure if spec.lure else ''}"
        if spec.kind == "text" and each.beside_blocks:
            yield f"{'far' if each.far_from_blocks else 'close'}: {told}: {each.beside_blocks} pixels beside the text"
        if each.faults:
            yield f"fault: {told}: {each.faults[0]}" + (f", and {len(each.faults) - 1} more" if each.faults[1:] else "")
