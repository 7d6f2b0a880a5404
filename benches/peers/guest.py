"""Runs Flywheel's own engines, or Presidio, over a folder, in the Python that has them; `peers.py` calls it.

    guest.py versions
    guest.py fw-file-rs PROFILE FOLDER
    guest.py flywheel-migration PROFILE FOLDER OUT
    guest.py presidio-image-redactor FOLDER OUT

Prints JSON: the versions that are there, or the seconds that the work itself took. Loading is not counted.
"""

import contextlib
import importlib.metadata
import json
import logging
import os
import pathlib
import sys
import time
import warnings

ENGINES = ("fw-file-rs", "flywheel-migration", "presidio-image-redactor")


def versions():
    found = {}
    for name in ENGINES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def headers(profile, folder):
    """Reads each header, cleans it and writes it, all in memory and in one thread."""
    from fw_file_rs.dcm import Context

    context = Context().deid_profile(pathlib.Path(profile).read_text())
    paths = sorted(str(path) for path in pathlib.Path(folder).rglob("*.dcm"))
    start = time.perf_counter()
    for path in paths:
        context.deid_header(context.read_until_pixels(path))
    return {"seconds": time.perf_counter() - start}


def files(profile, folder, out):
    """Cleans whole files into a folder, one call for each file."""
    import yaml
    from flywheel_migration.deidentify.deid_profile import DeIdProfile
    from fs.osfs import OSFS

    ready = DeIdProfile()
    ready.load_config(yaml.safe_load(pathlib.Path(profile).read_text()))
    ready.get_file_profile("dicom")
    names = sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*.dcm"))
    source, target = OSFS(folder), OSFS(out)
    start = time.perf_counter()
    for name in names:
        ready.process_packfile("dicom", source, target, [name])
    return {"seconds": time.perf_counter() - start}


def pictures(folder, out):
    """Blanks the text of each picture that is in its header too. Without a model of a language, which is more than it needs for that."""
    import pydicom
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_image_redactor import DicomImageRedactorEngine, ImageAnalyzerEngine

    class Words(SpacyNlpEngine):
        def load(self):
            self.nlp = {"en": spacy.blank("en")}

    words = Words()
    words.load()
    redactor = DicomImageRedactorEngine(ImageAnalyzerEngine(AnalyzerEngine(nlp_engine=words)))
    paths = sorted(pathlib.Path(folder).rglob("*.dcm"))
    start = time.perf_counter()
    for number, path in enumerate(paths):
        redactor.redact(pydicom.dcmread(path)).save_as(pathlib.Path(out) / f"{number}.dcm")
    return {"seconds": time.perf_counter() - start}


def main():
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the engines print what they like
    warnings.simplefilter("ignore")
    logging.disable()
    work = {"versions": versions, "fw-file-rs": headers, "flywheel-migration": files, "presidio-image-redactor": pictures}[sys.argv[1]]
    json.dump(work(*sys.argv[2:]), told)


if __name__ == "__main__":
    main()
