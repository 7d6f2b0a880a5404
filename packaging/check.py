#!/usr/bin/env python3
"""Installs each package in a clean place and uploads the example with what was installed.

Owns what a package must hold to count as working. Never builds: packaging/build.py does. What an
uploaded example is, `uploads_the_example` alone says. `deb` and `container` need root.

    python3 packaging/check.py wheel deb        # of this machine's kind
    python3 packaging/check.py arm64            # under qemu-user: the same bytes as here
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib

import build

STUDY = build.ROOT / "examples" / "study"
LIMIT = 16_500_000
# Nothing of the caller's environment reaches what is installed, but for the folders of programs.
PATH = os.environ["PATH"]


def run(*command, **settings):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE,
                          text=True, **settings).stdout


def insist(holds, otherwise):
    if not holds:
        sys.exit(f"FAILED: {otherwise}")


def uploads_the_example(command, study, place, sees, **settings):
    """Uploads to a sandbox below `place`, which the command calls `sees`, and counts what arrived."""
    settings.setdefault("env", {"HOME": str(place), "PATH": PATH})
    begun = time.monotonic()
    ran = subprocess.run(
        [*(str(word) for word in command), str(study), "--project", "demo/phantom", "--json",
         "--sandbox", f"{sees}/server", "--report", f"{sees}/failures.jsonl"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **settings)
    seconds = time.monotonic() - begun
    # One file is cut short on purpose.
    insist(ran.returncode == 3, f"the example ended with {ran.returncode}:\n{ran.stderr}")
    end = json.loads(ran.stdout.splitlines()[-1])
    told = {name: end["totals"][name] for name in ("found", "uploaded", "skipped", "failed", "acquisitions")}
    expected = {"found": 17, "uploaded": 15, "skipped": 1, "failed": 1, "acquisitions": 4}
    insist(end["type"] == "end" and told == expected, f"{told} instead of {expected}")
    arrived = sorted(path.name for path in (pathlib.Path(place) / "server" / "demo").rglob("*.zip"))
    insist(len(arrived) == 4, f"{arrived} arrived, and not four series")
    return seconds


def package_of(pattern):
    found = sorted(build.PACKAGES.glob(pattern), key=lambda path: path.stat().st_mtime)
    insist(found, f"there is no {pattern} in {build.PACKAGES}")
    return found[-1]


def here():
    return next(name for name, known in build.TARGETS.items()
                if known["runs_on"] == (os.uname().sysname, os.uname().machine))


def check_binary(folder):
    program = build.built(here())
    data = program.read_bytes()
    insist(len(data) <= LIMIT, f"the program has {len(data)} bytes, and {LIMIT} are the limit")
    version = run(program, "--version")
    insist(build.package()["version"] in version and here().split("-")[0] in version, version)
    # Folders of the machine that built it, which say who did.
    for path in {build.ROOT, build.BUILT, pathlib.Path.home(), build.TOOLS, pathlib.Path(os.environ.get("CARGO_HOME", "/")) }:
        found = str(path).encode() in data if len(str(path)) > 5 else re.search(
            re.escape(str(path).encode()) + rb"/[.\w]+/", data) if len(str(path)) > 1 else None
        insist(not found, f"{path} stands in the program")
    if sys.platform == "linux":
        kind = run("file", "-b", program) if shutil.which("file") else "static"
        insist("static" in kind, f"it needs libraries: {kind}")
    seconds = uploads_the_example([program], STUDY, folder, folder, cwd=folder)
    return f"{len(data):,} bytes, example in {seconds:.2f} s"


def check_wheel(folder):
    wheel = package_of(f"*{os.uname().machine}.whl")
    run(sys.executable, "-m", "venv", folder / "venv")
    begun = time.monotonic()
    run(folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-index", wheel)
    installed = time.monotonic() - begun
    program = folder / "venv/bin/fwupload"
    insist(program.read_bytes() == build.built(here()).read_bytes(), "the wheel has another program")
    told = run(folder / "venv/bin/python", "-c", "import importlib.metadata as m; print(m.version('fwupload'))")
    insist(told.strip() == build.package()["version"], told)
    seconds = uploads_the_example([program], STUDY, folder, folder, cwd=folder)
    return (f"{wheel.name}: {wheel.stat().st_size:,} bytes, installed in {installed:.1f} s, "
            f"example in {seconds:.2f} s")


def check_tarball(folder):
    archive = package_of(f"*-{here()}.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    root = folder / archive.name.removesuffix(".tar.gz")
    for name in ("README.md", "LICENSE-MIT", "LICENSES-THIRD-PARTY", "man/fwupload.1",
                 "man/fwupload-profile-test.1", *(f"completions/{name}" for name in build.SHELLS.values())):
        insist((root / name).stat().st_size > 100, f"{name} is empty")
    run("bash", "-n", root / "completions/fwupload.bash")
    # What `cargo binstall` would look for.
    about = tomllib.loads((build.ROOT / "Cargo.toml").read_text())
    known = {"repo": "", "version": about["workspace"]["package"]["version"], "target": here(),
             "name": "fwupload", "bin": "fwupload", "binary-ext": ""}
    binstall = about["package"]["metadata"]["binstall"]

    def filled(template):
        return re.sub(r"\{ ([a-z-]+) \}", lambda found: known[found[1]], template)
    insist(filled(binstall["pkg-url"]).endswith(f"/{archive.name}"), "cargo binstall looks elsewhere")
    program = folder / filled(binstall["bin-dir"])
    seconds = uploads_the_example([program], STUDY, folder, folder, cwd=folder)
    return f"{archive.name}: {archive.stat().st_size:,} bytes, example in {seconds:.2f} s"


def inside(root, *command):
    return ("chroot", root, "/usr/bin/env", "-i", "HOME=/there", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "DEBIAN_FRONTEND=noninteractive", *command)


def check_deb(folder):
    package = package_of(f"*_{build.TARGETS[here()]['deb']}.deb")
    root = folder / "root"
    run("sh", build.ROOT / "packaging/root.sh", root)
    (root / "there").mkdir()
    shutil.copy(package, root / "there")
    shutil.copytree(STUDY, root / "there/study")
    run(*inside(root, "apt-get", "-qq", "update"))
    begun = time.monotonic()
    # As people do, so that what it depends on comes along.
    run(*inside(root, "apt-get", "-qq", "install", "--yes", "--no-install-recommends",
                f"/there/{package.name}"), stderr=subprocess.DEVNULL)
    installed = time.monotonic() - begun
    # minbase leaves out nothing that dpkg would complain about.
    insist("ii " in run(*inside(root, "dpkg", "-l", "fwupload", "ca-certificates")), "not installed")
    insist(not run(*inside(root, "dpkg", "--verify", "fwupload")), "files are not as the package says")
    for name in ("usr/share/man/man1/fwupload.1.gz", "usr/share/doc/fwupload/copyright",
                 "usr/share/bash-completion/completions/fwupload", "etc/ssl/certs/ca-certificates.crt"):
        insist((root / name).is_file(), f"/{name} is missing")
    (root / "there/run").mkdir()
    seconds = uploads_the_example(inside(root, "fwupload"), "/there/study", root / "there/run", "/there/run",
                                  env=None)
    run(*inside(root, "apt-get", "-qq", "purge", "--yes", "fwupload"), stderr=subprocess.DEVNULL)
    insist(not (root / "usr/bin/fwupload").exists(), "it stays when it is purged")
    return (f"{package.name}: {package.stat().st_size:,} bytes, installed in {installed:.1f} s, "
            f"example in {seconds:.2f} s")


def check_npm(folder):
    system, cpu = build.TARGETS[here()]["npm"]
    version = build.package()["version"]
    front, platform = (package_of(f"{name}-{version}.tgz") for name in ("fwupload", f"fwupload-{system}-{cpu}"))
    (folder / "package.json").write_text("{}\n")
    settings = {"cwd": folder, "env": {"HOME": str(folder), "PATH": PATH}}
    run("npm", "install", "--offline", "--no-audit", "--no-fund", platform, front, **settings)
    launcher = folder / "node_modules/.bin/fwupload"
    insist(version in run(launcher, "-V", **settings), "another version")
    seconds = uploads_the_example([launcher], STUDY, folder, folder, **settings)
    # What a signal does has to be what it does to the program itself.
    server = subprocess.Popen([launcher, "sandbox", folder / "other"], stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, **settings)
    server.stdout.readline()
    server.terminate()
    direct = subprocess.Popen([build.built(here()), "sandbox", folder / "third"], stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, **settings)
    direct.stdout.readline()
    direct.terminate()
    ends = server.wait(30), direct.wait(30)
    insist(ends[0] == ends[1], f"a terminated launcher ends with {ends[0]}, the program with {ends[1]}")
    # Elsewhere it says what is missing.
    shutil.rmtree(folder / "node_modules" / f"fwupload-{system}-{cpu}")
    without = subprocess.run([launcher, "-V"], stderr=subprocess.PIPE, text=True, check=False, **settings)
    insist(without.returncode == 1 and f"fwupload-{system}-{cpu}" in without.stderr, without.stderr)
    return f"{platform.name}: {platform.stat().st_size:,} bytes, example in {seconds:.2f} s"


def check_container(folder):
    image = package_of(f"*-container-{build.TARGETS[here()]['container']}.tar.gz")
    root, layers = folder / "root", folder / "layers"
    root.mkdir()
    with tarfile.open(image) as tar:
        tar.extractall(layers, filter="data")
    (manifest,) = json.loads((layers / "manifest.json").read_text())
    for layer in manifest["Layers"]:
        with tarfile.open(layers / layer) as tar:
            tar.extractall(root, filter="fully_trusted")
    config = json.loads((layers / manifest["Config"]).read_text())["config"]
    insist(config["Entrypoint"] == ["/usr/bin/fwupload"], config)
    shutil.copytree(STUDY, root / "study")
    (root / "out").mkdir()
    (root / "out").chmod(0o777)
    # An engine sets what the image names, and here a user who has no name and no home in it.
    environment = dict(entry.split("=", 1) for entry in config["Env"])
    command = ("chroot", "--userspec=4711:4711", root, *config["Entrypoint"])
    seconds = uploads_the_example(command, "/study", root / "out", "/out", env=environment)
    return f"{image.name}: {image.stat().st_size:,} bytes, example in {seconds:.2f} s"


def check_conda(folder):
    """Installs it from a channel of files, as `conda install` does."""
    package = package_of(f"*-{build.TARGETS[here()]['conda'].replace('-', '_')}_0.conda")
    subdir = build.TARGETS[here()]["conda"]
    (folder / "channel" / subdir).mkdir(parents=True)
    shutil.copy(package, folder / "channel" / subdir)
    run(build.conda_tools() / "python", "-c", f"""
