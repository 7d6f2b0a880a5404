"""examples/shards/parallel.sh: GNU parallel over two real sshd on this machine, and on this machine alone."""

import collections
import getpass
import os
import pathlib
import signal
import socket
import threading

from common import RECIPES, insist, needs, say, timed, wait_for, write_study

SSHD = """Port {port}
ListenAddress 127.0.0.1
HostKey {at}/host-{name}
AuthorizedKeysFile {at}/key.pub
PidFile {at}/{name}.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
SetEnv PATH={path} XDG_CONFIG_HOME={at}/config
"""
SSH = """Host {name}
  HostName 127.0.0.1
  HostKeyAlias {name}
  Port {port}
  User {user}
  IdentityFile {at}/key
  IdentitiesOnly yes
  UserKnownHostsFile {at}/known
  StrictHostKeyChecking accept-new
  ConnectTimeout 5
"""
HOSTS = ("first", "second")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def start_host(work, name, daemons):
    config = work.folder / f"ssh/sshd-{name}"
    # sshd wants its whole path, to run itself again.
    sshd = next(folder for folder in work.environment()["PATH"].split(":") if pathlib.Path(folder, "sshd").exists())
    daemons[name] = work.start([f"{sshd}/sshd", "-D", "-f", config, "-E", work.folder / f"ssh/{name}.log"])
    port = int(config.read_text().split()[1])
    wait_for(lambda: listens(port), f"sshd {name}")


def children(process):
    """A process and all below it."""
    found = [process]
    for task in pathlib.Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += children(int(child))
    return found


def cut_off(site, daemon):
    """Once a series has arrived: the host is away, as when its cable is pulled; what runs on it does not hear of that."""
    wait_for(site.holds, "the first series", 120)
    for process in children(daemon.pid):
        if pathlib.Path(f"/proc/{process}/comm").read_text().startswith("sshd"):
            os.kill(process, signal.SIGKILL)
    daemon.wait()


def running(work):
    """Whether an upload is under way on any host."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == work.folder and b"--shard" in (entry / "cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False


def start_hosts(work):
    """Two hosts, which see the same folders; gives their daemons and writes hosts.txt."""
    at = work.folder / "ssh"
    at.mkdir()
    if os.geteuid() == 0:
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    work.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at / "key"])
    daemons, config = {}, ""
    for name in HOSTS:
        work.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at / f"host-{name}"])
        values = {"at": at, "name": name, "port": free_port(), "user": getpass.getuser(), "path": work.environment()["PATH"]}
        (at / f"sshd-{name}").write_text(SSHD.format(**values))
        config += SSH.format(**values)
        start_host(work, name, daemons)
    (at / "ssh_config").write_text(config)
    lines = [f"1/ssh -F {at}/ssh_config {name}\n" for name in HOSTS]
    (work.folder / "hosts.txt").write_text("".join(lines))
    (work.folder / "second.txt").write_text(lines[1])
    return daemons


def call(work, name, study, profile, codes, hosts="hosts.txt", shards=4, **variables):
    """parallel.sh as it is typed; gives what it said and how many shards each host had."""
    said = work.run(["sh", RECIPES / "parallel.sh"], codes=codes, SHARDS=str(shards), HOSTS=hosts, INPUT=study, PROJECT="demo/phantom",
                    PROFILE=profile, REPORTS=f"{name}-reports", STATE=f"{name}-state", PARALLEL_HOME=str(work.folder / "parallel"), **variables)
    rows = [line.split("\t") for line in (work.folder / f"{name}-reports/parallel.log").read_text().splitlines()[1:]]
    return said, dict(collections.Counter(row[1].split()[-1] for row in rows)), {int(row[0]): int(row[6]) for row in rows}


def test(work, short):
    needs("sshd", "ssh", "ssh-keygen", "parallel")
    files = write_study(work.folder / "study", patients=8)
    daemons = start_hosts(work)
    say("hosts", f"{work.run(['parallel', '--version']).splitlines()[0]}, {work.run(['ssh', '-V']).strip()}; {files} files of 8 patients")
    for name, study, profile, code in (("well", "study", "engines.toml", 0), ("failed", "example", "basic", 3)):
        site = work.sandbox(f"site-{name}")
        with timed("hosts", f"{name}: ends with {code}") as said:
            text, by_host, ends = call(work, name, study, profile, (code,))
            insist("merged 4 reports" in text, text)
            insist(set(by_host) == set(HOSTS), f"not both hosts had shards: {by_host}\n{text}")
            said.append(f"{work.same_as_one_run(site, study, profile, code)} series as of one run; shards by host {by_host}, ends {ends}")
    site = work.sandbox("site-plan")
    with timed("hosts", "with a plan") as said:
        _, by_host, _ = call(work, "plan", "study", "engines.toml", (0,), PLAN="plan")
        said.append(f"{work.same_as_one_run(site, 'study', 'engines.toml', 0)} series as of one run; shards by host {by_host}")
    site = work.sandbox("site-alone")
    with timed("hosts", "on this machine alone") as said:
        text, _, ends = call(work, "alone", "study", "engines.toml", (0,), hosts="")
        said.append(f"{work.same_as_one_run(site, 'study', 'engines.toml', 0)} series as of one run; ends {ends}")
    site = work.sandbox("site-away")
    daemons["first"].terminate()
    daemons["first"].wait()
    with timed("hosts", "a host cannot be reached: the other one has all shards") as said:
        _, by_host, ends = call(work, "away", "study", "engines.toml", (0,))
        insist(set(by_host) == {"second"}, f"{by_host}, {ends}")
        said.append(f"{work.same_as_one_run(site, 'study', 'engines.toml', 0)} series as of one run; ends {ends}")
    if short:
        return
    start_host(work, "first", daemons)
    site = work.sandbox("site-cut")
    with timed("hosts", "a host is cut off in the middle of a shard") as said:
        settings = work.folder / "ssh/config/fwupload/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('bwlimit = "60K"\nuploads = 1\n')
        cut = threading.Thread(target=cut_off, args=(site, daemons["first"]))
        cut.start()
        _, by_host, ends = call(work, "cut", "study", "engines.toml", (0, 1))
        cut.join()
        settings.unlink()
        said.append(f"shards by host {by_host}, ends {ends}")
        # On the host that was cut off, the program may have gone on for a while, and has to be over.
        wait_for(lambda: not running(work), "the end of the program on the host that was cut off")
        _, by_host, ends = call(work, "cut", "study", "engines.toml", (0,))
        said.append(f"then {by_host}, {ends}, {work.same_as_one_run(site, 'study', 'engines.toml', 0)} series as of one run")
