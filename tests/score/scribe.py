"""Puts canaries into files and writes down where each one went, and what has to become of it.

A scribe writes a file in one of two ways: as it comes from the hospital, or as an ideal tool would leave it. The second
proves the scorer: nothing in it may be held against it. With one place left as it was, it has to be found wanting.
"""

import datetime
import hashlib
import random
from dataclasses import asdict, dataclass, field

from dicomfile import Value
from personas import rare_token

# Classes of places, in the order in which they are shown.
PLACES = (
    "top-names", "top-ids", "top-dates", "top-uids", "institution", "device",
    "depth-1", "depth-2", "depth-3", "depth-4", "depth-5", "depth-6",
    "private-sequence", "un-sequence", "private-with-creator", "private-without-creator", "private-creator-twice",
    "private-creator-name", "private-safe-tainted",
    "descriptor-name", "descriptor-reversed", "descriptor-date", "descriptor-mrn", "uid-in-text", "report-text",
    "original-attributes", "other-patient-ids", "request-attributes", "referenced-uids",
    "file-meta", "preamble", "after-pixels", "overlay", "curve", "icon", "jpeg-comment", "icc-profile", "pdf-body",
    "waveform", "input-path", "sr-text", "sr-person", "sr-date", "graphics", "blind-spots", "dicomdir",
    "vr-table", "vr-number", "unlisted-text", "item-type", "age", "code-string", "character-set", "code-meaning",
    "day-and-month", "short-code", "beside-uid", "beside-image",
)  # fmt: skip

# What a profile must have promised for a check to count.
NOT_KEPT_DATES, SHIFTED_DATES = ("dates-not-kept",), ("dates-shifted",)
NOT_KEPT_UIDS = ("uids-not-kept",)
TEXTS_GONE = ("texts-gone",)


@dataclass(frozen=True)
class Check:
    """What has to hold for one value once it is cleaned."""

    action: str
    place: str
    canary: str = ""
    when: tuple = ()
    severity: str = "identity"
    # All that was planted together: finding it again elsewhere in the same file is the same leak.
    text: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the answer key."""

    file: str
    path: str
    check: Check

    def line(self):
        row = {"file": self.file, "path": self.path, **asdict(self.check)}
        row["class"] = row.pop("place")
        return row


@dataclass
class Scribe:
    """Writes one file of one person."""

    person: object
    file: str
    seed: int
    ideal: bool = False
    # The one place that an ideal tool with a fault leaves as it was.
    live: str = ""
    loose: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)
    latest: str = ""

    def shows(self, place):
        return not self.ideal or place == self.live

    def token(self, place):
        """A word that stands nowhere else, the same one in both ways of writing the file."""
        count = self.counts[place] = self.counts.get(place, 0) + 1
        self.latest = rare_token(random.Random(f"{self.seed}/{self.file}/{place}/{count}"))
        return self.latest

    def secret(self, place, vr, text, canary="", harmless="", words=(), severity="identity"):
        """A text value that has to go. The words, which are common, stay where descriptions are cleaned.

        What tells is the canary; by default the token in the text, else all of the text.
        """
        token = self.latest if self.latest and self.latest in text else ""
        check = Check("removed", place, canary or token or text, severity=severity, text=text)
        kept = [Check("words_kept", place, word, ("descriptors-cleaned",), "retention") for word in words]
        return Value(vr, text if self.shows(place) else harmless or " ".join(words)).asked(check, *kept)

    def raw(self, place, text, harmless=b"", path="bytes"):
        """Bytes outside values: the canary must not be anywhere in what comes out."""
        canary = self.token(place)
        data = f"{text} {canary}"
        self.loose.append((path, Check("bytes_absent", place, canary, text=data)))
        return data.encode("latin-1", "replace") if self.shows(place) else harmless

    def uid(self, place, uid, vr="UI"):
        check = Check("uid_changed_consistently", place, uid, NOT_KEPT_UIDS, text=uid)
        return Value(vr, uid if self.shows(place) else self.other_uid(uid)).asked(check)

    def uid_text(self, place, uid):
        return uid if self.shows(place) else self.other_uid(uid)

    @staticmethod
    def other_uid(uid):
        return "2.25." + str(int.from_bytes(hashlib.sha256(uid.encode()).digest()[:15]))

    def date(self, place, which, vr="DA", rest="", shifts=True):
        """A date of the person's; `rest` makes it a date and time."""
        day = self.person.date(which)
        shown = day if self.shows(place) else self.earlier(which)
        checks = [Check("removed", place, day, NOT_KEPT_DATES, text=day)]
        if shifts:
            checks.append(Check("interval_kept", place, day, SHIFTED_DATES, "retention"))
        return Value(vr, shown + rest).asked(*checks)

    def earlier(self, which):
        return (self.person.dates[which] - datetime.timedelta(weeks=53)).strftime("%Y%m%d")


def kept(value, when=("technical",), place="retention"):
    """A value that a profile has no reason to touch."""
    return value.asked(Check("kept", place, when=when, severity="retention"))


def core(value):
    """A value that no profile may touch: without it the instance is none."""
    return kept(value, when=())


def rows(scribe, dataset):
    """The answer key of one file."""
    for path, check in scribe.loose:
        yield Row(scribe.file, path, check)
    yield from _rows_of(scribe.file, dataset, "")


def _rows_of(file, dataset, prefix):
    for tag, value in dataset.items():
        path = f"{prefix}{tag:08X}"
        for check in value.checks:
            yield Row(file, path, check)
        if isinstance(value.data, list):
            for number, entry in enumerate(value.data):
                if isinstance(entry, dict):
                    yield from _rows_of(file, entry, f"{path}[{number}].")
