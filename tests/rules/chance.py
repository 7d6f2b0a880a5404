"""Rules by chance, made of pieces of paths that exist, so that they have a chance to fit. The same seed gives the same."""

import random

TARGETS = (
    "sub ses acq subject.label session.label acquisition.label file subj sub.info.a ses.info.b.c acq.info.d sub.tags subject.sex "
    "session.age prj grp group.label ses.weight session.uid subject.species file.info.e classification.F @x @y"
).split()
LITERAL = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ")


class Dice:
    def __init__(self, seed, paths):
        self.random = random.Random(f"rules-{seed}")
        self.paths = paths

    def chance(self, share):
        return self.random.random() < share

    def pick(self, words):
        return self.random.choice(words)

    def literal(self, text):
        """A text with everything that has a meaning in patterns made a star."""
        return "".join(c if c in LITERAL else "*" for c in text)

    def piece(self):
        part = self.pick(self.pick(self.paths).split("/"))
        part = "".join(c for c in part if c in LITERAL).strip() or "x"
        start = self.random.randrange(len(part))
        return part[start : start + self.random.randint(1, 5)].strip() or "a"

    def glob(self):
        parts = []
        for part in self.pick(self.paths).split("/"):
            parts.append(self.pick(["*", "**", self.literal(part), self.literal(part), f"*{self.piece()}*", f"[{self.piece()}]*"]))
        text = self.pick(["", "^"]) + "/".join(parts) + self.pick(["", "$"])
        if self.chance(0.15):
            at = self.random.randrange(1, len(text) + 1)
            text = text[:at] + self.pick([r"\d", r"\w", "(a|0)", r"\.", "?", r"\*"]) + text[at:]
        return text.upper() if self.chance(0.05) and "\\" not in text else text

    def filter(self):
        kind = self.random.random()
        if kind < 0.5:
            return self.pick(["path", "p", "filepath"]) + self.pick(["=~", "=~", "!~"]) + self.glob()
        if kind < 0.65:
            return self.pick(["name", "n", "dir"]) + self.pick(["=~", "!~"]) + self.pick(["", "^", "*"]) + self.piece() + self.pick(["", "$"])
        operator = self.pick(["=", "!=", "<", ">", "<=", ">=", "=="])
        if kind < 0.75:
            path = self.pick(self.paths)
            return self.pick(["path", "name", "dir"]) + operator + self.pick([path, path.rpartition("/")[2], path.rpartition("/")[0], path.upper()])
        if kind < 0.85:
            return f"de{operator}{self.random.randint(1, 7)}"
        if kind < 0.93:
            return "size" + operator + self.pick(["0", "1", "3", "0.5K", "1k", "1MB", "2 KiB", "1024kb", "3002"])
        return "mtime" + operator + self.pick(["2024", "2024-05", "2024-05-17", "20240517T10", "2024-05-17 10:30:45", "2023", "2024/06"])

    def group(self, used):
        target = self.pick([target for target in TARGETS if target.split(".")[0] not in used] or ["@z"])
        used.add(target.split(".")[0])
        return "{" + target + self.pick(["", "", "", r":\w+", ":.+", r":\d+", ":*", r":\[A-Z0-9\]+"]) + "}"

    def pattern(self, value):
        used, parts = set(), []
        for part in value.split("/"):
            kind = self.random.random()
            if kind < 0.4:
                parts.append(self.group(used))
            elif kind < 0.55:
                parts.append(self.pick(["*", "**"]))
            elif kind < 0.75 and len(part) > 2:
                at = self.random.randrange(1, len(part))
                form = self.pick(["{}{}", "{}[{}]", "{}*{}", "[{}]{}*", "{}{}*"])
                parts.append(form.format(self.literal(part[:at]), self.group(used)))
            else:
                parts.append(self.literal(part))
        if not used:
            parts.append(self.group(used))
        text = "/".join(parts)
        if self.chance(0.25) and len(parts) > 2:
            text = "**/" + text.split("/", 1)[1] if "{" in text.split("/", 1)[1] else text
        return text + (self.pick(["!i", "!r"]) if self.chance(0.08) else ""), used

    def mapping(self, dicom, known):
        if known and self.chance(0.3):
            return "{!" + self.pick(sorted(known)) + "}" + self.pick(["", "-1", "_z"]) + "={" + self.pick(["sub", "ses", "acq", "ses.info.k"]) + "}"
        path = self.pick(self.paths)
        field = self.pick(["path", "path", "name", "dir"])
        value = {"path": path, "name": path.rpartition("/")[2], "dir": path.rpartition("/")[0] or "x"}[field]
        pattern, used = self.pattern(value)
        known |= {name for name in used if name.startswith("@")}
        if dicom and self.chance(0.6):
            field = self.pick(["{PatientID}", "{StudyDate}", "{SeriesNumber:02} {SeriesDescription}", "{Modality}_{PatientID:.3}", r"{PatientID/\D+/x}", "{EchoTime}", "{PatientAge/Y/}"])
            pattern = "{" + self.pick(["sub", "ses", "acq", "sub.info.p", "session.age", "sub.tags"]) + "}"
        elif self.chance(0.2):
            field = "{%s/%s/%s}" % (field, self.piece(), self.pick(["", "Q", "_"]))
        return f"{field}={pattern}"

    def rule(self):
        rule = {}
        if self.chance(0.6):
            rule["level"] = self.pick(["project", "subject", "session", "acquisition"])
        if self.chance(0.85):
            rule["include"] = [self.filter() for _ in range(self.random.randint(1, 2))]
        if self.chance(0.35):
            rule["exclude"] = [self.filter()]
        dicom = self.chance(0.3)
        if dicom:
            rule["type"] = "dicom"
            if self.chance(0.7):
                rule["include"] = [self.pick(["path=~^cohort/**/*.dcm$", "name=~^0", "path=~^cohort/M001/"])]
        elif self.chance(0.2):
            rule["type"] = "nifti"
        known = set()
        mappings = [self.mapping(dicom, known) for _ in range(self.random.randint(0, 3))]
        if mappings:
            rule["mappings"] = mappings
        if self.chance(0.25):
            rule["defaults"] = {self.pick(["subject.label", "session.label", "acquisition.label", "project.label", "ses.info.k"]): self.pick(["D1", "a/b", "x" * 70, "5"])}
        if self.chance(0.2):
            rule["overrides"] = {self.pick(["sub", "session.label", "acq", "sub.info.n"]): self.pick(["O*1", "", "o.", "7"])}
        if self.chance(0.15) and not dicom:
            rule["group_by"] = self.pick(["dir", r"{dir/\/[^\/]+$/}", "{depth}-{dir}", r"{name/\..*$/}"])
        return rule

    def rules(self):
        return [self.rule() for _ in range(self.random.randint(1, 3))]
