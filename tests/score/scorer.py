"""Judges what came out: by the answer key, by a search that knows no key, by the standard, and by what refers to what.

Independent of fwupload, and of the code that wrote the corpus but for the key itself. Four numbers come of it and are
never added up: leaks, files refused, share of what should stay that stayed, and faults that were not there before.
"""

import collections
import datetime
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import validity
from personas import ROOT
from promises import Promise
from reader import File, ReadError, read
from scribe import Check, Row
from search import DATE_LIKE, ESCAPES, Index, encoded, opened, spellings
from verdict import ELSEWHERE, FRAME, INSTANCE, SERIES, STUDY, Finding, Output, Score


class Judge:
    """Knows the corpus; may be asked about any number of tools."""

    def __init__(self, corpus) -> None:
        self.corpus = {written.spec.file: written for written in corpus}
        self.people = {written.spec.person.number: written.spec.person for written in corpus}
        self.before = {file: read(written.data) for file, written in self.corpus.items()}
        self.vrs = validity.vrs_of(self.before.values())
        self.faults = {file: validity.faults(source, self.vrs) for file, source in self.before.items()}
        self.places = _places_of_canaries(row.check for each in corpus for row in each.rows)
        self.texts, self.roots, self.dates = self._text_index(), Index(), {}
        self.roots.add_root(ROOT + ".")

    def _text_index(self) -> Index:
        index = Index()
        for person in self.people.values():
            for text in person.canaries():
                index.add(text, codecs_of(person))
        for each in self.corpus.values():
            for row in each.rows:
                text = row.check.canary
                # Dates and UIDs may stay elsewhere in a file, by what a profile promises: each has an index of its own.
                if row.check.action in {"removed", "bytes_absent"} and not DATE_LIKE.fullmatch(text) and not text.startswith(ROOT):
                    index.add(text)
        return index

    def dates_of(self, numbers: Iterable[int]) -> Index:
        key = tuple(numbers)
        if key not in self.dates:
            self.dates[key] = Index()
            for number in key:
                for day in self.people[number].dates.values():
                    self.dates[key].add_date(day)
        return self.dates[key]

    def search(self, data: bytes, promise: Promise, people: Iterable[int]) -> set[str]:
        """Every canary in some bytes that this profile must not let through, of whichever person."""
        indexes = [self.texts]
        if "uids-not-kept" in promise.traits:
            indexes.append(self.roots)
        if "dates-not-kept" in promise.traits:
            indexes.append(self.dates_of(people))
        return {label for view in opened(data) for index in indexes for label in index.find(view)}

    def found_in(self, file: str, output: Output, promise: Promise) -> set[str]:
        """The canaries in what came of a file, and in its name."""
        people = [self.corpus[file].spec.person.number]
        return self.search(output.data, promise, people) | self.search(output.name.encode(), promise, people)

    def score(self, outputs: dict[str, Output | None], promise: Promise, only: Iterable[str] = ()) -> Score:
        """Judges one tool by its outputs: by the name of the input, what came of it, or None where it was refused."""
        case = Case(self, outputs, promise, list(only) or list(self.corpus))
        case.run()
        return case.score


def codecs_of(person) -> tuple[str, ...]:
    return (person.codec, "euc_jp", "shift_jis", "gb18030")


def _places_of_canaries(checks: Iterable[Check]) -> dict[str, str]:
    """The class of each canary that only one class has."""
    places = collections.defaultdict(set)
    for check in checks:
        places[check.canary.lower()].add(check.place)
    return {canary: min(classes) for canary, classes in places.items() if len(classes) == 1}


