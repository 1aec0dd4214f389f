"""What the events of a driver tell of its progress."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tuner.service.running.driver_events import DriverEvents

AT = "2026-01-01T00:00:00+00:00"
OPENED = {"time": AT, "event": "opened", "finished": 1, "total": 3}


def written(file: Path, *events: Mapping[str, object]) -> DriverEvents:
    file.write_text("".join(json.dumps({"time": AT, **event}) + "\n" for event in events))
    events_read = DriverEvents(file, 0)
    events_read.read()
    return events_read


@pytest.mark.parametrize("kind", ["reported", "ended"])
def test_an_epoch_and_the_end_of_a_trial_are_progress(tmp_path: Path, kind: str) -> None:
    assert written(tmp_path / "events", OPENED, {"event": kind}).progressed


def test_an_opened_study_and_a_started_trial_are_none(tmp_path: Path) -> None:
    found = written(tmp_path / "events", OPENED, {"event": "started"}, {"event": "worker"})

    assert found.opened
    assert not found.progressed


def test_each_stage_of_a_confirmation_has_its_own_pace(tmp_path: Path) -> None:
    stages: list[Mapping[str, object]] = [
        OPENED | {"finished": 0, "total": 2},
        *[{"time": f"2026-01-01T00:00:{second}+00:00", "event": "ended"} for second in (10, 20)],
        {"time": "2026-01-01T00:00:20+00:00", "event": "opened", "finished": 2, "total": 6},
        {"time": "2026-01-01T00:00:30+00:00", "event": "ended"},
    ]

    assert written(tmp_path / "events", *stages[:2]).seconds_left == 10
    assert written(tmp_path / "events", *stages[:4]).seconds_left is None
    assert written(tmp_path / "events", *stages).seconds_left == 30
