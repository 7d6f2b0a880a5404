#!/usr/bin/env python3
"""Drives `fwupload sandbox` with Flywheel's own Python client: with and without signed URLs, as a server of 2019 too.

Usage: flywheel_sdk_check.py PATH_TO_FWUPLOAD

Needs the package `flywheel-sdk`. Prints `sdk check: ok` at the end; exits 1 on any failure.
"""

import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import typing

import flywheel

READY_SECONDS = 60
GROUP, PROJECT = "demo", "sdk"
MEBIBYTE = 1 << 20


def check(condition, what):
    """Stops the check with a sentence; unlike `assert` also under `python -O`."""
    if not condition:
        raise RuntimeError(what)


class Sandbox:
    """A sandbox process for the length of a `with` block."""

    def __init__(self, program, folder, *options):
        self.command = [program, "sandbox", str(folder), "--listen", "127.0.0.1:0", *options]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        try:
            return self.ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def ready(self):
        """The line that says where it listens; reading it must not block for ever."""
        lines = queue.Queue()
        threading.Thread(target=lambda: lines.put(self.process.stdout.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=READY_SECONDS)
        except queue.Empty:
            raise RuntimeError("the sandbox printed no line of readiness") from None
        ready = json.loads(line or "null") or {}
        check(ready.get("type") == "sandbox" and ready.get("v") == 1, "the line of readiness is not as agreed")
        return ready

    def __exit__(self, *_):
        if os.name == "posix":
            self.process.send_signal(signal.SIGINT)
        else:
            self.process.terminate()
        try:
            self.process.wait(timeout=30)
        finally:
            self.process.kill()


def check_containers(client):
    """Looks the project up, makes another one and a branch below it, and gives the acquisition."""
    check(client.get_auth_status().user_is_admin, "the key is not an administrator's")
    check(client.lookup(f"{GROUP}/{PROJECT}").label == PROJECT, "the project of `--project` is not there")
    group = client.get_group(GROUP)
    project = group.add_project(label="made by the sdk")
    check(project.group == GROUP and not project.files, "the new project is not as asked for")
    subject = project.add_subject(label="sub 01")
    session = subject.add_session(label="2020-01-02 03:04:05", uid="1.2.3", timestamp="2020-01-02T03:04:05+00:00")
    acquisition = session.add_acquisition(label="3 - T1/ä", uid="1.2.3.4")
    check(session.subject.id == subject.id and session.project == project.id, "the session hangs elsewhere")
    check(acquisition.parents.subject == subject.id, "the acquisition hangs elsewhere")
    try:
        project.add_subject(label="sub 01")
    except flywheel.ApiException as refused:
        check(refused.status == 422, f"a second subject of one code: {refused.status}")
    else:
        raise RuntimeError("a second subject of one code was made")
    return acquisition


def check_finding(client, acquisition, era):
    """The ways to find things: lookup, resolve, finders, lists."""
    # the client does not ask servers of 2019 for subjects, so they leave that level out
    subject = "sub 01/" if era == "current" else ""
    path = f"{GROUP}/made by the sdk/{subject}2020-01-02 03:04:05"
    found = client.lookup(path)
    check(found.uid == "1.2.3" and found.id == acquisition.session, "lookup finds another session")
    labels = [child.label for child in client.resolve(path).children]
    check(labels == ["3 - T1/ä"], "resolve lists other children")
    check(client.acquisitions.find_one('label="3 - T1/ä"').id == acquisition.id, "the finder finds another acquisition")
    check(client.sessions.find_first("label=nothing") is None, "the finder finds what is not there")
    check([it.id for it in client.get_session(found.id).acquisitions.iter()] == [acquisition.id], "a list is wrong")
    try:
        client.lookup(f"{GROUP}/SDK")
    except flywheel.ApiException as missing:
        check(missing.status == 404, f"a label in another case: {missing.status}")
    else:
        raise RuntimeError("a label in another case was found")


def check_files(client, acquisition, folder, how):
    """Uploads, lists, downloads, replaces."""
    # of S3 the client takes no file in one piece, and no part that is not a good deal larger than 256 KiB
    first, second = os.urandom(3 * MEBIBYTE), os.urandom(how.second)
    source, target = folder / "3 - T1 ä.dicom.zip", folder / "back"
    for version, content in [(1, first), (2, second)]:
        source.write_bytes(content)
        metadata = {"type": "dicom", "modality": "MR", "zip_member_count": 9}
        (answer,) = acquisition.upload_file(str(source), metadata=metadata)
        check((answer.name, answer.size) == (source.name, len(content)), "the answer to the upload is wrong")
        check(answer.version == (version if how.era == "current" else None), "the version is wrong")
        check(bool(answer.hash) != how.signed, "only an upload by form has a hash")
        (listed,) = client.get_acquisition(acquisition.id).files
        check((listed.name, listed.size, listed.type) == (source.name, len(content), "dicom"), "the list of files is wrong")
        check(listed.zip_member_count == 9 and listed.modality == "MR", "the metadata is wrong")
        acquisition.download_file(source.name, str(target))
        check(target.read_bytes() == content, "the download differs from the upload")
    if how.second < MEBIBYTE:
        spec = flywheel.FileSpec("note.txt", contents="hello", content_type="text/plain")
        client.get_project(acquisition.parents.project).upload_file(spec)
        check(client.get_project(acquisition.parents.project).files[0].size == 5, "a file of a project is wrong")


class How(typing.NamedTuple):
    """One round: the options of the sandbox, and what they lead to."""

    options: tuple = ()
    signed: bool = False
    era: str = "current"
    second: int = 1000


ROUNDS = {
    "by form": How(),
    "to Google": How(("--signed-urls", "--storage", "google"), signed=True),
    "to Azure": How(("--signed-urls", "--storage", "azure"), signed=True),
    "to S3 in parts": How(("--signed-urls=multipart", "--part-size", "1MiB"), signed=True, second=2 * MEBIBYTE),
    "to Google in parts": How(("--signed-urls=multipart", "--part-size", "1MiB", "--storage", "google"), signed=True),
    "to a server of 2019": How(("--era", "mid"), era="mid"),
}


def check_all(program, how):
    """One round on a new folder, then a look after a restart."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folder = scratch / "sandbox"
        with Sandbox(program, folder, "--project", f"{GROUP}/{PROJECT}", *how.options) as ready:
            client = flywheel.Client(ready["key"])
            check(client.get_config().features.signed_url == how.signed, "the configuration is wrong")
            acquisition = check_containers(client)
            check_finding(client, acquisition, how.era)
            check_files(client, acquisition, scratch, how)
        with Sandbox(program, folder, *how.options) as ready:
            again = flywheel.Client(ready["key"]).get_acquisition(acquisition.id)
            check([it.size for it in again.files] == [how.second], "a restart lost something")
        stored = [it for it in folder.glob(f"{GROUP}/*/*/*/*/*.dicom.zip") if it.is_file()]
        check(len(stored) == 1 and stored[0].stat().st_size == how.second, "the file on disk is wrong")


def main():
    """Runs every round."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name, how in ROUNDS.items():
        check_all(sys.argv[1], how)
        print(f"sdk check: {name} passed", flush=True)
    print("sdk check: ok")


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # whatever it is, it fails the check
        print(f"sdk check: failed: {type(error).__name__}: {error}", file=sys.stderr)
        raise SystemExit(1) from error
