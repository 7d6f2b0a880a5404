"""Looks for canaries in bytes, without any idea of where they were planted.

Each is looked for whole and in its parts, in upper and lower case, in every encoding that it may have been given, in plain
bytes, in what hexadecimal digits and base64 stand for, and inside zip archives and deflated data sets.
"""

import base64
import binascii
import datetime
import io
import re
import zipfile
from collections.abc import Iterable, Iterator

from reader import ReadError, read

GRAM = 5
SPLIT = re.compile(r"[\^=\\\- ,]+")
ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
ESCAPES = re.compile(rb"\x1b[$(]\)?[A-Z]")
HEX = re.compile(rb"[0-9A-Fa-f]{%d,}" % (2 * GRAM))
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{7,}")
DIGITS = b"0123456789"
DATE_LIKE = re.compile(r"\d{1,4}[.\-/ ]\w{2,3}[.\-/ ]\d{1,4}|\d{8}")


def spellings(day: datetime.date) -> tuple[str, ...]:
    """A date as people and programs write it."""
    forms = ("%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y")
    return tuple(day.strftime(form) for form in (*forms, "%d %b %Y", "%d-%b-%Y", "%b %d, %Y"))


def parts(text: str) -> set[str]:
    """A text and those of its parts that say something on their own."""
    # Letters beyond ASCII say more each than Latin ones do.
    return {text, *(part for part in SPLIT.split(text) if len(part) >= 5 or (len(part) >= 4 and not part.isascii()))}


def encoded(text: str, codecs: Iterable[str]) -> Iterator[bytes]:
    for codec in (*ENCODINGS, *codecs):
        for form in (text, text.upper(), text.lower()):
            try:
                yield ESCAPES.sub(b"", form.encode(codec)).lower()
            except UnicodeEncodeError:
                continue


class Index:
    """Canaries by the bytes that they begin with: one pass over the data finds all of them."""

    def __init__(self) -> None:
        self.by_gram: dict[bytes, list[tuple[bytes, str, bool, bool]]] = {}

    def add(self, text: str, codecs: Iterable[str] = ()) -> None:
        for part in parts(text):
            self._put(part, part.lower(), codecs, whole=part.isdigit())

    def add_date(self, day: datetime.date) -> None:
        for text in spellings(day):
            self._put(text, f"{day:%Y%m%d}", (), whole=False, digit_before=False)

    def add_root(self, root: str) -> None:
        """The root of UIDs, each of which is a canary of its own."""
        self._put(root, root, (), whole=False)

    def _put(self, text, label, codecs, whole, digit_before=True):
        for pattern in set(encoded(text, codecs)):
            if len(pattern) >= GRAM:
                entry = (pattern, label, whole or not digit_before, whole)
                self.by_gram.setdefault(pattern[:GRAM], []).append(entry)

    def find(self, data: bytes) -> set[str]:
        """Which canaries stand in the data or in what it stands for, in lower case."""
        found: set[str] = set()
        for view in views(data):
            found |= self._find(view.lower())
        return found

    def _find(self, data):
        grams, found = self.by_gram, set()
        for at in [at for at in range(len(data) - GRAM + 1) if data[at : at + GRAM] in grams]:
            for pattern, label, alone_before, alone_after in grams[data[at : at + GRAM]]:
                if not data.startswith(pattern, at):
                    continue
                if alone_before and at and data[at - 1] in DIGITS:
                    continue
                end = at + len(pattern)
                if alone_after and end < len(data) and data[end] in DIGITS:
                    continue
                found.add(_label(label, data, at))
        return found


UID = re.compile(rb"[0-9.]+")


def _label(label, data, at):
    """A root becomes the UID that it begins."""
    if "." in label and label.replace(".", "").isdigit() and not DATE_LIKE.fullmatch(label):
        return UID.match(data, at).group().decode().rstrip(".") if UID.match(data, at) else label
    return label


def views(data: bytes) -> Iterator[bytes]:
    """The bytes, and the bytes that parts of them are a spelling of."""
    yield data
    # Between the two-byte characters of Japanese text stand escapes that a search for whole words must not trip over.
    if b"\x1b" in data:
        yield ESCAPES.sub(b"", data)
    yield b"\n".join(decoded for run in HEX.findall(data) for decoded in _hex(run))
    yield b"\n".join(decoded for run in BASE64.findall(data) for decoded in _base64(run))


def _hex(run):
    for start in (0, 1):
        digits = run[start:]
        yield binascii.unhexlify(digits[: len(digits) & ~1])


def _base64(run):
    run = run.translate(bytes.maketrans(b"-_", b"+/"))
    for start in range(4):
        letters = run[start:]
        # The last group may be short; what fills it up only adds a byte or two.
        yield base64.b64decode(letters + b"A" * (-len(letters) % 4))


def opened(data: bytes) -> Iterator[bytes]:
    """A file's bytes, and what is packed inside: members of archives with their names, inflated data sets."""
    yield data
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield member.filename.encode() + member.comment
                yield from opened(archive.read(member))
    elif data[128:132] == b"DICM":
        try:
            body = read(data).body
        except ReadError:
            return
        if body not in data:
            yield body