@dataclass
class Case:
    """One tool's outputs while they are being judged."""

    judge: Judge
    outputs: dict
    promise: Promise
    names: list
    score: Score = field(default_factory=Score)
    after: dict = field(default_factory=dict)
    found: dict = field(default_factory=dict)
    # What became of UIDs, and of dates by person.
    uids: dict = field(default_factory=lambda: collections.defaultdict(set))
    shifts: dict = field(default_factory=lambda: collections.defaultdict(list))

    def run(self) -> None:
        self.score.files = len(self.names)
        for name in self.names:
            output = self.outputs.get(name)
            if output is None:
                self.refuse(name)
            else:
                self.read(name, output)
        graph = self.graph()
        for name in self.names:
            if self.outputs.get(name) is not None:
                self.file(name, graph)
        self.intervals()
        for old, new in self.uids.items():
            if len(new) > 1 and old not in graph:
                self.fault(ELSEWHERE, "", f"the UID {old} became {len(new)} different ones")

    # Refusals

    def applies(self, row: Row) -> bool:
        return self.promise.traits.issuperset(row.check.when)

    def refuse(self, name: str) -> None:
        self.score.refused.append(name)
        rows = self.judge.corpus[name].rows
        if any(row.check.action == "must_be_refused_or_clean" for row in rows):
            return
        # To refuse what could have been cleaned costs all that should have stayed.
        self.score.refused_in_vain.append(name)
        for row in rows:
            if row.check.action in {"kept", "words_kept", "interval_kept"} and self.applies(row):
                self.lose(row, "refused")

    def read(self, name: str, output: Output) -> None:
        self.found[name] = self.judge.found_in(name, output, self.promise)
        try:
            self.after[name] = read(output.data)
        except ReadError as error:
            self.after[name] = File(b"", {}, {}, "", b"")
            self.fault(name, "", f"cannot be read: {error}")

    # A: the answer key; B: the search without one

    def file(self, name: str, graph: dict) -> None:
        failed = []
        for row in self.judge.corpus[name].rows:
            if not self.applies(row):
                continue
            self.score.asked[row.check.place] += 1
            if getattr(self, f"on_{row.check.action}")(row):
                failed.append(row)
                self.score.leaks.append(Finding(row.check.place, name, row.path, row.check.action))
        for label in self.found[name]:
            if not any(covers(row, label) for row in failed):
                place = self.judge.places.get(label, ELSEWHERE)
                self.score.leaks.append(Finding(place, name, "", "found by the search"))
        self.references(name, graph)
        for path, what in validity.faults(self.after[name], self.judge.vrs) - self.judge.faults[name]:
            self.fault(name, path, what)

    def on_removed(self, row: Row) -> bool:
        element = self.after[row.file].find(row.path)
        return element is not None and holds(element.raw, row.check.canary, self.codecs(row))

    # What is too short to be looked for in a whole file.
    on_absent_here = on_removed

    def on_bits_clear(self, row: Row) -> bool:
        """The bits that no image uses, in words of two bytes."""
        element, mask = self.after[row.file].find(row.path), int(row.check.canary, 16)
        return element is not None and any(word & mask for (word,) in struct.iter_unpack("<H", element.raw[: len(element.raw) & ~1]))

    def on_bytes_absent(self, row: Row) -> bool:
        if row.path == "name":
            return row.check.canary.lower() in self.outputs[row.file].name.lower()
        return row.check.canary.lower() in self.found[row.file]

    def on_uid_changed_consistently(self, row: Row) -> bool:
        value = self.after[row.file].value(row.path)
        if value and value != row.check.canary:
            self.uids[row.check.canary].add(value)
        return value == row.check.canary

    def on_kept(self, row: Row) -> bool:
        before, after = self.judge.before[row.file].find(row.path), self.after[row.file].find(row.path)
        same = before is not None and after is not None and before.raw.strip(b" \0") == after.raw.strip(b" \0")
        return self.stayed(row, same)

    def on_words_kept(self, row: Row) -> bool:
        return self.stayed(row, row.check.canary.lower() in self.after[row.file].value(row.path).lower())

    def on_interval_kept(self, row: Row) -> bool:
        value = self.after[row.file].value(row.path)
        self.shifts[self.judge.corpus[row.file].spec.person.number].append((row, _days(row.check.canary), _days(value)))
        return False

    def on_marker_present(self, row: Row) -> bool:
        value = self.after[row.file].value(row.path)
        wanted = {"00120062": "YES", "00280303": self.promise.temporal}.get(row.path)
        if row.path == "00120064":
            element = self.after[row.file].find(row.path)
            codes = {item[0x00080100].text() for item in (element.items if element else []) if 0x00080100 in item}
            present = "113100" in codes
        else:
            present = value == wanted if wanted else bool(value)
        if not present:
            self.fault(row.file, row.path, "does not say what was done")
        return False

    def on_must_be_refused_or_clean(self, _row: Row) -> bool:
        return False

    def codecs(self, row: Row) -> tuple[str, ...]:
        return codecs_of(self.judge.corpus[row.file].spec.person)

    def stayed(self, row: Row, yes: bool) -> bool:
        if yes:
            self.score.stayed += 1
        else:
            self.lose(row, row.check.action)
        return False

    def lose(self, row: Row, what: str) -> None:
        self.score.lost.append(Finding(row.check.place, row.file, row.path, what))

    def fault(self, file: str, path: str, what: str) -> None:
        self.score.invalid.append(Finding("validity", file, path, what))

    # D: what belongs together stays together

    def intervals(self) -> None:
        """The dates of one person all move by the same number of days, and they do move."""
        for dates in self.shifts.values():
            moved = collections.Counter(new - old for _, old, new in dates if new is not None and new != old)
            usual = moved.most_common(1)[0][0] if moved else None
            for row, old, new in dates:
                self.stayed(row, usual is not None and new is not None and new - old == usual)

    def graph(self) -> dict[str, str]:
        """What the UIDs of studies, series, instances and frames of reference became."""
        became: dict[str, str] = {}
        for name, after in self.after.items():
            for path in (STUDY, SERIES, INSTANCE, FRAME):
                old, new = self.judge.before[name].value(path), after.value(path)
                if old and new and became.setdefault(old, new) != new:
                    self.fault(name, path, "became another UID than in another file")
        for new, count in collections.Counter(became.values()).items():
            if count > 1:
                self.fault(ELSEWHERE, "", f"{count} UIDs became the same one, {new}")
        return became

    def references(self, name: str, became: dict[str, str]) -> None:
        """A reference that led somewhere and still stands leads to the same place."""
        for path, element in self.judge.before[name].walk():
            old = element.text() if element.raw.isascii() else ""
            if "." not in path or old not in became:
                continue
            new = self.after[name].value(path)
            if new and new != became[old]:
                self.fault(name, path, "leads nowhere any more")


def holds(raw: bytes, canary: str, codecs: Iterable[str]) -> bool:
    """Whether a value holds a canary, in whatever encoding and case."""
    stretches = (raw.lower(), ESCAPES.sub(b"", raw).lower())
    return any(pattern in stretch for pattern in set(encoded(canary, codecs)) for stretch in stretches)


def covers(row: Row, label: str) -> bool:
    """Whether what the search found is what the key had found already."""
    text = f"{row.check.text} {row.check.canary}".lower()
    if label in text:
        return True
    if len(label) == 8 and label.isdigit():
        day = datetime.date(int(label[:4]), int(label[4:6]), int(label[6:]))
        return any(spelling.lower() in text for spelling in spellings(day))
    return False


def _days(value: str) -> int | None:
    try:
        return datetime.datetime.strptime(value[:8], "%Y%m%d").toordinal()
    except ValueError:
        return None
