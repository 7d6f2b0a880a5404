"""Tools whose score is known beforehand. They prove the scorer: a test that cannot fail says nothing.

One passes everything on, one leaves next to nothing, one refuses all, one does everything right, and each of the rest
does everything right but for one place or one mistake.
"""

import base64
import io
import random
import zipfile
from collections.abc import Iterator
from dataclasses import replace

import corpus
from dicomfile import EXPLICIT, Value, file_bytes
from promises import PROMISES
from scorer import Judge
from scribe import PLACES, Scribe
from search import SPLIT
from verdict import ELSEWHERE, Output

# The ideal files have shifted dates, kept words and safe private elements, and no text beside: all that any profile may promise.
PROMISE = replace(PROMISES["longitudinal"], traits=frozenset().union(*(promise.traits for promise in PROMISES.values())))


def controls(written: list[corpus.Written], judge: Judge, seed: int) -> Iterator[tuple[str, bool, str]]:
    """Each control with whether the scorer said what it has to, and what it said."""
    yield pass_through(written, judge)
    yield delete_everything(written, judge)
    yield refuse_everything(judge)
    ideal = {each.spec.file: _ideal(number, each, seed) for number, each in enumerate(written)}
    yield all_right(judge, ideal)
    for place in PLACES:
        yield one_place_left(place, written, judge, ideal, seed)
    for disguise in DISGUISES:
        yield carried_elsewhere(disguise, written, judge, ideal, seed)
    for person in judge.people.values():
        if not person.name.isascii():
            yield in_its_own_letters(person, written, judge, ideal, seed)
    yield in_an_archive(written, judge)
    for name, (number, spoil) in SPOILS.items():
        yield spoiled(name, number, spoil, written, judge, ideal, seed)


def _ideal(number: int, each: corpus.Written, seed: int, live: str = "") -> Output | None:
    if each.spec.kind == "DICOMDIR" and live != "dicomdir":
        return None
    name = each.spec.file if live == "input-path" else f"{number:04d}.dcm"
    return Output(name, corpus.write(each.spec, seed, ideal=True, live=live).data)


def pass_through(written, judge):
    """Inputs as outputs: every class lights up, everything is kept, and nothing is wrong that was not before."""
    score = judge.score({each.spec.file: Output(each.spec.file, each.data) for each in written}, PROMISE)
    dark = [place for place in PLACES if not score.leaks_by_place()[place]]
    unmarked = [fault for fault in score.invalid if fault.what != "does not say what was done"]
    lost = [loss for loss in score.lost if loss.what != "interval_kept"]
    said = f"{len(score.leaks)} leaks in {len(score.leaks_by_place())} classes, dark: {', '.join(dark) or 'none'}"
    return "pass-through", not dark and not unmarked and not lost, said


def delete_everything(written, judge):
    """Files that only say what they are: nothing leaks, and nothing is left worth having."""
    score = judge.score({each.spec.file: _bare(number, each) for number, each in enumerate(written)}, PROMISE)
    said = f"{len(score.leaks)} leaks, {score.retention:.1f} % kept, {len(score.invalid)} faults"
    return "delete everything", not score.leaks and score.retention < 1 and bool(score.invalid), said


def refuse_everything(judge):
    """Safe, and of no use: every file counts as refused, most of them in vain, and nothing as kept."""
    score = judge.score({}, PROMISE)
    said = f"{len(score.leaks)} leaks, {len(score.refused)} refused, {len(score.refused_in_vain)} in vain, {score.retention:.1f} % kept"
    useless = len(score.refused) == score.files and bool(score.refused_in_vain) and not score.stayed
    return "refuse everything", useless and not score.leaks, said


def _bare(number, each):
    uid = Value("UI", Scribe.other_uid(str(number)))
    sop_class = Value("UI", "1.2.840.10008.5.1.4.1.1.7")
    meta = {0x00020001: Value("OB", b"\0\1"), 0x00020002: sop_class, 0x00020003: uid, 0x00020010: Value("UI", EXPLICIT.uid)}
    return Output(f"{number:04d}.dcm", file_bytes({0x00080016: sop_class, 0x00080018: uid}, EXPLICIT, "", b"", meta))


def all_right(judge, ideal):
    """What an ideal tool makes: nothing is held against it, so whatever is held against a real one is real."""
    score = judge.score(ideal, PROMISE)
    said = f"{len(score.leaks)} leaks, {score.retention:.1f} % kept, {len(score.invalid)} faults"
    return "ideal", not score.leaks and not score.lost and not score.invalid and not score.refused_in_vain, said


def one_place_left(place, written, judge, ideal, seed):
    """The ideal tool with one fault: found, and in the right class."""
    having = [(n, each) for n, each in enumerate(written) if any(row.check.place == place for row in each.rows)]
    number, each = random.Random(f"{seed}/{place}").choice(having)
    file = each.spec.file
    score = judge.score({**ideal, file: _ideal(number, each, seed, place)}, PROMISE, only=[file])
    found = score.leaks_by_place()
    said = ", ".join(f"{count} in {name}" for name, count in found.items()) or "nothing found"
    return f"left alone: {place}", found[place] > 0 and set(found) <= {place, ELSEWHERE}, said


