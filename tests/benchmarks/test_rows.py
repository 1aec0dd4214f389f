"""What was measured is shown alike as a table, as JSON and as a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.rig import Contestant, compared
from benchmarks.rows import Ratio, Row, as_json, page, table, write

MACHINE = {"processor": "a <small> one"}
CONTESTANTS = [Contestant("slow", "plain"), Contestant("fast", "ours", against=("slow", "nobody"))]


@pytest.fixture
def rows() -> list[Row]:
    """Two contestants, three repeats."""
    return compared("job", "training", "s", {"slow": [4.0, 9.0, 6.0], "fast": [2.0, 3.0, 1.0]}, CONTESTANTS)


def test_a_ratio_is_taken_within_each_repeat() -> None:
    ratio = Ratio.of("slow", [4.0, 9.0, 6.0], [2.0, 3.0, 1.0])

    assert (ratio.low, ratio.median, ratio.high) == (2.0, 3.0, 6.0)


def test_a_row_holds_the_median_and_the_spread_and_leaves_out_who_did_not_take_part(rows: list[Row]) -> None:
    slow, fast = rows

    assert (slow.low, slow.median, slow.high, slow.repeats) == (4.0, 6.0, 9.0, 3)
    assert [ratio.against for ratio in fast.ratios] == ["slow"]


def test_the_table_has_a_line_for_each_row(rows: list[Row]) -> None:
    head, slow, fast = table(rows).splitlines()

    assert slow.split() == ["job", "slow", "training", "6", "4", "9", "s"]
    assert fast.endswith("3x slow [2 .. 6]")
    assert head.index("contestant") == slow.index("slow") == fast.index("fast")


def test_the_json_gives_the_rows_back(rows: list[Row]) -> None:
    told = json.loads(as_json(rows, MACHINE))

    ratios = [tuple(Ratio(**ratio) for ratio in row.pop("ratios")) for row in told["rows"]]
    assert [Row(**row, ratios=its) for row, its in zip(told["rows"], ratios, strict=True)] == rows
    assert told["machine"] == MACHINE


def test_the_page_opens_offline_and_escapes_what_it_shows(rows: list[Row]) -> None:
    shown = page(rows, MACHINE)

    assert "a &lt;small&gt; one" in shown
    assert "<script src" not in shown
    assert "job: training" in shown


def test_both_files_are_written_into_a_folder_that_is_made(rows: list[Row], tmp_path: Path) -> None:
    data, shown = write(rows, MACHINE, tmp_path / "results")

    assert json.loads(data.read_text())["rows"]
    assert shown.read_text().startswith("<!doctype html>")