import asyncio, os, rattler, rattler.index
async def main():
    await rattler.index.index_fs({str(folder / 'channel')!r})
    records = await rattler.solve(sources=[rattler.Channel({str(folder / 'channel')!r})],
                                  specs=['fwupload'], platforms=['{subdir}', 'noarch'])
    await rattler.install(records, target_prefix={str(folder / 'prefix')!r}, show_progress=False)
asyncio.run(main())
os._exit(0)  # The threads of the library sometimes crash when the interpreter ends.
""", env={"HOME": str(folder), "PATH": PATH})
    program = folder / "prefix/bin/fwupload"
    insist(program.read_bytes() == build.built(here()).read_bytes(), "the package has another program")
    seconds = uploads_the_example([program], STUDY, folder, folder, cwd=folder)
    return f"{package.name}: {package.stat().st_size:,} bytes, example in {seconds:.2f} s"


def tree(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def check_arm64(folder):
    """What the program for arm64 writes, under an emulator, beside what the one for this machine writes."""
    programs = {"here": [build.built(here())],
                "arm64": ["qemu-aarch64-static", build.built("aarch64-unknown-linux-musl")]}
    (folder / "key").write_text("5a" * 32 + "\n")
    (folder / "key").chmod(0o600)
    made = {}
    for name, command in programs.items():
        out = folder / name
        for profile in ("basic", "longitudinal", "strict"):
            ran = subprocess.run(
                [*map(str, command), str(STUDY), "--project", "demo/phantom", "--offline", "--output",
                 str(out / profile), "--profile", profile, "--pseudonym-key-file", str(folder / "key"),
                 "--report", str(folder / f"{name}-{profile}.jsonl"), "--quiet"],
                env={"HOME": str(folder / f"home-{name}"), "PATH": PATH}, stderr=subprocess.PIPE,
                text=True, check=False)
            insist(ran.returncode == 3, f"{name}, {profile}: {ran.returncode}\n{ran.stderr}")
        made[name] = tree(out)
    insist(len(made["here"]) >= 12, f"only {sorted(made['here'])} were written")
    insist(made["here"] == made["arm64"], "other bytes: " + ", ".join(
        sorted(name for name in made["here"].keys() | made["arm64"].keys()
               if made["here"].get(name) != made["arm64"].get(name))))
    seconds = uploads_the_example(programs["arm64"], STUDY, folder, folder, cwd=folder)
    return f"{len(made['here'])} files are the same, example in {seconds:.2f} s under qemu"


def check_sums(folder):
    run("sha256sum", "--quiet", "--check", "SHA256SUMS", cwd=build.PACKAGES)
    named = {line.split()[1] for line in (build.PACKAGES / "SHA256SUMS").read_text().splitlines()}
    there = {path.name for path in build.PACKAGES.iterdir() if path.is_file()} - {"SHA256SUMS"}
    insist(named == there, f"{sorted(named ^ there)}: without a checksum, or without a file")
    return f"{len(named)} files"


CHECKS = {name.removeprefix("check_"): check for name, check in list(globals().items())
          if name.startswith("check_")}


def main():
    parser = argparse.ArgumentParser(description="Installs packages in clean places and uploads the example.")
    parser.add_argument("what", nargs="+", choices=tuple(CHECKS))
    for name in parser.parse_args().what:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {CHECKS[name](pathlib.Path(folder))}", flush=True)


if __name__ == "__main__":
    main()