# The ways in which a canary is put where no key expects it.
DISGUISES = {
    "as it is": lambda text, day: text.encode(),
    "upper case": lambda text, day: text.upper().encode(),
    "UTF-16 LE": lambda text, day: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text, day: text.encode("utf-16-be"),
    "hexadecimal": lambda text, day: text.encode().hex().encode(),
    "base64": lambda text, day: base64.b64encode(b"x" + text.encode()),
    "a date with dashes": lambda text, day: f"{day:%Y-%m-%d}".encode(),
    "a date in words": lambda text, day: f"{day:%d %b %Y}".encode(),
}


def carried_elsewhere(disguise, written, judge, ideal, seed):
    """The ideal tool, but that it notes the name, or the birth date, in an element of its own."""

    others = [(n, each) for n, each in enumerate(written) if each.spec.kind not in {"CT", "DICOMDIR"}]
    number, each = random.Random(f"{seed}/{disguise}").choice(others)
    person = each.spec.person
    hidden = DISGUISES[disguise](person.family, person.dates["birth"])
    return f"carried elsewhere: {disguise}", *_hidden(hidden, number, each, judge, ideal, seed)


def in_its_own_letters(person, written, judge, ideal, seed):
    """The part of a name that no Latin letter tells, in the bytes of the file's own character set."""
    number, each = next((n, each) for n, each in enumerate(written) if each.spec.person is person)
    letters = next(part for part in SPLIT.split(person.name) if not part.isascii())
    return f"carried elsewhere: {letters} in {person.codec}", *_hidden(letters.encode(person.codec), number, each, judge, ideal, seed)


def _hidden(hidden, number, each, judge, ideal, seed):
    """Whether something hidden in an element that no key knows is found."""

    def spoil(dataset):
        dataset.update({0x00110010: Value("LO", "SCORE CONTROL"), 0x00111001: Value("OB", b"\x01\x02" + hidden + b"\x03")})

    file = each.spec.file
    score = judge.score({**ideal, file: _spoiled(number, each, seed, spoil)}, PROMISE, only=[file])
    found = score.leaks_by_place()
    return set(found) == {ELSEWHERE}, f"{found[ELSEWHERE]} in {ELSEWHERE}"


def in_an_archive(written, judge):
    """A file packed twice over, a deflated one at that: the search looks into all of it."""
    each = next(each for each in written if each.spec.syntax.deflated)
    data = each.data
    for name in ("inner.dcm", "inner.zip"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
        data = packed.getvalue()
    found = judge.search(data, PROMISE, [each.spec.person.number])
    return "in an archive", each.spec.person.family.lower() in found, f"{len(found)} canaries found"


def _spoiled(number, each, seed, spoil):
    return Output(f"{number:04d}.dcm", corpus.write(each.spec, seed, ideal=True, spoil=spoil).data)


def _put(tag, value):
    return lambda dataset: dataset.update({tag: value})


def _break_reference(dataset):
    dataset[0x00081140].data[0][0x00081155] = Value("UI", "2.25.4711")


# What an ideal tool might get wrong without leaking anything: which number says so, and how it is done.
SPOILS = {
    "a value gone that has to stay": ("lost", lambda dataset: dataset.pop(0x00180060)),
    "pixel data changed": ("lost", _put(0x7FE00010, Value("OW", bytes(512)))),
    "a date moved by other weeks": ("lost", _put(0x00080022, Value("DA", "20090105"))),
    "a Type 2 attribute gone": ("invalid", lambda dataset: dataset.pop(0x00100010)),
    "a Type 1 attribute empty": ("invalid", _put(0x00080008, Value("CS", ""))),
    "no UID": ("invalid", _put(0x00083010, Value("UI", "2.25.04711"))),
    "a value too long": ("invalid", _put(0x00081010, Value("SH", "X" * 18))),
    "no mark": ("invalid", lambda dataset: dataset.pop(0x00120062)),
    "a reference that leads nowhere": ("invalid", _break_reference),
    "an instance in another study": ("invalid", _put(0x0020000D, Value("UI", "2.25.4712"))),
}


def spoiled(name, number, spoil, written, judge, ideal, seed):
    """The ideal tool with one mistake that is no leak: it shows in its own number and not among the leaks."""
    index, each = next((n, each) for n, each in enumerate(written) if each.spec.kind == "CT")
    siblings = [other.spec.file for other in written if other.spec.person is each.spec.person and other.spec.kind == "CT"]
    outputs = {**ideal, each.spec.file: _spoiled(index, each, seed, spoil)}
    score = judge.score(outputs, PROMISE, only=siblings)
    said = f"{len(score.leaks)} leaks, {len(score.lost)} lost, {len(score.invalid)} faults"
    return f"spoiled: {name}", bool(getattr(score, number)) and not score.leaks, said
