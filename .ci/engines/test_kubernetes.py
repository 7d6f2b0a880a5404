"""examples/shards/kubernetes.yaml by the schema of Kubernetes, strictly, and by what holds between its lines.

The commands in it are run by test_container.
"""

import pathlib
import re
import shutil
import sys

from common import RECIPES, ROOT, Skipped, insist, timed

VERSION = "1.29"
# How long the program lets uploads under way go on when it is terminated.
GRACE = 3


def documents():
    try:
        import yaml
    except ImportError:
        raise Skipped("PyYAML is not installed here") from None
    return list(yaml.safe_load_all((RECIPES / "kubernetes.yaml").read_text()))


def validator():
    beside = pathlib.Path(sys.executable).parent / "kubernetes-validate"
    found = str(beside) if beside.exists() else shutil.which("kubernetes-validate")
    if not found:
        raise Skipped("kubernetes-validate is not installed here")
    return [found, "-k", VERSION, "--strict"]


def test(work, short):
    validate, (upload, merge) = validator(), documents()
    with timed("kubernetes", f"valid for {VERSION}, strictly"):
        said = work.run([*validate, RECIPES / "kubernetes.yaml"])
        insist(said.count("passed") == 2, said)
        wrong = work.folder / "wrong.yaml"
        wrong.write_text((RECIPES / "kubernetes.yaml").read_text().replace("completionMode", "completionMod"))
        work.run([*validate, wrong], codes=(1,))
    with timed("kubernetes", "shards, users, roots and grace"):
        spec = upload["spec"]
        (pod,) = spec["template"]["spec"]["containers"]
        values = {variable["name"]: variable.get("value") for variable in pod["env"]}
        insist(values["SHARDS"] == str(spec["completions"]), f"{values['SHARDS']} shards, {spec['completions']} indexes")
        insist(spec["template"]["spec"]["terminationGracePeriodSeconds"] > GRACE, "pods are killed before they have stopped")
        for job in (upload, merge):
            template = job["spec"]["template"]["spec"]
            insist(template["securityContext"]["runAsUser"] == 1000, template["securityContext"])
            insist(all(container["securityContext"]["readOnlyRootFilesystem"] for container in template["containers"]), template)
            mounted = {mount["name"] for container in template["containers"] for mount in container["volumeMounts"]}
            insist(mounted == {volume["name"] for volume in template["volumes"]}, f"{mounted} are mounted")
    with timed("kubernetes", "the Containerfile is for this version"):
        version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
        insist(f"ARG RELEASE=fwupload:{version}\n" in (RECIPES / "Containerfile").read_text(), f"it names another one than {version}")
