"""Tools whose score is known beforehand, which prove the scorer: one does nothing, one refuses all, one blanks exactly the text,
and others do that but for one mistake."""

import pathlib
from collections.abc import Callable, Iterator

from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from scorer import Limit, Verdict, Written, judge, limits

LEFT_NORMAL, LEFT_LOW, FREE, HARD, FAR, BESIDE, FAULTS = range(7)


def controls(pictures: list[Written], work: pathlib.Path) -> Iterator[tuple[str, bool, str]]:
    """Each control with whether the scorer said what it has to, and what it said."""

    def tool(name, blank) -> list[Limit]:
        return limits([_by_hand(each, blank, work / name) for each in pictures])

    def score(name, blank, *wrong):
        """All limits that are wrong are far off, and nothing else is counted."""
        found = tool(name, blank)
        right = all(limit.counted == 0 for number, limit in enumerate(found) if number not in wrong)
        said = "; ".join(str(limit.counted) for limit in found)
        return name, right and all(found[number].counted > 0 for number in wrong), said

    yield score("blanks the text and no more", lambda each, pixels, first: _boxes(each, pixels, first, 3))
    yield score("leaves one frame", lambda each, pixels, first: _boxes(each, pixels, first, 3, but_last=True), LEFT_NORMAL, LEFT_LOW)
    yield score("blanks half of each line", lambda each, pixels, first: _boxes(each, pixels, first, 0, share=0.5), LEFT_NORMAL, LEFT_LOW)
    yield score("blanks too much", lambda each, pixels, first: _boxes(each, pixels, first, 30), BESIDE)
    yield score("blanks all", lambda each, pixels, first: pixels.fill(0), FREE, HARD, FAR, BESIDE)
    yield all_or_nothing("does nothing", [judge(each, dict(enumerate(each.files, 1)), {}) for each in pictures], left=True)
    refused = [judge(each, {}, dict.fromkeys(range(1, len(each.files) + 1), "deid.burned-in")) for each in pictures]
    yield all_or_nothing("refuses all", refused, left=False)
    lost = limits([judge(each, {}, {}) for each in pictures])
    yield "loses all without a word", lost[FAULTS].counted == len(pictures), str(lost[FAULTS])


def all_or_nothing(name: str, verdicts: list[Verdict], left: bool) -> tuple[str, bool, str]:
    """Whether all lines are left and nothing is an alarm, or the other way round."""
    found = limits(verdicts)
    said = "; ".join(f"{limit.counted} of {limit.of}" for limit in found)
    full = [limit.counted == limit.of > 0 for limit in found[: HARD + 1]]
    empty = [limit.counted == 0 for limit in found[: HARD + 1]]
    lines, alarms = slice(0, FREE), slice(FREE, HARD + 1)
    right = all(full[lines] + empty[alarms]) if left else all(empty[lines] + full[alarms])
    return name, right and not any(found[number].counted for number in (FAR, BESIDE, FAULTS)), said


def _by_hand(each: Written, blank: Callable, work: pathlib.Path) -> Verdict:
    """A picture whose pixels a function has changed, written without compression."""
    work.mkdir(exist_ok=True)
    outputs, first = {}, 0
    for number, file in enumerate(each.files, 1):
        pixels, data = each.pixels(number), dcmread(file)
        before = pixels.copy()
        blank(each, pixels, first)
        first += len(pixels)
        if (pixels == before).all():
            outputs[number] = file
            continue
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        if pixels.ndim == 4:
            data.PlanarConfiguration = 0
        raw = pixels.tobytes()
        data.PixelData = raw + b"\0" * (len(raw) % 2)
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OW", False
        outputs[number] = work / f"{each.spec.name}-{number}.dcm"
        data.save_as(outputs[number], enforce_file_format=True, implicit_vr=False, little_endian=True)
    verdict = judge(each, outputs, {})
    for output in set(outputs.values()) - set(each.files):
        output.unlink()
    return verdict


def _boxes(each, pixels, first, margin, share=1.0, but_last=False):
    for line in each.lines:
        top, left, bottom, right = line.box
        for frame in line.frames[: -1 if but_last else None]:
            if first <= frame < first + len(pixels):
                rows = slice(max(0, top - margin), bottom + margin)
                pixels[frame - first, rows, max(0, left - margin) : left + round((right - left) * share) + margin] = 0
