#!/usr/bin/env python3
"""The sandbox's page in a real browser.

    python .ci/browser/test_sandbox_page.py PROGRAM [--axe FILE] [--screenshots FOLDER]

Uploads the example study to a sandbox of the program and looks at it with Chromium: logs in, walks
the tree by keyboard alone, opens a member of a file and sees its picture, steps through frames,
empties the sandbox. No request may leave the loopback, and nothing may be written to the browser's
console. `--axe` names the script of axe-core (npm), by which each page is judged in dark and light.
Needs Playwright for Python and an installed Chromium; no browser is downloaded.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

STUDY = pathlib.Path(__file__).resolve().parents[2] / "examples" / "study"
STEPS = 100
HOSTILE = "<img src=x onerror=alert(1)>\u202e<script>alert(2)</script>"


@contextlib.contextmanager
def sandbox(program, folder, *flags):
    """A running sandbox: its address and key."""
    command = [program, "sandbox", folder / "site", "--project", "demo/phantom", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said = json.loads(process.stdout.readline())
        yield said["url"], said["key"]
    finally:
        process.terminate()
        process.wait(30)


def upload(program, folder, key):
    home = folder / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "FWUPLOAD_API_KEY": key}
    flags = ["--project", "demo/phantom", "--profile", "basic", "--new-pseudonym-key", "--yes"]
    done = subprocess.run([program, STUDY, *flags], env=environment, cwd=folder, capture_output=True)
    # One file of the study is damaged.
    assert done.returncode in (0, 3), done.stderr.decode()


def add_hostile_project(url, key):
    """A project whose label would be markup if it were not text."""
    said = json.dumps({"group": "demo", "label": HOSTILE}).encode()
    headers = {
        "Authorization": f"scitran-user {key.rsplit(':', 1)[1]}",
        "Content-Type": "application/json",
    }
    urllib.request.urlopen(urllib.request.Request(f"{url}/api/projects", said, headers)).close()


class Look:
    """A browser's page, the requests that it makes and what it complains about."""

    def __init__(self, browser, url, scheme, axe, screenshots):
        self.url, self.axe, self.screenshots, self.scheme = url, axe, screenshots, scheme
        context = browser.new_context(color_scheme=scheme, viewport={"width": 1400, "height": 900})
        self.page = context.new_page()
        self.away, self.complaints = [], []
        self.page.on("request", self.watch)
        self.page.on("console", self.hear)
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def hear(self, said):
        # A member without an image has no thumbnail.
        if "422" not in said.text:
            self.complaints.append(said.text)

    def watch(self, request):
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
            self.away.append(request.url)

    def judge(self, name):
        """Screenshots of all widths, and axe-core's opinion."""
        page = self.page
        for width in (320, 1400, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} pixels wide on a screen of {width}"
            if self.screenshots:
                page.screenshot(path=self.screenshots / f"{name}-{self.scheme}-{width}.png")
        page.set_viewport_size({"width": 1400, "height": 900})
        if self.axe:
            # By the debugger's way, which the page's policy does not concern.
            page.evaluate(self.axe)
            found = page.evaluate("axe.run()")["violations"]
            said = [f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in found]
            assert not found, f"{name} ({self.scheme}): " + "; ".join(said)

    def wait(self, until):
        """Waits until something holds. Playwright's own way is a script that the policy forbids."""
        for _ in range(STEPS):
            if self.page.evaluate(until):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"it never held that {until}")

    def press(self, key, until):
        """Presses a key until something holds of what has the focus."""
        for _ in range(STEPS):
            if self.page.evaluate(f"(() => {{ const it = document.activeElement; return {until}; }})()"):
                return
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(20)
        raise AssertionError(f"{key} never led to {until}")


def log_in(look, key):
    page = look.page
    page.goto(look.url)
    look.judge("login")
    page.keyboard.type("not the key")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the sandbox's key.")
    # The browser tells its console that the answer was 401.
    look.complaints = [it for it in look.complaints if "401" not in it]
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("treeitem").first).to_be_visible()
    cookie, = page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["expires"] == -1, cookie
    assert cookie["value"] not in key and key.rsplit(":", 1)[1] not in cookie["value"]


def walk(look):
    """From the first entry to a file, and from there to a picture, by keyboard."""
    page = look.page
    look.press("Tab", "it.getAttribute('role') === 'treeitem'")
    for kind in ("project", "subject", "session", "acquisition", "file"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(":focus")).to_have_attribute("aria-expanded", "true")
        if kind == "project":
            hostile = page.get_by_role("treeitem", name="<img src=x onerror=alert(1)>\\u{202e}<script>")
            expect(hostile).to_be_visible()
        # The ultrasound of the study has several frames.
        begins = "4 " if kind == "acquisition" else ""
        look.press(
            "ArrowDown",
            f"it.querySelector('.kind').textContent === '{kind}' && it.textContent.startsWith('{begins}')",
        )
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Members")).to_be_visible()
    look.wait("document.querySelector('.members img')?.naturalWidth > 0")
    look.judge("file")
    look.press("Tab", "it.hasAttribute('aria-pressed')")
    page.keyboard.press("Enter")
    look.wait("document.querySelector('.picture img')?.naturalWidth > 0")
    expect(page.get_by_role("cell", name="SOPInstanceUID", exact=True)).to_be_visible()
    look.press("Tab", "it.type === 'range'")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_alt_text("Frame 2 of 3 of")).to_be_visible()
    look.wait("document.querySelector('.picture img').naturalWidth > 0")
    look.judge("member")


def reset(look):
    page = look.page
    before = page.get_by_role("treeitem").count()
    page.get_by_role("button", name="Reset").press("Enter")
    look.judge("reset")
    page.keyboard.press("Escape")
    assert page.get_by_role("treeitem").count() == before, "escape keeps everything"
    page.get_by_role("button", name="Reset").press("Enter")
    page.get_by_role("button", name="Empty it").press("Enter")
    expect(page.get_by_role("status")).to_have_text("The sandbox is empty.")
    expect(page.get_by_role("treeitem")).to_have_count(1)
    page.get_by_role("button", name="Log out").press("Enter")
    expect(page.get_by_label("Key of this sandbox")).to_be_visible()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--axe", type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    args = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("there is no Chromium")
    axe = args.axe and args.axe.read_text()
    if args.screenshots:
        args.screenshots.mkdir(parents=True, exist_ok=True)
    program = args.program.resolve()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        folder = pathlib.Path(folder)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with sandbox(program, folder, "--deid-log") as (url, key):
            upload(program, folder, key)
            add_hostile_project(url, key)
            for scheme in ("light", "dark"):
                look = Look(browser, url, scheme, axe, args.screenshots)
                log_in(look, key)
                walk(look)
                if scheme == "dark":
                    reset(look)
                assert not look.away, f"requests left the loopback: {look.away}"
                assert not look.complaints, look.complaints
        browser.close()
    print("the sandbox's page works in Chromium" + ("" if axe else " (not judged by axe-core)"))


if __name__ == "__main__":
    main()
