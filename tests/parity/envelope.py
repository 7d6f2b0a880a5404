"""Opens encrypted envelopes with OpenSSL, which is what the engine seals them with."""

import io
import os
import subprocess
import tempfile

import compare
from pydicom.filereader import read_dataset


def opened(content, document):
    """The data set in an envelope (its Modified Attributes Sequence outside), by the keys of a profile."""
    section = document["dicom"]
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("sealed", "open")]
        with open(paths[0], "wb") as file:
            file.write(content.rstrip(b"\0"))
        if section.get("public-key"):
            key = ["-inkey", section["public-key"][0].replace("certificate", "private")]
        else:
            key = ["-secretkey", section.get("secret-key") or document["secret-key"], "-secretkeyid", "00"]
        command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-in", paths[0], "-out", paths[1], *key]
        subprocess.run(command, check=True, capture_output=True)
        with open(paths[1], "rb") as file:
            return read_dataset(io.BytesIO(file.read()), is_implicit_VR=False, is_little_endian=True)


def differences(ours, theirs, document):
    """Where the content of two envelopes parts."""
    found = []
    compare.walk(None, opened(ours, document), opened(theirs, document), (), found)
    return found
