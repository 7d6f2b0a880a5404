"""The whole corpus: which files there are, how each is encoded, what is hidden in it; and the answer key.

The same seed gives the same bytes. Nothing is copied from anywhere, and every person in it is invented.
"""

import json
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import documents
import edges
import instances
import places
from dicomfile import BIG, DEFLATED, EXPLICIT, IMPLICIT, JPEG, RLE, Syntax, Value, file_bytes
from personas import ROOT, Persona, personas
from scribe import Check, Row, Scribe, rows

DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
NATIVE = (EXPLICIT, IMPLICIT, EXPLICIT, BIG, DEFLATED, EXPLICIT, IMPLICIT)
EDGE = "EDGE"
# Kinds that carry what a careful tool may refuse: what is burned in, documents, and edges. Nothing of them may get out all the same.
MAY_BE_REFUSED = {"US", "SC", "DOC", "SR", "DICOMDIR", EDGE}
# Places in which few tools can clean, so that refusing the file is right too.
HARD_PLACES = {"icc-profile", "jpeg-comment"}


@dataclass(frozen=True)
class Spec:
    """One file before it is written."""

    file: str
    person: Persona
    kind: str
    syntax: Syntax
    make: Callable[[Scribe], dict]
    traps: tuple
    # Where the name of the file itself says whose it is.
    name: str = "input-path"
    # An edge of several elements: the same, one to a file.
    apart: tuple = ()


@dataclass(frozen=True)
class Written:
    """One file, and what is asked of it."""

    spec: Spec
    data: bytes
    rows: tuple


STUDY = (
    ("CT", lambda s: instances.ct(s, 1)),
    ("CT", lambda s: instances.ct(s, 2)),
    ("CT", lambda s: instances.ct(s, 3)),
    ("CT", lambda s: instances.ct(s, 1, study=2)),
    ("MR", lambda s: instances.mr(s, 1)),
    ("MR", lambda s: instances.mr(s, 2)),
    ("EMR", lambda s: instances.enhanced_mr(s, 1)),
    ("PT", lambda s: instances.pet(s, 1)),
    ("US", lambda s: instances.ultrasound(s, 1)),
    ("DX", lambda s: instances.radiograph(s, 1)),
    ("MG", lambda s: instances.mammogram(s, 1)),
    ("MG", lambda s: instances.mammogram(s, 2)),
    ("XC", lambda s: instances.photograph(s, 1)),
    ("SC", lambda s: instances.secondary_capture(s, 1)),
    ("SEG", lambda s: documents.segmentation(s, 1)),
    ("RTSTRUCT", lambda s: documents.structure_set(s, 1)),
    ("PR", lambda s: documents.presentation(s, 1)),
    ("KO", lambda s: documents.key_objects(s, 1)),
    ("SR", lambda s: documents.report(s, 1)),
    ("DOC", lambda s: documents.document(s, 1)),
    ("ECG", lambda s: documents.electrocardiogram(s, 1)),
)
COMPRESSED = {"DX": RLE, "MG": JPEG}


def specs(people: list[Persona]) -> Iterator[Spec]:
    for person in people:
        folder = f"{person.family}_{person.given}/{person.mrn}"
        for number, (kind, make) in enumerate(STUDY):
            turn = number + 3 * person.number
            syntax = COMPRESSED.get(kind) or NATIVE[turn % len(NATIVE)]
            # An extra element in a document's object says nothing about documents: traps go into images.
            traps = places.ROTATION[turn % len(places.ROTATION)] if kind in {"CT", "MR", "EMR", "PT", "DX", "MG"} else ()
            yield Spec(f"{folder}/{kind}{number:02d} {person.family}.dcm", person, kind, syntax, make, traps)
        if person.number % 4 == 0:
            yield Spec(f"{folder}/DICOMDIR", person, "DICOMDIR", EXPLICIT, documents.directory, ())


