"""The system's Chromium, driven by Playwright, on pages of a real server."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

PATIENCE = 120_000
"""Milliseconds for what a loaded machine takes to appear."""


OWN = """\
import time

def loss(config, report):
    for epoch in range(1, config["training"]["epochs"] + 1):
        time.sleep(config["model"]["seconds"])
        print(f"epoch {epoch} of x {config['model']['x']:.3f}", flush=True)
        report(epoch, loss=config["model"]["x"])
"""

SOUND = """\
search: {{trials: {trials}, pruner: null, checkpoint_interval: 0.5s}}
objective: {{function: own.py:loss, metric: loss}}
model: {{x: {{float: [0, 1]}}, seconds: {seconds}}}
training: {{epochs: {epochs}}}
"""

expect.set_options(timeout=PATIENCE)


@dataclass
class Seat:
    """A visitor's browser with a page, and what went wrong in it."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the server."""
        self.page.goto(self.address + path)
        return self.page

    def log_in(self, token: str) -> None:
        """Log in on the page."""
        self.open("/login")
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", name="Studies", exact=True).wait_for()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium; skip the test without one."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def seated(browser: Browser, address: str, width: int = 1280, height: int = 800) -> Iterator[Seat]:
    """Seat a visitor of a server, without cookies of others. At the end, no script may have raised an error."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    taken = Seat(page, address)
    page.on("pageerror", lambda error: taken.errors.append(str(error)))
    yield taken
    context.close()
    assert taken.errors == [], taken.errors


def submit(page: Page, name: str, trials: int = 3, seconds: float = 0.2, epochs: int = 3) -> None:
    """Submit a study of user code on the page, and wait for its own page."""
    page.get_by_role("link", name="Submit", exact=True).click()
    page.locator("#picker").set_input_files({"name": "own.py", "mimeType": "text/x-python", "buffer": OWN.encode()})
    page.get_by_label("The space, in YAML").fill(SOUND.format(trials=trials, seconds=seconds, epochs=epochs))
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_role("heading", name=name, level=1).wait_for()


def press(page: Page, button: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=button, exact=True).click()


def expect_state(page: Page, state: str) -> None:
    """Wait until the page shows a state."""
    expect(page.locator("#title .state").first).to_have_text(state)
