"""The image of examples/shards/Containerfile, made by buildah, and in it the commands of kubernetes.yaml as a pod has them.

User 1000 without a name, a root that cannot be written to, and the volumes of the manifest. The base is busybox from this machine,
since images of others would have to be fetched.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

from common import ROOT, RECIPES, Skipped, end_of, insist, needs, say, timed, write_study
from test_kubernetes import documents

BASE = """FROM scratch
COPY base/ /
"""
# What an engine gives a container besides: an address book of its own is not among it, for the server is on this machine.
POD = """set -eu
root=$1; shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
    mkdir -p "$root$2"
    case $1 in
        tmpfs) mount -t tmpfs -o mode=1777 tmpfs "$root$2" ;;
        *) mount --bind "$1" "$root$2"; [ "$3" = rw ] || mount -o remount,ro,bind "$root$2" ;;
    esac
    shift 3
done
shift
mkdir -p "$root/dev" "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mount -t proc proc "$root/proc"
mount -o remount,ro,bind "$root"
exec chroot --userspec=1000:1000 --groups=1000 "$root" "$@"
"""


class Images:
    """Storage of buildah for this test alone."""

    def __init__(self, work):
        self.work = work
        self.common = ["buildah", "--storage-driver=vfs", "--root", work.folder / "images", "--runroot", work.folder / "images-run"]
        work.stack.callback(shutil.rmtree, work.folder / "images", True)

    def buildah(self, *command, **settings):
        return self.work.run([*self.common, *command], BUILDAH_ISOLATION="chroot", **settings).strip()

    def build(self, tag, recipe, context, *more):
        self.buildah("bud", "--quiet", "--pull-never", f"--tag={tag}", *more, "--file", recipe, context)


def libraries(program):
    """What a program needs that is not static, as one out of target/debug; one of a release needs nothing."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True)
    return re.findall(r"(/\S+) \(0x", told.stdout) if told.returncode == 0 else []


