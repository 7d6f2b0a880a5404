#!/usr/bin/env python3
"""Soak: thousands of series through a network that fails all the time and a program that is killed all the time.

    tests/soak/run.py target/release/fwupload [--series 2000] [--slices 3] [--seed 1] [--kill-every 5]

Starts `fwupload sandbox`, puts a flaky proxy in front of it, and runs the program with the same command again and again
until it ends with 0. Then looks at what the server holds: every instance once, one container each, one file each.
Prints figures; exits with 1 when anything is lost or there twice. Needs Python alone. The faults are drawn from the seed;
what they hit depends on timing, so no two soaks are alike.
"""

import argparse
import collections
import io
import json
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request
import zipfile

ROOT = "1.2.826.0.1.3680043.10.9999"
CT = "1.2.840.10008.5.1.4.1.1.2"
PROFILE = """name = "soak"
[dicom]
fields = [
  { name = "PatientName", remove = true },
  { name = "PatientID", hash = true },
  { name = "PatientBirthDate", remove = true },
]
"""


def element(group, number, vr, value):
    data = value if isinstance(value, bytes) else value.encode()
    data += (b"\0" if vr in ("UI", "OB", "OW") else b" ") * (len(data) % 2)
    head = struct.pack("<HH2s", group, number, vr.encode())
    if vr in ("OB", "OW"):
        return head + struct.pack("<HI", 0, len(data)) + data
    return head + struct.pack("<H", len(data)) + data


def instance(person, series, number, pixels=None):
    """A small CT slice, explicit VR little endian."""
    uid = f"{ROOT}.{person}.{series}.{number}"
    meta = element(2, 1, "OB", b"\0\1") + element(2, 2, "UI", CT) + element(2, 3, "UI", uid)
    meta += element(2, 0x10, "UI", "1.2.840.10008.1.2.1") + element(2, 0x12, "UI", ROOT)
    data = b"".join(
        [
            element(8, 0x16, "UI", CT),
            element(8, 0x18, "UI", uid),
            element(8, 0x20, "DA", "20230914"),
            element(8, 0x30, "TM", "101530"),
            element(8, 0x60, "CS", "CT"),
            element(8, 0x103E, "LO", f"Series {series}"),
            element(0x10, 0x10, "PN", f"CANARY^Person{person}"),
            element(0x10, 0x20, "LO", f"CANARY-{person:05}"),
            element(0x10, 0x30, "DA", "19330717"),
            element(0x20, 0xD, "UI", f"{ROOT}.{person}"),
            element(0x20, 0xE, "UI", f"{ROOT}.{person}.{series}"),
            element(0x20, 0x11, "IS", str(series)),
            element(0x20, 0x13, "IS", str(number)),
            element(0x7FE0, 0x10, "OW", pixels or bytes([number]) * 512),
        ]
    )
    return b"\0" * 128 + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(meta))) + meta + data


def write_study(folder, series, slices):
    """Ten series a person. Returns the SOP Instance UIDs."""
    uids = set()
    for at in range(series):
        person, number = at // 10 + 1, at % 10 + 1
        below = folder / f"p{person}" / f"s{number}"
        below.mkdir(parents=True)
        for slice_number in range(1, slices + 1):
            (below / f"{slice_number}.dcm").write_bytes(instance(person, number, slice_number))
            uids.add(f"{ROOT}.{person}.{number}.{slice_number}")
    return uids


