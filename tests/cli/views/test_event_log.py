from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import Cli
from tests.support.screens import OPENED, ended, lost, reported, started
from tuner.cli.views.event_log import log_to
from tuner.protocol import WorkerState
from tuner.search.events import Event, Trouble, WorkerSeen


def written(file: Path, *events: Event) -> list[dict[str, Any]]:
    with log_to(str(file)) as observe:
        for event in events:
            observe(event)
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_log_has_every_event_as_a_line_of_json(cli: Cli, tiny: Path) -> None:
    cli("run", "--space", tiny.name, "--log-file", "log.jsonl")

    lines = [json.loads(line) for line in (tiny.parent / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines if line["event"] != "reported"] == ["opened", *["started", "ended"] * 3]
    assert sum(line["event"] == "reported" for line in lines) == 6
    assert lines[-1]["state"] == "complete"
    assert all(line["time"].endswith("+00:00") for line in lines)
    assert {line["worker"] for line in lines[1:]} == {"0"}


def test_every_line_about_a_trial_names_its_worker_also_when_it_goes_on_at_another(tmp_path: Path) -> None:
    lines = written(
        tmp_path / "log.jsonl",
        OPENED,
        started(5, "0", host="far", device="cuda:1"),
        reported(5, 1, 0.5),
        lost(5, "its worker died (SIGKILL)"),
        started(5, "1", attempt=2),
        reported(5, 2, 0.6, attempt=2),
        ended(5, None, "it was no good"),
    )

    told = [(line["event"], line["worker"], line["attempt"]) for line in lines if "trial" in line]
    assert told == [
        ("started", "0", 1),
        ("reported", "0", 1),
        ("set back", "0", 1),
        ("started", "1", 2),
        ("reported", "1", 2),
        ("ended", "1", 1),
    ]
    assert [lines[1][key] for key in ("host", "device", "threads")] == ["far", "cuda:1", 1]
    assert [line["cause"] for line in lines if "cause" in line] == ["its worker died (SIGKILL)", "it was no good"]


def test_what_workers_do_and_what_is_wrong_outside_are_lines_too(tmp_path: Path) -> None:
    dead, wrong = WorkerSeen("3", WorkerState.GONE, "SIGKILL"), Trouble("the database is locked")

    lines = written(tmp_path / "log.jsonl", dead, wrong)

    facts = [{key: value for key, value in line.items() if key != "time"} for line in lines]
    assert facts == [
        {"event": "worker", "worker": "3", "state": "gone", "cause": "SIGKILL"},
        {"event": "trouble", "message": "the database is locked"},
    ]


def test_a_metric_that_is_no_number_is_null_as_json_knows_no_nan(tmp_path: Path) -> None:
    written(tmp_path / "log.jsonl", reported(0, 1, float("inf")))

    text = (tmp_path / "log.jsonl").read_text()
    assert '"metrics": {"train_loss": null, "accuracy": null}' in text


def test_a_log_that_cannot_be_written_is_said_before_anything_runs(cli: Cli, tiny: Path) -> None:
    done = cli("run", "--space", tiny.name, "--log-file", "nowhere/log.jsonl")

    assert done.returncode == 2
    assert done.stderr == "tuner: --log-file nowhere/log.jsonl: cannot be written: No such file or directory\n"