def images(work):
    """The image of a release as packaging makes it, one with a shell, and of both the one for the manifest."""
    images = Images(work)
    busybox = work.folder / "context/base/bin/busybox"
    busybox.parent.mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), busybox)
    for name in ("sh", "mkdir", "rm"):
        (busybox.parent / name).symlink_to("busybox")
    (work.folder / "base").write_text(BASE)
    images.build("base", work.folder / "base", work.folder / "context")
    root = work.folder / "context/root"
    program = pathlib.Path(os.path.realpath(work.program))
    needed = libraries(program)
    for path, name in [(program, "/usr/bin/fwupload"), *((pathlib.Path(library), library) for library in needed)]:
        (root / name[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / name[1:])
    for name in ("tmp", "state"):
        (root / name).mkdir()
        (root / name).chmod(0o1777)
    images.build("release", ROOT / "packaging/container/Containerfile", work.folder / "context")
    empty = work.folder / "empty"
    empty.mkdir()
    images.build("fwupload-shell", RECIPES / "Containerfile", empty, "--build-arg=RELEASE=release", "--build-arg=BASE=base")
    return images, needed


class Pod:
    """A Job of the manifest, in a container of the image."""

    def __init__(self, work, images, name, job, claims, **values):
        self.work, self.template = work, job["spec"]["template"]["spec"]
        (self.container,) = self.template["containers"]
        insist(self.container["image"] == "fwupload-shell", self.container["image"])
        self.config = json.loads(images.buildah("inspect", "--type=image", "fwupload-shell"))["OCIv1"]["config"]
        container = images.buildah("from", "--pull-never", "fwupload-shell")
        self.root = images.buildah("mount", container)
        self.volumes = {volume["name"]: volume for volume in self.template["volumes"]}
        self.claims, self.values, self.name = claims, values, name
        for claim in claims.values():
            # fsGroup
            if claim != work.folder / "data":
                claim.mkdir(exist_ok=True)
                os.chown(claim, 0, self.template["securityContext"]["fsGroup"])
                claim.chmod(0o2775)

    def environment(self, index):
        values = dict(entry.split("=", 1) for entry in self.config["Env"])
        for variable in self.container["env"]:
            name = variable["name"]
            values[name] = self.values.get(name, variable.get("value"))
            insist(values[name] is not None, f"{name} has no value")
        return {**values, "JOB_COMPLETION_INDEX": str(index)}

    def command(self, index):
        environment = self.environment(index)

        def expanded(text):
            """As Kubernetes does before any shell: $(NAME) where it is known, and $$ as one $."""
            return re.sub(r"\$\$|\$\(([^)]*)\)", lambda at: "$" if at[0] == "$$" else environment.get(at[1], at[0]), text)

        mounts = []
        for mount in self.container["volumeMounts"]:
            volume = self.volumes[mount["name"]]
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            source = self.claims[claim] if claim else "tmpfs"
            mounts += [source, mount["mountPath"], "ro" if mount.get("readOnly") else "rw"]
        words = [expanded(word) for word in self.container["command"] + self.container["args"]]
        variables = [f"{name}={value}" for name, value in environment.items()]
        (self.work.folder / "pod.sh").write_text(POD)
        outside = ["unshare", "--mount", "--propagation=private", "sh", self.work.folder / "pod.sh", self.root, *mounts, "--"]
        return [*outside, "/bin/busybox", "env", "-i", *variables, *words]

    def run(self, index, codes):
        return self.work.run(self.command(index), codes=codes)


def test(work, short):
    needs("buildah", "busybox", "unshare")
    if os.geteuid() != 0:
        raise Skipped("it needs root")
    upload, merge = documents()
    data = work.folder / "data"
    files = write_study(data / "study", patients=8, cut_short=True)
    shutil.copy(work.folder / "engines.toml", data)
    with timed("container", f"{work.run(['buildah', '--version']).strip()}: three images") as said:
        built, needed = images(work)
        said.append("the program is static" if not needed else f"with {len(needed)} libraries of this machine")
    site = work.sandbox("site")
    values = {"PROJECT": "demo/phantom", "PROFILE": "/study/engines.toml", "INPUT": "/study/study",
              "FWUPLOAD_API_KEY": site.key, "FWUPLOAD_PSEUDONYM_KEY": (work.folder / "adni.key").read_text()}
    claims = {"study": data, "fwupload": work.folder / "claim"}
    pod = Pod(work, built, "upload", upload, claims, **values)
    completions = upload["spec"]["completions"]
    with timed("container", f"{completions} indexes as user 1000, the root read-only; {files} files, one cut short") as said:
        ends = {}
        for index in range(completions):
            pod.run(index, (0, 3))
            ends[index] = work.code
            insist(end_of(claims["fwupload"] / f"reports/shard-{index + 1}.jsonl")["exit_code"] == work.code, index)
        insist(sorted(set(ends.values())) == [0, 3], ends)
        owners = {path.stat().st_uid for path in claims["fwupload"].rglob("*")}
        insist(owners == {1000}, owners)
        said.append(f"{work.same_as_one_run(site, data / 'study', 'engines.toml', 3)} series as of one run; exit codes {list(ends.values())}")
    merging = Pod(work, built, "merge", merge, claims)
    with timed("container", "the merge ends with 3, and with 1 when a shard is missing") as said:
        text = merging.run(0, (3,))
        insist(f"merged {completions} reports: 1 file failed of {files} found" in text, text)
        (claims["fwupload"] / "reports/shard-5.jsonl").unlink()
        text = merging.run(0, (1,))
        insist("the report of shard 5/8 is missing" in text, text)
    with timed("container", "a root that is read-only, and no user but 1000") as said:
        tried = pod.command(0)[: -len(pod.container["command"] + pod.container["args"])]
        text = work.run([*tried, "/bin/sh", "-c", "echo x >/x || echo x >/study/x || echo refused; : >/fwupload/x && : >/tmp/x && echo written"])
        insist("refused" in text and "written" in text and text.count("Read-only") == 2, text)
    with timed("container", "buildah runs it too"):
        container = built.buildah("from", "--pull-never", "fwupload-shell")
        text = built.buildah("run", "--user=1000:1000", f"--volume={data}:/data:ro", container, "--", "fwupload", "/data/study", "--offline",
                             "--project", "demo/phantom", "--output", "/tmp/out", "--profile", "/data/engines.toml",
                             "--new-pseudonym-key", codes=(3,))
        insist("no regular files" not in text, text)
