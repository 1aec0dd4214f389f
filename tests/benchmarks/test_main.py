"""`python -m benchmarks`: whether it runs at all; how long it takes is no matter of tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_a_quick_run_of_one_part_measures_every_contestant(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "tabular", "--out", str(tmp_path)]

    subprocess.run(command, cwd=ROOT, check=True, timeout=600)

    rows = json.loads((tmp_path / "benchmarks.json").read_text())["rows"]
    assert {row["contestant"] for row in rows} >= {"bare loop, 1 thread", "tuner, 2 workers"}
    assert all(row["median"] > 0 for row in rows)
