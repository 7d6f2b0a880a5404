"""Logs in and out with a real keyring, GNOME's, in a session of its own: the key is in no file.

    dbus-run-session -- python3 .ci/keyring.py FWUPLOAD

FWUPLOAD is built with the feature `keyring`.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home / "data")}
        for name in [name for name in environment if name.startswith(("FWUPLOAD_", "XDG_CONFIG"))]:
            del environment[name]
        daemon = ["gnome-keyring-daemon", "--unlock", "--components=secrets"]
        subprocess.run(daemon, input=b"password", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        site = subprocess.Popen(
            [program, "sandbox", home / "site", "--project", "demo/phantom"], stdout=subprocess.PIPE, env=environment
        )
        key = json.loads(site.stdout.readline())["key"]

        def run(*words, code=0, typed=""):
            done = subprocess.run([program, *words], input=typed, env=environment, capture_output=True, text=True, timeout=60)
            if done.returncode != code:
                sys.exit(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
            return done.stdout

        try:
            said = run("login", "--with-key-stdin", typed=key)
            assert "the key is in the keyring" in said, said
            login = (home / ".config/fwupload/login.json").read_text()
            secret = key.rsplit(":", 1)[-1]
            assert "keyring" in login and secret not in login, login
            assert "the login in the keyring" in run("status")
            run("logout")
            run("status", code=4)
            run("login", "--with-key-stdin", typed=key)
            run("logout", "--all")
            run("login", "--with-key-stdin", typed=key)
            # What is gone from the keyring is not passed over.
            clear = ["secret-tool", "clear", "service", "fwupload"]
            subprocess.run(clear, env=environment, check=True)
            run("status", code=4)
        finally:
            site.kill()
            site.wait()
    print("the key was in the keyring alone: kept, used, forgotten, and missed when it was gone")


main()
