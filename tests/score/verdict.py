"""What a judgement consists of. The four numbers of a `Score` are never added up."""

import collections
from dataclasses import dataclass, field

from reader import File, ReadError, read
from scribe import PLACES

# What names studies, series, instances and frames of reference at the top of a data set.
STUDY, SERIES, INSTANCE, FRAME = "0020000D", "0020000E", "00080018", "00200052"
# The class of what was found where nothing had been planted.
ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Output:
    """A file that came out: its name, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Finding:
    place: str
    file: str
    path: str
    what: str


@dataclass
class Score:
    """What one tool did with the corpus."""

    files: int = 0
    refused: list[str] = field(default_factory=list)
    refused_in_vain: list[str] = field(default_factory=list)
    asked: collections.Counter = field(default_factory=collections.Counter)
    leaks: list[Finding] = field(default_factory=list)
    stayed: int = 0
    lost: list[Finding] = field(default_factory=list)
    invalid: list[Finding] = field(default_factory=list)
    # Of refused files with several edges: how many files they became with one each, and how many of these were refused.
    apart: tuple[int, int] = (0, 0)

    @property
    def retention(self) -> float:
        total = self.stayed + len(self.lost)
        return 100 * self.stayed / total if total else 0.0

    def leaks_by_place(self) -> collections.Counter:
        return collections.Counter(leak.place for leak in self.leaks)


def same_uids(one: dict[str, Output | None], other: dict[str, Output | None]) -> set[str]:
    """UIDs of studies, series, instances and frames of reference that two runs share."""
    return _own_uids(one) & _own_uids(other)


def _own_uids(outputs):
    files = [file for output in outputs.values() if output for file in _read_if_possible(output.data)]
    return {file.value(path) for file in files for path in (STUDY, SERIES, INSTANCE, FRAME)} - {""}


def _read_if_possible(data: bytes) -> list[File]:
    """That a file cannot be read is told by the judge."""
    try:
        return [read(data)]
    except ReadError:
        return []


def places_in_order(counter: collections.Counter) -> list[str]:
    return [place for place in (*PLACES, ELSEWHERE) if counter[place]]
