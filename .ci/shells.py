"""Presses TAB in real shells: flags after a path, profiles, presets and sites are completed, and no request is sent.

    python3 .ci/shells.py FWUPLOAD [SHELL...]
"""

import os
import pathlib
import pty
import select
import signal
import sys
import tempfile
import time

START = {
    "bash": (["bash", "--norc", "-i"], "source <(fwupload completions bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -D; source <(fwupload completions zsh)"),
    # As packages have it: a file that is read on the first TAB.
    "zsh, packaged": (
        ["zsh", "-f", "-i"],
        "mkdir -p pages; fwupload completions zsh > pages/_fwupload; fpath=($PWD/pages $fpath); "
        "autoload -Uz compinit; compinit -D",
    ),
    "fish": (["fish", "--no-config", "-i"], "fwupload completions fish | source"),
}
# What is typed before TAB, and what the shell makes of it.
TYPED = [
    ("fwupload study --proj", "fwupload study --project"),
    ("fwupload study --profile flywheel-m", "fwupload study --profile flywheel-minimal"),
    ("fwupload study --preset nigh", "fwupload study --preset nightly"),
    ("fwupload status --site hosp", "fwupload status --site hospital"),
    ("fwupload explain deid.text-f", "fwupload explain deid.text-found"),
]
PATIENCE = 20


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command, folder, environment):
        self.process, self.leader = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.seen = ""

    def type(self, text):
        os.write(self.leader, text.encode())

    def wait_for(self, text, seconds=PATIENCE):
        """Whether the text appears on the terminal in time, from what was typed last on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.leader], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.leader, 1 << 16).decode(errors="replace")
                except OSError:
                    return False
            if text in plain(self.seen):
                return True
        return False

    def end(self):
        os.kill(self.process, signal.SIGKILL)
        os.close(self.leader)
        os.waitpid(self.process, 0)


def plain(seen):
    """What a person sees, roughly: without what steers the terminal."""
    out, inside = [], False
    for c in seen:
        if c == "\x1b":
            inside = True
        elif inside:
            inside = not c.isalpha()
        elif c not in "\x07\r\x08":
            out.append(c)
    return "".join(out)


def tried(shell, program, folder):
    command, start = START[shell]
    environment = {
        "HOME": str(folder / "home"),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        # A request would go here, and nothing listens: it would take its time and be told.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    faults = 0
    for typed, made in TYPED:
        at = Shell(command, folder / "work", environment)
        at.type(start + "; echo rea''dy\n")
        if not at.wait_for("ready"):
            print(f"{shell}: the script is not taken: {plain(at.seen)[-400:]}")
            at.end()
            return 1
        at.seen = ""
        # A shell that has just begun may throw away what is typed ahead.
        time.sleep(0.5)
        at.type(typed)
        time.sleep(0.3)
        at.seen = ""
        at.type("\t")
        rest = made[len(typed) :]
        good = at.wait_for(rest) if rest else True
        faults += not good
        print(f"{shell}: {typed!r} -> {made!r}: {'yes' if good else 'NO: ' + plain(at.seen)[-200:]!r}")
        at.end()
    return faults


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    shells = sys.argv[2:] or list(START)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "work/study").mkdir(parents=True)
        settings = folder / "home/.config/fwupload/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('[preset.nightly]\njobs = 1\n[site.hospital]\naddress = "flywheel.example"\n')
        faults = sum(tried(shell, program, folder) for shell in shells)
    sys.exit(f"{faults} completions are missing" if faults else 0)


main()
