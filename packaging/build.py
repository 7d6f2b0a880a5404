#!/usr/bin/env python3
"""Builds what is given to others: the program for a target, and its packages.

Owns what goes into which package, under which name. Never publishes anything, and writes nothing
outside of target/. Packing the same program of the same commit gives the same bytes, but for conda.

    python3 packaging/build.py wheel x86_64-unknown-linux-musl     # compiles
    python3 packaging/build.py tarball x86_64-unknown-linux-musl   # packs
    python3 packaging/build.py all x86_64-unknown-linux-musl
    python3 packaging/build.py sums
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PACKAGES = BUILT / "packages"
TOOLS = BUILT / "dist-tools"
CONDA_TOOLS = BUILT / "conda-tools"

# The C compiler and linker for all targets, what calls Cargo and them, and the certificates of the
# container.
TOOL_PACKAGES = (
    "certifi==2026.10.19.post1",
    "maturin==1.16.0",
    "ziglang==0.17.1",
)
CONDA_PACKAGES = ("py-rattler-build==0.73.0", "py-rattler==0.28.0")

# What other worlds call a target: Debian, npm (os, cpu), containers, conda, tags of wheels.
TARGETS = {
    "x86_64-unknown-linux-musl": {
        "deb": "amd64",
        "npm": ("linux", "x64"),
        "container": "amd64",
        "conda": "linux-64",
        "wheel": ("manylinux_2_17", "musllinux_1_2"),
        "runs_on": ("Linux", "x86_64"),
    },
    "aarch64-unknown-linux-musl": {
        "deb": "arm64",
        "npm": ("linux", "arm64"),
        "container": "arm64",
        "conda": "linux-aarch64",
        "wheel": ("manylinux_2_17", "musllinux_1_2"),
        "runs_on": ("Linux", "aarch64"),
    },
    "aarch64-apple-darwin": {
        "npm": ("darwin", "arm64"),
        "conda": "osx-arm64",
        "wheel": (),
        "runs_on": ("Darwin", "arm64"),
    },
}

SHELLS = {"bash": "fwupload.bash", "zsh": "_fwupload", "fish": "fwupload.fish"}
PAGES = ("README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-APACHE", "LICENSE-MIT")
LICENCE_FILES = ("licen", "copying", "notice", "unlicense", "copyright")


def run(*command, **settings):
    print("+", *(str(word) for word in command), file=sys.stderr, flush=True)
    return subprocess.run([str(word) for word in command], check=True, cwd=ROOT, **settings)


def output(*command, **settings):
    return run(*command, stdout=subprocess.PIPE, text=True, **settings).stdout


def metadata(*arguments):
    return json.loads(output("cargo", "metadata", "--locked", "--format-version=1", *arguments))


def package():
    return next(p for p in metadata("--no-deps")["packages"] if p["name"] == "fwupload")


def git(*arguments):
    """What git says; nothing for sources that came without their history."""
    told = subprocess.run(("git", *arguments), cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return told.stdout.strip() if told.returncode == 0 else ""


def epoch():
    """The time of everything inside of a package: that of the commit."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or 315532800)


