"""Pages in a real browser, in both looks, on a desk and on a telephone."""

from __future__ import annotations

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import ROOT
from tests.support.studies import branched, large, study_of, study_of_several
from tuner.plots import final_run
from tuner.reports import comparison, final_run_page, study_report
from tuner.results.results import Results
from tuner.runtime.rounding import rounded

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE, DESK = 390, 1280

SHOWN = {PHONE: ("empty", "large", "compared", "final"), DESK: ("thirty", "several")}
"""Which pages are looked at in which width."""

PROBE = "<head><script>window.faults = []; window.onerror = (message) => { faults.push(message); };</script>"
WATCHER = """\
<!doctype html><body>{frames}<script>
function told(frame) {{
  const page = frame.contentDocument, plots = [...page.querySelectorAll(".plot")];
  return {{
    page: frame.id, faults: frame.contentWindow.faults, figures: plots.length,
    drawn: plots.filter((plot) => plot.querySelector(".main-svg")).length,
    wide: page.documentElement.scrollWidth, ink: getComputedStyle(page.body).color,
    tick: [...page.querySelectorAll(".xtick text")].map((text) => getComputedStyle(text).fill)[0] ?? "",
  }};
}}
addEventListener("load", () => setTimeout(() => {{
  document.body.dataset.told = JSON.stringify([...document.querySelectorAll("iframe")].map(told));
}}, 2000));
</script></body>"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a browser made of a page; `wide` is how many pixels it takes."""

    page: str
    faults: list[str]
    figures: int
    drawn: int
    wide: int
    ink: str
    tick: str


def final_training() -> str:
    epochs = [{"epoch": epoch, "train_loss": 1 / epoch, "loss": 2 / epoch, "f1": 1 - 1 / epoch} for epoch in (1, 2, 3)]
    classes = [str(number) for number in range(20)]
    rows = torch.arange(20)
    plots = [final_run.curves(epochs), final_run.confusion(rows, rows.roll(1), classes)]
    return final_run_page.page(
        "digits", "trial 3: CNN on digits", "Test split", [final_run_page.Score("f1", 0.5)], plots
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    texts = {
        "empty": study_report.page(Results(study_of(0))),
        "thirty": study_report.page(Results(study_of(30))),
        "several": study_report.page(Results(study_of_several(30, 3))),
        "large": study_report.page(Results(large(120, 4))),
        "compared": comparison.page([Results(branched(30)), Results(large(60, 4))]),
        "final": final_training(),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text.replace("<head>", PROBE, 1))
    for width, names in SHOWN.items():
        frames = [f'<iframe id="{name}" src="{name}.html" width="{width}" height="800"></iframe>' for name in names]
        (folder / f"{width}.html").write_text(WATCHER.format(frames="".join(frames)))
    return folder


@pytest.fixture(scope="module")
def address(pages: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(pages))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def browsed(address: str, width: int, dark: bool, profile: Path) -> list[Seen]:
    return [Seen(**facts) for facts in facts_of(dumped(f"{address}/{width}.html", dark, profile))]


def dumped(address: str, dark: bool, profile: Path) -> str:
    """The page as it stands after its scripts ran."""
    assert CHROMIUM is not None
    ran = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
            *("--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={profile}"),
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            *("--window-size=1400,5000", "--virtual-time-budget=6000", "--dump-dom", address),
        ],
        capture_output=True,
        text=True,
        timeout=180,
    )
    return ran.stdout


def facts_of(page: str) -> Any:
    """What a script of the test left on the page."""
    told = re.search(r'<body[^>]* data-told="([^"]*)"', page)
    assert told is not None, page[-2000:]
    return json.loads(html.unescape(told[1]))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize(("width", "dark"), [(PHONE, True), (DESK, False)])
def test_a_browser_draws_every_figure_within_the_width_and_in_the_look_of_its_reader(
    address: str, tmp_path: Path, width: int, dark: bool
) -> None:
    seen = browsed(address, width, dark, tmp_path)

    assert tuple(each.page for each in seen) == SHOWN[width]
    assert [each.faults for each in seen] == [[]] * len(seen)
    assert [each.drawn for each in seen] == [each.figures for each in seen]
    assert all((each.figures > 0) == (each.page != "empty") for each in seen)
    assert max(each.wide for each in seen) <= width
    light_ink, dark_ink = "rgb(29, 39, 51)", "rgb(230, 234, 240)"
    assert {each.ink for each in seen} == {dark_ink if dark else light_ink}
    assert {each.tick for each in seen if each.figures} == {dark_ink if dark else light_ink}


SORTED = """\
<script>addEventListener("load", () => setTimeout(() => {
  const table = document.getElementById("all-trials");
  const column = (i) => [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[i].textContent);
  const sort = table.querySelectorAll(".sort"), filter = document.getElementById("filter");
  sort[2].click(); const up = column(2);
  sort[2].click(); const down = column(2);
  filter.value = "adam pruned"; filter.dispatchEvent(new Event("input"));
  const matching = document.getElementById("matching").textContent;
  document.body.dataset.told = JSON.stringify({up, down, shown: column(0), matching});
}, 1000));</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_table_of_trials_sorts_by_size_and_shows_what_is_looked_for(tmp_path: Path) -> None:
    study, page = study_of(30), tmp_path / "page.html"
    page.write_text(study_report.page(Results(study)).replace("</body>", SORTED))

    told = facts_of(dumped(page.as_uri(), dark=False, profile=tmp_path / "profile"))

    values = [rounded(value) for value in sorted(each.value for each in study.records() if each.value is not None)]
    assert [text for text in told["up"] if text] == values
    assert [text for text in told["down"] if text] == values[::-1]
    assert told["up"][-1] == told["down"][-1] == ""  # a trial without a value is last in either order
    looked_for = [
        record.number for record in study.records() if record.state == "pruned" and record.params["optimizer"] == "Adam"
    ]
    assert sorted(map(int, told["shown"])) == looked_for
    assert told["matching"] == f"{len(looked_for)} of 30"


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("look", [0, 1])
def test_text_stands_out_from_what_is_behind_it_in_both_looks(look: int) -> None:
    style = (ROOT / "tuner" / "reports" / "templates" / "page.css.j2").read_text().replace("{{ ink }}", "#1d2733")
    colours = dict(re.findall(r"--(\w+): (#\w{6})", re.findall(r":root \{(.*?)\}\n", style)[look]))

    for text in ("ink", "soft", "accent", "bad"):
        for behind in ("card", "back"):
            light, dark = sorted((luminance(colours[text]), luminance(colours[behind])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, behind)  # WCAG 2.2, 1.4.3