def edge_specs(people: list[Persona]) -> Iterator[Spec]:
    """One person after the other has an edge; numbers of instances that no other image has."""
    for number, edge in enumerate(edges.edges()):
        person = people[number % len(people)]
        folder = f"{person.family}_{person.given}/edges"
        single = [_edge_spec(one, person, 10000 + 100 * number + n, folder) for n, one in enumerate(edge.apart())]
        yield replace(_edge_spec(edge, person, 1000 + number, folder), apart=tuple(single) if len(single) > 1 else ())


def _edge_spec(edge, person, number, folder) -> Spec:
    return Spec(f"{folder}/{edge.place}-{number}.dcm", person, EDGE, edge.syntax, lambda s: edge.make(s, number), ())


def _as_it_is(dataset: dict) -> None:
    """Leaves a data set alone."""


def write(spec: Spec, seed: int, ideal: bool = False, live: str = "", spoil: Callable[[dict], None] = _as_it_is) -> Written:
    """A file, as it comes or as an ideal tool leaves it; with a place named, all but that one ideal.

    `spoil` may change the data set before it is written: a control's way of making a mistake of its own.
    """
    s = Scribe(spec.person, spec.file, seed, ideal, live)
    dataset = spec.make(s)
    for trap in spec.traps:
        dataset.update(trap(s))
    if ideal:
        dataset.update(_marks(spec))
    spoil(dataset)
    meta, preamble = _meta(s, spec, dataset), places.preamble(s)
    data = file_bytes(dataset, spec.syntax, spec.person.charset, preamble, meta)
    asked = [*rows(s, dataset), *(Row(spec.file, f"meta.{row.path}", row.check) for row in rows(Scribe(None, "", 0), meta))]
    hard = spec.kind in MAY_BE_REFUSED or any(row.check.place in HARD_PLACES for row in asked)
    return Written(spec, data, (*asked, *_whole_file_rows(spec, hard)))


def _meta(s, spec, dataset):
    sop_class = dataset.get(0x00080016, Value("UI", DIRECTORY_CLASS))
    instance = dataset.get(0x00080018) or s.uid("dicomdir", spec.person.uid(77, 77))
    return {
        0x00020001: Value("OB", b"\0\1"),
        0x00020002: Value("UI", sop_class.data),
        0x00020003: Value("UI", instance.data),
        0x00020010: Value("UI", spec.syntax.uid),
        0x00020012: s.uid("file-meta", f"{ROOT}.1"),
        0x00020013: Value("SH", "SCORE"),
        **places.file_meta(s),
    }


def _marks(spec):
    """What an ideal tool says of its work."""
    if spec.kind == "DICOMDIR":
        return {}
    return {
        0x00120062: Value("CS", "YES"),
        0x00120063: Value("LO", "by the scribe of the test"),
        0x00120064: Value("SQ", [places.code("113100", "DCM", "Basic Application Confidentiality Profile")]),
        0x00280303: Value("CS", "MODIFIED"),
    }


def _whole_file_rows(spec, hard):
    yield Row(spec.file, "name", Check("bytes_absent", spec.name, spec.person.family, text=spec.file))
    if hard:
        yield Row(spec.file, "", Check("must_be_refused_or_clean", "refusal", severity="refusal"))
    if spec.kind != "DICOMDIR":
        for path in ("00120062", "00120063", "00120064", "00280303"):
            yield Row(spec.file, path, Check("marker_present", "markers", severity="validity"))


def corpus(seed: int, people: int) -> list[Written]:
    invented = personas(seed, people)
    return [write(spec, seed) for spec in (*specs(invented), *edge_specs(invented))]


def apart(written: list[Written], seed: int) -> list[Written]:
    """The elements of some edges, one to a file."""
    return [write(spec, seed) for each in written for spec in each.spec.apart]


def save(written: list[Written], folder: pathlib.Path, key: pathlib.Path) -> None:
    """Puts the files into a folder, and the answer key beside it, one JSON object a line."""
    for each in written:
        path = folder / each.spec.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.data)
    lines = [json.dumps(row.line(), ensure_ascii=False) for each in written for row in each.rows]
    key.write_text("\n".join(lines) + "\n", encoding="utf-8")