class FlakyProxy:
    """Passes connections on. Some it spoils from the start; all others end after a while, in the middle of something."""

    FROM_THE_START = ("stall", "answer 503", "hang up at once")
    LATER = ("cut the request", "lose the answer")

    def __init__(self, upstream, seed, rate):
        self.upstream, self.rate, self.random = upstream, rate, random.Random(seed)
        self.faults = collections.Counter()
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            self.connections += 1
            fault = self.random.choice(self.FROM_THE_START if self.random.random() < self.rate else self.LATER)
            after = int(10 ** self.random.uniform(2, 5))
            threading.Thread(target=self.serve, args=(client, fault, after), daemon=True).start()

    def serve(self, client, fault, after):
        self.faults[fault] += 1
        try:
            if fault == "hang up at once":
                client.close()
                return
            if fault == "answer 503":
                client.settimeout(2)
                client.recv(65536)
                client.sendall(b"HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
                client.close()
                return
            if fault == "stall":
                time.sleep(1.5)
            server = socket.create_connection(self.upstream)
            up = threading.Thread(target=self.pump, args=(client, server, after if fault == "cut the request" else None), daemon=True)
            up.start()
            self.pump(server, client, after // 2 if fault == "lose the answer" else None)
            up.join(5)
        except OSError:
            pass

    @staticmethod
    def pump(source, target, most):
        passed = 0
        try:
            while chunk := source.recv(65536):
                if most is not None and passed + len(chunk) >= most:
                    break
                target.sendall(chunk)
                passed += len(chunk)
        except OSError:
            pass
        for end in (source, target) if most is not None else (target,):
            try:
                end.shutdown(socket.SHUT_RDWR if most is not None else socket.SHUT_WR)
            except OSError:
                pass


class Server:
    """`fwupload sandbox` with the project demo/soak."""

    def __init__(self, program, folder):
        self.folder = folder
        command = [program, "sandbox", str(folder), "--project", "demo/soak"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.host, self.port, _, self.key = ready["key"].split(":")

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://{self.host}:{self.port}/api{path}", data=body and json.dumps(body).encode())
        request.add_header("Authorization", f"scitran-user {self.key}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def run(command, environment, kill_after):
    """Runs once; kills it after a number of seconds, if it runs that long."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, said = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "killed", b""
    return process.returncode, said


def holdings(server):
    """Counts of containers, and the SOP Instance UIDs in all files that the server keeps."""
    project = server.ask("/lookup", {"path": ["demo", "soak"]})["_id"]
    counts = {kind: len(server.ask(f"/projects/{project}/{kind}")) for kind in ("subjects", "sessions", "acquisitions")}
    files = [path for path in (server.folder / "demo").rglob("*") if path.is_file() and path.name.endswith((".zip", ".dicom"))]
    uids = collections.Counter()
    for path in files:
        content = path.read_bytes()
        if zipfile.is_zipfile(io.BytesIO(content)):
            names = zipfile.ZipFile(io.BytesIO(content)).namelist()
            uids.update(re.sub(r"\.CT\.dcm$", "", name) for name in names)
        else:
            start = content.find(ROOT.encode())
            uids.update([content[start : start + 64].split(b"\0")[0].decode()])
        if b"CANARY" in content:
            raise SystemExit(f"an original value stands in {path}")
    return counts, len(files), uids


def soak(arguments, work):
    begin = time.monotonic()
    uids = write_study(work / "study", arguments.series, arguments.slices)
    (work / "soak.toml").write_text(PROFILE)
    server = Server(arguments.program, work / "server")
    proxy = FlakyProxy((server.host, int(server.port)), arguments.seed, arguments.rate)
    environment = {
        "HOME": str(work / "home"),
        "FWUPLOAD_STATE_HOME": str(work / "state"),
        "FWUPLOAD_API_KEY": f"{server.host}:{proxy.port}:__force_insecure:{server.key}",
    }
    command = [arguments.program, str(work / "study"), "--project", "demo/soak", "--profile", str(work / "soak.toml")]
    command += ["--report", str(work / "report.jsonl"), "--uploads", "8", "-q"]
    draw, ends = random.Random(arguments.seed), collections.Counter()
    print(f"{arguments.series} series of {arguments.slices} instances; seed {arguments.seed}", flush=True)
    while True:
        doomed = sum(ends.values()) % arguments.kill_every != arguments.kill_every - 1
        code, said = run(command, environment, draw.uniform(0.1, arguments.longest) if doomed else None)
        ends[code] += 1
        if code == 0:
            break
        if sum(ends.values()) > arguments.most_runs:
            raise SystemExit(f"it does not come to an end: {dict(ends)}\n{said.decode(errors='replace')[-2000:]}")
    seconds = time.monotonic() - begin
    counts, files, found = holdings(server)
    server.stop()
    print(f"runs by how they ended: {dict(ends)}; {proxy.connections} connections; faults: {dict(proxy.faults)}; {seconds:.0f} s")
    print(f"the server holds {counts}, {files} files, {len(found)} instances")
    persons = (arguments.series + 9) // 10
    expected = {"subjects": persons, "sessions": persons, "acquisitions": arguments.series}
    twice = [uid for uid, times in found.items() if times > 1]
    lost = uids - set(found)
    strange = set(found) - uids
    if counts != expected or files != arguments.series or twice or lost or strange:
        raise SystemExit(f"wrong: expected {expected}; {len(lost)} lost, {len(twice)} twice, {len(strange)} strange")
    print("every instance is there once")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.1, help="share of connections that are spoiled from the start")
    parser.add_argument("--kill-every", type=int, default=4, help="one run in this many is not killed")
    parser.add_argument("--longest", type=float, default=8.0, help="seconds after which a run is killed at the latest")
    parser.add_argument("--most-runs", type=int, default=400)
    arguments = parser.parse_args()
    arguments.program = str(pathlib.Path(arguments.program).resolve())
    with tempfile.TemporaryDirectory(prefix="fwupload-soak-") as work:
        soak(arguments, pathlib.Path(work))


if __name__ == "__main__":
    main()
