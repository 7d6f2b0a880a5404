#!/usr/bin/env python3
"""Builds the manual as pages for a browser: docs/build.py [MDBOOK]

The chapters are those of docs/SUMMARY.md. Some lie beside what they are about (profiles, examples), which mdBook does
not take: all are put together below target/manual-source first, by their paths in the project, with the files that they
link to. A link to what is no part of the manual becomes plain text. The pages go to target/manual.

Fails where mdBook warns, where a link or an anchor in the pages leads nowhere, and where a page would load anything
from another host.
"""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "target/manual-source"
PAGES = ROOT / "target/manual"
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
# Code is no markup: blocks between fences, and spans.
CODE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)[ \t]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def chapters():
    """The files of the manual by their paths in the project, in their order."""
    summary = (ROOT / "docs/SUMMARY.md").read_text(encoding="utf-8")
    return [inside("docs", target) for _, target in LINK.findall(summary)]


def inside(folder, target):
    """The path in the project that a link in a file of `folder` leads to."""
    return (ROOT / folder / unquote(target)).resolve().relative_to(ROOT).as_posix()


def without_foreign_links(text, chapter, known, linked):
    """The chapter with links to what is no part of the manual as plain text; adds files to copy to `linked`."""
    spans = [match.span() for match in CODE.finditer(text)]

    def replaced(match):
        label, target = match.groups()
        begin = match.start()
        if any(start <= begin < end for start, end in spans) or urlsplit(target).scheme or target.startswith("#"):
            return match.group()
        path = inside(Path(chapter).parent, target.partition("#")[0])
        if path in known:
            return match.group()
        if (ROOT / path).is_file() and not path.endswith(".md"):
            linked.add(path)
            return match.group()
        return label

    return LINK.sub(replaced, text)


def put_together():
    shutil.rmtree(SOURCE, ignore_errors=True)
    known, linked = chapters(), set()
    for chapter in known:
        to = SOURCE / "src" / chapter
        to.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / chapter).read_text(encoding="utf-8")
        to.write_text(without_foreign_links(text, chapter, known, linked), encoding="utf-8")
    for path in sorted(linked):
        to = SOURCE / "src" / path
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, to)
    summary = (ROOT / "docs/SUMMARY.md").read_text(encoding="utf-8")
    summary = LINK.sub(lambda match: f"[{match[1]}]({inside('docs', match[2])})", summary)
    (SOURCE / "src/SUMMARY.md").write_text(summary, encoding="utf-8")
    for name in ("book.toml", "manual.css"):
        shutil.copyfile(ROOT / "docs" / name, SOURCE / name)


def build(mdbook):
    shutil.rmtree(PAGES, ignore_errors=True)
    built = subprocess.run(
        [mdbook, "build", str(SOURCE), "--dest-dir", str(PAGES)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(built.stdout, end="")
    if built.returncode or re.search(r"\b(WARN|ERROR)\b", built.stdout):
        sys.exit("mdBook warns, or fails")


class Page(HTMLParser):
    """What a page names: its anchors, what it links to, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(attributes[name] for name in ("id", "name") if attributes.get(name))
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        elif tag == "link" and attributes.get("href"):
            self.loads.append(attributes["href"])
        elif attributes.get("src"):
            self.loads.append(attributes["src"])


def faults():
    """Links that lead nowhere, and what would be loaded from elsewhere."""
    # The page for what is not found has addresses from the root of a server, which is not known here.
    files = [path for path in PAGES.rglob("*.html") if path.name not in ("404.html", "toc.html")]
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in files}
    for path, page in pages.items():
        name = path.relative_to(PAGES)
        for address in page.loads:
            if urlsplit(address).scheme not in ("", "data") or urlsplit(address).netloc:
                yield f"{name} loads {address}"
        for address in page.links + page.loads:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{name} names {address}, which is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{name} names {address}, which has no such anchor"
    for path in PAGES.rglob("*.css"):
        for address in re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)", path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(PAGES)} loads {address}"


def main():
    put_together()
    build(sys.argv[1] if len(sys.argv) > 1 else "mdbook")
    found = sorted(set(faults()))
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        sys.exit(f"{len(found)} faults in the pages")
    print(f"the manual: {PAGES / 'index.html'}")


if __name__ == "__main__":
    main()