def installed(folder, packages):
    """The programs of an environment with pinned packages, made once for each set of pins."""
    programs, made = folder / "bin", folder / "pins"
    pins = "\n".join(packages)
    if not (made.is_file() and made.read_text() == pins):
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", folder)
        run(programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
        made.write_text(pins)
    return programs


def tools():
    return installed(TOOLS, TOOL_PACKAGES)


def conda_tools():
    return installed(CONDA_TOOLS, CONDA_PACKAGES)


def environment():
    """What every compiler is told: the commit, and names in the place of this machine's folders."""
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    names = [(home / "registry" / "src", "/crates"), (ROOT, "/fwupload")]
    if not BUILT.is_relative_to(ROOT):
        names.append((BUILT, "/fwupload/target"))
    commit = os.environ.get("FWUPLOAD_COMMIT") or git("rev-parse", "--short=12", "HEAD")
    if commit and git("status", "--porcelain") and "FWUPLOAD_COMMIT" not in os.environ:
        commit += " with changes"
    settings = dict(
        os.environ,
        PATH=f"{tools()}{os.pathsep}{os.environ['PATH']}",
        CARGO_ENCODED_RUSTFLAGS="\x1f".join(f"--remap-path-prefix={path}={name}" for path, name in names),
        CFLAGS=" ".join(f"-ffile-prefix-map={path}={name}" for path, name in names),
        CARGO_TERM_COLOR="never",
        CARGO_INCREMENTAL="0",
        SOURCE_DATE_EPOCH=str(epoch()),
    )
    if commit:
        settings["FWUPLOAD_COMMIT"] = commit
    return settings


def wheel(target):
    """Compiles the program, and puts it into a wheel: maturin does both, so that all packages hold
    one binary. On a Mac its own linker does, elsewhere zig, which knows all targets.

    The wheel is for glibc and musl alike, and no interpreter is asked for a version."""
    tags = [word for tag in TARGETS[target]["wheel"] for word in ("--compatibility", tag)]
    zig = () if platform.system() == "Darwin" else ("--zig",)
    run(tools() / "maturin", "build", "--locked", "--profile", "dist", "--target", target, *zig,
        *tags, "--out", PACKAGES, env=environment())


def binary_path(target):
    return BUILT / target / "dist" / "fwupload"


def built(target):
    path = binary_path(target)
    if not path.is_file():
        sys.exit(f"{target} is not built yet: python3 packaging/build.py wheel {target}")
    return path


def native():
    """The program for this machine, which prints the pages and completions of every package."""
    here = (platform.system(), platform.machine())
    target = next((name for name, known in TARGETS.items() if known["runs_on"] == here), None)
    if target is None:
        sys.exit(f"no package is made for this kind of machine: {here}")
    return built(target)


def third_party(target):
    """The licences of all crates in the program, as they ask for; the same text stands once."""
    names = output("cargo", "tree", "--locked", "--edges=normal", "--prefix=none", "--no-dedupe",
                   f"--target={target}", "--package=fwupload", "--format={p}")
    linked = {tuple(line.split()[:2]) for line in names.splitlines() if line.strip()}
    texts, without = {}, []
    for crate in sorted(metadata()["packages"], key=lambda p: (p["name"], p["version"])):
        if (crate["name"], f"v{crate['version']}") not in linked or crate["source"] is None:
            continue
        name = f"{crate['name']} {crate['version']} ({crate['license'] or 'see below'})"
        folder = pathlib.Path(crate["manifest_path"]).parent
        found = [path for path in sorted(folder.iterdir())
                 if path.is_file() and path.name.lower().startswith(LICENCE_FILES)]
        for path in found:
            texts.setdefault(path.read_text(errors="replace").strip(), []).append(name)
        if not found:
            without.append(name)
    lines = ["fwupload contains these works. Its own licence is in LICENSE-APACHE and LICENSE-MIT.", ""]
    if without:
        lines += ["Without a text of their own, under the licence that is named:", "",
                  *(f"  {name}" for name in without), ""]
    for text, names in texts.items():
        lines += ["=" * 79, *(f"  {name}" for name in names), "=" * 79, "", text, ""]
    return "\n".join(lines).encode()


def documents(target):
    """What goes along with the program: {name: bytes}, below man/, completions/ and doc/."""
    program, made = native(), {}
    pages = PACKAGES / "work" / "man"
    shutil.rmtree(pages, ignore_errors=True)
    run(program, "man", "--output", pages)
    for page in sorted(pages.iterdir()):
        made[f"man/{page.name}"] = page.read_bytes()
    for shell, name in SHELLS.items():
        made[f"completions/{name}"] = output(program, "completions", shell).encode()
    for page in PAGES:
        made[f"doc/{page}"] = (ROOT / page).read_bytes()
    made["doc/LICENSES-THIRD-PARTY"] = third_party(target)
    return made


def zipped(data):
    return gzip.compress(data, 9, mtime=0)


def tarball(path, entries):
    """A tar.gz of {name: (bytes, mode)} whose bytes depend on these alone."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, (data, mode) in sorted(entries.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), mode, epoch()
            tar.addfile(info, io.BytesIO(data))
    PACKAGES.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zipped(held.getvalue()))
    print(path)


def archive(target):
    folder = f"fwupload-{package()['version']}-{target}"
    entries = {f"{folder}/fwupload": (built(target).read_bytes(), 0o755)}
    for name, data in documents(target).items():
        entries[f"{folder}/{name.removeprefix('doc/')}"] = (data, 0o644)
    tarball(PACKAGES / f"{folder}.tar.gz", entries)


def written(root, entries):
    """A folder with {name: (bytes, mode)} and nothing else, with modes that no umask changes."""
    shutil.rmtree(root, ignore_errors=True)
    for name, (data, mode) in entries.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
    for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    return root


def deb(target):
    about, cpu = package(), TARGETS[target]["deb"]
    entries = {"usr/bin/fwupload": (built(target).read_bytes(), 0o755)}
    places = {
        "fwupload.bash": "usr/share/bash-completion/completions/fwupload",
        "_fwupload": "usr/share/zsh/vendor-completions/_fwupload",
        "fwupload.fish": "usr/share/fish/vendor_completions.d/fwupload.fish",
    }
    doc = "usr/share/doc/fwupload"
    for name, data in documents(target).items():
        kind, base = name.split("/", 1)
        if kind == "man":
            entries[f"usr/share/man/man1/{base}.gz"] = (zipped(data), 0o644)
        elif kind == "completions":
            entries[places[base]] = (data, 0o644)
        elif base == "CHANGELOG.md":
            entries[f"{doc}/changelog.gz"] = (zipped(data), 0o644)
        elif not base.startswith("LICENSE"):
            entries[f"{doc}/{base}"] = (data, 0o644)
        elif base == "LICENSES-THIRD-PARTY":
            entries[f"{doc}/{base}.gz"] = (zipped(data), 0o644)
    holder = next(line for line in (ROOT / "LICENSE-MIT").read_text().splitlines()
                  if line.startswith("Copyright"))
    licence = (ROOT / "LICENSE-MIT").read_text().split("\n\n", 2)[2]
    entries[f"{doc}/copyright"] = ((
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        f"Upstream-Name: fwupload\n\nFiles: *\n{holder.replace('(c) ', '').replace(' ', ': ', 1)}\n"
        "License: Expat or Apache-2.0\n"
        "Comment: The licences of crates in the program are in LICENSES-THIRD-PARTY.gz.\n\n"
        "License: Expat\n" + "".join(f" {line or '.'}\n" for line in licence.strip().splitlines()) +
        "\nLicense: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n"
    ).encode(), 0o644)
    size = sum(len(data) for data, _ in entries.values()) // 1024
    control = (
        f"Package: fwupload\nVersion: {about['version']}\nArchitecture: {cpu}\n"
        "Maintainer: The fwupload developers <fwupload@localhost>\n"
        f"Installed-Size: {size}\nDepends: ca-certificates\nSection: science\nPriority: optional\n"
        f"Description: {about['description']}\n"
        " Cleans DICOM files under the profile that governs a project and uploads what it\n"
        " cleaned, one file per series. A file that it cannot clean is reported and never sent.\n")
    sums = "".join(f"{hashlib.md5(data).hexdigest()}  {name}\n"
                   for name, (data, _) in sorted(entries.items()))
    entries["DEBIAN/control"] = (control.encode(), 0o644)
    entries["DEBIAN/md5sums"] = (sums.encode(), 0o644)
    root = written(PACKAGES / "work" / f"deb-{cpu}", entries)
    path = PACKAGES / f"fwupload_{about['version']}_{cpu}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, path,
        env=dict(os.environ, SOURCE_DATE_EPOCH=str(epoch())))


def npm_manifest(name, **more):
    about = package()
    manifest = {"name": name, "version": about["version"], "description": about["description"],
                "license": about["license"], **more}
    return (json.dumps(manifest, indent=2) + "\n").encode(), 0o644


def npm_licences():
    return {f"package/{name}": ((ROOT / name).read_bytes(), 0o644)
            for name in ("LICENSE-APACHE", "LICENSE-MIT")}


def npm(target):
    """The package of one platform, which npm installs only there."""
    system, cpu = TARGETS[target]["npm"]
    name, version = f"fwupload-{system}-{cpu}", package()["version"]
    tarball(PACKAGES / f"{name}-{version}.tgz", npm_licences() | {
        "package/package.json": npm_manifest(name, os=[system], cpu=[cpu], files=["bin"]),
        "package/bin/fwupload": (built(target).read_bytes(), 0o755),
        "package/LICENSES-THIRD-PARTY": (third_party(target), 0o644),
    })


def npm_front():
    """The package that is asked for: a launcher, and the packages of all platforms as choices."""
    version = package()["version"]
    choices = {"-".join(("fwupload", *known["npm"])): version for known in TARGETS.values()}
    tarball(PACKAGES / f"fwupload-{version}.tgz", npm_licences() | {
        "package/package.json": npm_manifest(
            "fwupload", bin={"fwupload": "bin/fwupload.js"}, files=["bin"],
            engines={"node": ">=18"}, optionalDependencies=choices),
        "package/bin/fwupload.js": ((ROOT / "packaging/npm/fwupload.js").read_bytes(), 0o755),
        "package/README.md": ((ROOT / "README.md").read_bytes(), 0o644),
    })


def container_context(target):
    """The folder that packaging/container/Containerfile is built in."""
    certificates = output(tools() / "python", "-c", "import certifi; print(certifi.where())").strip()
    root = written(PACKAGES / "work" / f"container-{TARGETS[target]['container']}", {
        "root/usr/bin/fwupload": (built(target).read_bytes(), 0o755),
        "root/etc/ssl/certs/ca-certificates.crt": (pathlib.Path(certificates).read_bytes(), 0o644),
        "root/usr/share/doc/fwupload/LICENSE-APACHE": ((ROOT / "LICENSE-APACHE").read_bytes(), 0o644),
        "root/usr/share/doc/fwupload/LICENSE-MIT": ((ROOT / "LICENSE-MIT").read_bytes(), 0o644),
        "root/usr/share/doc/fwupload/LICENSES-THIRD-PARTY": (third_party(target), 0o644),
    })
    # Any user may write temporary files and the journal.
    for name in ("tmp", "state"):
        folder = root / "root" / name
        folder.mkdir()
        folder.chmod(0o1777)
    return root


def container(target):
    """An image in an archive that docker, podman and nerdctl load as it is."""
    cpu = TARGETS[target]["container"]
    context, tag = container_context(target), f"fwupload:{package()['version']}"
    path = PACKAGES / f"fwupload-{package()['version']}-container-{cpu}.tar"
    recipe = ROOT / "packaging" / "container" / "Containerfile"
    common = (f"--platform=linux/{cpu}", f"--tag={tag}", f"--file={recipe}", context)
    path.unlink(missing_ok=True)
    if shutil.which("buildah"):
        run("buildah", "bud", "--isolation=chroot", f"--timestamp={epoch()}", *common)
        run("buildah", "push", "--quiet", tag, f"docker-archive:{path}:{tag}")
    else:
        engine = shutil.which("podman") or shutil.which("docker")
        if engine is None:
            sys.exit("buildah, podman or docker is needed for the container")
        run(engine, "build", *common)
        run(engine, "save", f"--output={path}", tag)
    packed = path.with_suffix(".tar.gz")
    packed.write_bytes(zipped(path.read_bytes()))
    path.unlink()
    print(packed)


def conda(target):
    """Made of the tarball, which has to be there."""
    version, folder = package()["version"], PACKAGES / "work" / "conda"
    archive_path = PACKAGES / f"fwupload-{version}-{target}.tar.gz"
    if not archive_path.is_file():
        sys.exit(f"{archive_path} is needed: python3 packaging/build.py tarball {target}")
    subdir = TARGETS[target]["conda"]
    # Names of conda packages have no platform, and these lie in one folder.
    build = f"{subdir.replace('-', '_')}_0"
    # What it unpacked from an earlier tarball of that name it would take again.
    shutil.rmtree(folder, ignore_errors=True)
    run(conda_tools() / "python", "-W", "ignore", "-c", f"""
import rattler_build
rattler_build.build_recipes([{str(ROOT / "packaging" / "conda" / "recipe.yaml")!r}], output_dir={str(folder)!r},
                            target_platform={subdir!r}, channel=[], test="skip")
""", env=dict(os.environ, FWUPLOAD_VERSION=version, FWUPLOAD_TARBALL=str(archive_path),
              FWUPLOAD_BUILD=build, SOURCE_DATE_EPOCH=str(epoch())))
    name = f"fwupload-{version}-{build}.conda"
    shutil.copyfile(folder / subdir / name, PACKAGES / name)
    print(PACKAGES / name)


def sums():
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
             for path in sorted(PACKAGES.iterdir()) if path.is_file() and path.name != "SHA256SUMS"]
    (PACKAGES / "SHA256SUMS").write_text("".join(lines))
    print("".join(lines), end="")


def everything(target):
    wheel(target)
    archive(target)
    npm(target)
    conda(target)
    if "deb" in TARGETS[target]:
        deb(target)
    if "container" in TARGETS[target]:
        container(target)


RECIPES = {
    "wheel": wheel,
    "tarball": archive,
    "deb": deb,
    "npm": npm,
    "container": container,
    "conda": conda,
    "all": everything,
}


def main():
    parser = argparse.ArgumentParser(description="Builds the packages of fwupload, below target/packages.")
    parser.add_argument("what", choices=(*RECIPES, "npm-front", "sums"))
    parser.add_argument("target", nargs="*", help=", ".join(TARGETS))
    arguments = parser.parse_args()
    PACKAGES.mkdir(parents=True, exist_ok=True)
    if arguments.what == "npm-front":
        npm_front()
    elif arguments.what == "sums":
        sums()
    else:
        for target in arguments.target or ["x86_64-unknown-linux-musl"]:
            if target not in TARGETS:
                parser.error(f"{target} is none of {', '.join(TARGETS)}")
            RECIPES[arguments.what](target)


if __name__ == "__main__":
    main()
