"""Uploads the example through real proxies, tinyproxy and microsocks, and around one by NO_PROXY.

    python3 .ci/proxies.py FWUPLOAD
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    running = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        # No proxy is asked for the loopback: the site has the name of this machine.
        name = socket.gethostname()
        address = socket.gethostbyname(name)
        site = subprocess.Popen(
            [program, "sandbox", folder / "site", "--project", "demo/phantom", "--listen", f"{address}:0"],
            stdout=subprocess.PIPE,
            env=clean,
        )
        running.append(site)
        key = json.loads(site.stdout.readline())["key"].replace(address, name)
        http, socks = free_port(), free_port()
        log = folder / "tinyproxy.log"
        settings = folder / "tinyproxy.conf"
        settings.write_text(
            f'Port {http}\nListen 127.0.0.1\nTimeout 60\nLogFile "{log}"\nLogLevel Connect\nAllow 127.0.0.1\nMaxClients 50\n'
        )
        heard = open(folder / "microsocks.log", "wb")
        running.append(subprocess.Popen(["tinyproxy", "-d", "-c", settings], stdout=subprocess.DEVNULL))
        running.append(subprocess.Popen(["microsocks", "-i", "127.0.0.1", "-p", str(socks)], stderr=heard))
        wait_for(http)
        wait_for(socks)

        def through_http():
            return log.read_text().count("Connect (file descriptor") if log.exists() else 0

        def through_socks():
            return (folder / "microsocks.log").read_text(errors="replace").count("connected to")

        def sent(subject, **variables):
            done = subprocess.run(
                [program, ROOT / "examples/study", "-p", "demo/phantom", "--profile", "basic", "--subject", subject]
                + ["--merge-patients", "--new-pseudonym-key", "--report", folder / f"{subject}.jsonl"],
                env={**clean, "FWUPLOAD_API_KEY": key, **variables},
                capture_output=True,
                text=True,
                timeout=120,
            )
            if done.returncode != 3 or "Uploaded" not in done.stderr:
                sys.exit(f"{subject}: exit code {done.returncode}\n{done.stderr}")

        steps = [
            ("http", {"HTTP_PROXY": f"http://127.0.0.1:{http}"}, through_http, True),
            ("socks", {"ALL_PROXY": f"socks5h://127.0.0.1:{socks}"}, through_socks, True),
            ("around", {"HTTP_PROXY": f"http://127.0.0.1:{http}", "NO_PROXY": name}, through_http, False),
        ]
        faults = 0
        for step, variables, connections, wanted in steps:
            before = connections()
            sent(step, **variables)
            used = connections() - before
            good = (used > 0) == wanted
            faults += not good
            print(f"{step}: uploaded, {used} connections through the proxy: {'yes' if good else 'NO'}")
        for process in running:
            process.kill()
            process.wait()
    sys.exit(1 if faults else 0)


main()
