"""`python -m benchmarks`: whether it runs at all; how long it takes is no matter of tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import __main__, tabular
from tests.conftest import ROOT


@pytest.mark.slow
def test_a_quick_run_of_one_part_measures_every_contestant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(tabular, "JOBS", tabular.JOBS[1:])  # the first is the second with other numbers
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "--only", "tabular", "--out", str(tmp_path)])

    __main__.main()

    rows = json.loads((tmp_path / "benchmarks.json").read_text())["rows"]
    assert {row["contestant"] for row in rows} >= {"bare loop, 1 thread", "tuner, 2 workers"}
    assert all(row["median"] > 0 for row in rows)
