#!/usr/bin/env python3
"""The page for review in a real browser: as a file, and served by `fwupload review`.

    python .ci/browser/test_review.py PROGRAM [--axe FILE] [--screenshots FOLDER]

Two series of the example study are approved and one is rejected, by keyboard alone; the list is saved,
sent, and what arrives is what was approved. No request may leave the loopback, and nothing may be
written to the browser's console. Needs Playwright for Python and an installed Chromium; no browser is
downloaded.
"""

import argparse
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

STUDY = pathlib.Path(__file__).resolve().parents[2] / "examples" / "study"


class Review:
    """A folder with a sandbox, and the program run in it."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        (folder / "home").mkdir()
        self.environment = {**os.environ, "HOME": str(folder / "home")}
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            self.environment.pop(name, None)

    def command(self, *arguments):
        return [self.program, *arguments, STUDY, "--sandbox", "site", "-p", "demo/phantom", "--profile", "basic"]

    def run(self, *arguments):
        done = subprocess.run(self.command(*arguments), env=self.environment, cwd=self.folder, capture_output=True, text=True)
        # One file of the study is damaged.
        assert done.returncode == 3, done.stderr
        return done

    def arrived(self):
        site = self.folder / "site" / "demo" / "phantom"
        return sorted(path.name for path in site.rglob("*.zip"))


def look_at(page, name, axe, screenshots, scheme):
    """Screenshots of all widths, and axe-core's opinion."""
    for width in (320, 1400, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} pixels wide on a screen of {width}"
        if screenshots:
            page.screenshot(path=screenshots / f"{name}-{scheme}-{width}.png")
    page.set_viewport_size({"width": 1400, "height": 900})
    if axe:
        page.evaluate(axe)
        found = page.evaluate("axe.run()")["violations"]
        said = [f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in found]
        assert not found, f"{name} ({scheme}): " + "; ".join(said)


def watched(browser, scheme):
    """A page, the requests that leave the machine, and what the browser complains about."""
    page = browser.new_context(color_scheme=scheme, viewport={"width": 1400, "height": 900}).new_page()
    away, complaints = [], []

    def watch(request):
        address = urlsplit(request.url)
        if address.scheme not in ("file", "data", "blob") and address.hostname != "127.0.0.1":
            away.append(request.url)

    page.on("request", watch)
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, away, complaints


def decide(page):
    """Approves the first and the last of four series, and rejects the second."""
    expect(page.locator("#list button")).to_have_count(4)
    titles = page.locator("#list button span:first-child").all_inner_texts()
    for key in ("a", "j", "r", "j", "j", "a"):
        page.keyboard.press(key)
    expect(page.locator("#said")).to_contain_text("approved")
    for text in ("2 approved", "1 rejected", "1 undecided"):
        expect(page.locator("#sums")).to_contain_text(text)
    shown = page.locator("article img").first
    assert shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    # A step back, then search and come back by keyboard.
    page.keyboard.press("/")
    page.keyboard.type("US")
    page.keyboard.press("Escape")
    page.locator("#search").fill("")
    page.locator("#reviewer").focus()
    page.keyboard.type("A. Reviewer")
    return titles


def as_a_file(browser, review, axe, screenshots, scheme):
    review.run("--review", "page.html")
    page, away, complaints = watched(browser, scheme)
    page.goto((review.folder / "page.html").as_uri())
    look_at(page, "review", axe, screenshots, scheme)
    decide(page)
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    saved.value.save_as(review.folder / "approved.jsonl")
    expect(page.locator("#said")).to_contain_text("--approved approved.jsonl")
    page.reload()
    expect(page.locator("#sums")).to_contain_text("2 approved")
    assert not review.arrived(), "a page sends nothing"
    done = review.run("--approved", "approved.jsonl")
    assert "by A. Reviewer" in done.stderr, done.stderr
    assert len(review.arrived()) == 2, review.arrived()
    assert not away and not complaints, (away, complaints)


