"""How soon pages are there in the system's Chromium, and how soon an epoch is on the page of its study."""

from __future__ import annotations

import contextlib
import datetime
import json
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

ROUNDS = 5
"""Navigations of which the median counts."""

EPOCHS = 20
EPOCH_SECONDS = 0.7

OWN = """\
import time

def loss(config, report):
    for epoch in range(1, config["training"]["epochs"] + 1):
        time.sleep(config["model"]["seconds"])
        report(epoch, loss=config["model"]["x"])
"""

_THERE = """
const wanted = %s;
const look = () => {
  if (window.thereAt !== undefined) return;
  if (wanted.every((each) => document.querySelector(each))) window.thereAt = performance.now();
};
new MutationObserver(look).observe(document, { childList: true, subtree: true });
"""
_EPOCHS = """
window.epochs = {};
new MutationObserver(() => {
  const cell = document.querySelector("#workers td[data-label=Epoch]");
  const epoch = cell ? parseInt(cell.textContent, 10) : 0;
  if (epoch) window.epochs[epoch] ??= Date.now();
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


@contextlib.contextmanager
def opened(link: str) -> Iterator[Page]:
    """Start the system's Chromium and log in with a link.

    Raises:
        RuntimeError: there is no Chromium.
    """
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_context().new_page()
        page.goto(link)
        yield page
        browser.close()


def seconds_until(page: Page, address: str, *selectors: str) -> tuple[float, float]:
    """Return the seconds from a first navigation until all are there, and the median of later ones."""
    taken = []
    for _ in range(ROUNDS + 1):
        with contextlib.closing(page.context.new_page()) as fresh:
            fresh.add_init_script(_THERE % json.dumps(selectors))
            fresh.goto(address)
            while (there := fresh.evaluate("window.thereAt ?? null")) is None:
                fresh.wait_for_timeout(50)
            taken.append(there / 1000)
    return taken[0], statistics.median(taken[1:])


def epoch_delays(page: Page, client: httpx.Client, address: str, home: Path) -> list[float]:
    """Return the seconds from each report of an epoch, by its event, until the page shows that epoch or a later one."""
    space = (
        "search: {trials: 1, pruner: null}\nobjective: {function: own.py:loss, metric: loss}\n"
        f"model: {{x: {{float: [0, 1]}}, seconds: {EPOCH_SECONDS}}}\ntraining: {{epochs: {EPOCHS}}}\n"
    )
    body = {"space": space, "name": "live", "files": {"own.py": OWN}}
    client.post("/studies?build=false", json=body).raise_for_status()
    page.add_init_script(_EPOCHS)
    page.goto(f"{address}/studies/live")
    while client.get("/studies/live").json()["state"] != "done":
        time.sleep(0.5)
    shown = {int(epoch): at / 1000 for epoch, at in page.evaluate("window.epochs").items()}
    first = min(shown)
    (file,) = (each for each in home.glob("jobs/*/events.jsonl") if '"reported"' in each.read_text())
    events = [json.loads(line) for line in file.read_text().splitlines()]
    delays = []
    for event in events:
        if event["event"] == "reported" and event["epoch"] > first:
            at = datetime.datetime.fromisoformat(event["time"]).timestamp()
            later = [seen for epoch, seen in shown.items() if epoch >= event["epoch"]]
            if later:  # the table of what runs is gone when the trial ends
                delays.append(min(later) - at)
    return delays