def served(browser, review, axe, screenshots, scheme):
    process = subprocess.Popen(review.command("review"), env=review.environment, cwd=review.folder, stderr=subprocess.PIPE, text=True)
    try:
        address = None
        for line in process.stderr:
            if "the page for review is at " in line:
                address = line.split(" at ", 1)[1].strip()
                break
        assert address, "it never said where"
        page, away, complaints = watched(browser, scheme)
        page.goto(address)
        assert "token" not in page.url, page.url
        other = browser.new_context().new_page()
        assert other.goto(address).status == 403, "the address is good for one browser"
        look_at(page, "review-served", axe, screenshots, scheme)
        page.locator("article button", has_text="Show original").first.click()
        original = page.locator("article img").first
        expect(original).to_have_attribute("src", "original/" + page.locator("#list button").first.get_attribute("data-id") + "/0")
        assert original.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
        page.locator("#list button").first.focus()
        decide(page)
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Ended: 13 sent", timeout=30000)
        rest = process.stderr.read()
        assert process.wait(30) == 3, rest
    finally:
        process.kill()
    assert len(review.arrived()) == 2, review.arrived()
    assert not away and not complaints, (away, complaints)


HOSTILE = "<script>alert(1)</script>\u202e"
# Long texts have to be cut, and what they begin with is no markup.
LONG = "<img src=x onerror=alert(2)>".ljust(1 << 16, "x")
PROFILE = "name: names\ndicom:\n  fields:\n    - {name: PatientName, remove: true}\n"


def element(group, number, vr, value):
    value = value.encode()
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    long = vr in (b"UT", b"OB")
    length = struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))
    return struct.pack("<HH", group, number) + vr + length + value


def instance():
    """An MR instance without pixels, of a hostile hospital."""
    data = [
        (0x0008, 0x0005, b"CS", "ISO_IR 192"),
        (0x0008, 0x0016, b"UI", "1.2.840.10008.5.1.4.1.1.4"),
        (0x0008, 0x0018, b"UI", "2.25.1"),
        (0x0008, 0x0060, b"CS", "MR"),
        (0x0008, 0x103E, b"LO", HOSTILE),
        (0x0010, 0x0010, b"PN", "Doe^Jane"),
        (0x0010, 0x0020, b"LO", "1"),
        (0x0020, 0x000D, b"UI", "2.25.2"),
        (0x0020, 0x000E, b"UI", "2.25.3"),
        (0x0040, 0xA160, b"UT", LONG),
    ]
    meta = element(2, 0x10, b"UI", "1.2.840.10008.1.2.1")
    head = struct.pack("<HH", 2, 0) + b"UL" + struct.pack("<HI", 4, len(meta))
    return bytes(128) + b"DICM" + head + meta + b"".join(element(*each) for each in data)


def hostile_values(browser, review, axe, screenshots, scheme):
    (review.folder / "hostile.dcm").write_bytes(instance())
    (review.folder / "names.yaml").write_text(PROFILE)
    flags = ["hostile.dcm", "--offline", "-p", "demo/phantom", "--profile", "names.yaml", "--review", "hostile.html"]
    done = subprocess.run([review.program, *flags], env=review.environment, cwd=review.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page, away, complaints = watched(browser, scheme)
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto((review.folder / "hostile.html").as_uri())
    text = page.locator("article")
    expect(text).to_contain_text("<script>alert(1)</script>\\u{202e}")
    expect(text).to_contain_text("<img src=x onerror=alert(2)>")
    expect(text).to_contain_text("(65,536 characters)")
    assert "Doe" not in page.content()
    look_at(page, "review-hostile", axe, screenshots, scheme)
    assert not away and not complaints, (away, complaints)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--axe", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    asked = parser.parse_args()
    axe = asked.axe.read_text() if asked.axe else None
    if asked.screenshots:
        asked.screenshots.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    assert chromium, "install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for test in (as_a_file, served, hostile_values):
            for scheme in ("light", "dark"):
                with tempfile.TemporaryDirectory() as folder:
                    review = Review(asked.program.resolve(), pathlib.Path(folder))
                    test(browser, review, axe, asked.screenshots, scheme)
                print(f"{test.__name__} ({scheme}): as it should be", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
