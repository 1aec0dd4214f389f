"""Runs and the trials that people want to run again: over a real database, in this process and in others."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

import tuner
from tests.conftest import command, environment, tuner_in, until
from tuner.errors import StudyError
from tuner.protocol import State
from tuner.search import steering
from tuner.search.events import Ended, Event, Noted, Opened, Reported, Started
from tuner.storage import open_storage
from tuner.storage.requests import Action, Requests
from tuner.study import Record, Study, Unfinished, load_study
from tuner.study.interventions import steer_trial

SPACE = """\
study: {name: again}
search:
  trials: 4
  sampler: {type: RandomSampler}
  pruner: {type: ThresholdPruner, lower: 0.2}
  enqueue: [{x: 0.5}, {x: 0.9}, {x: 0.1}, {x: 0.8}]
objective: {function: "fit.py:fit", metric: score, direction: maximize}
x: {float: [0, 1]}
training: {epochs: 3}
"""
FIT = """\
import pathlib, time

def fit(config, report):
    here = pathlib.Path(__file__).parent
    if config["x"] > 0.7 and (here / "broken").exists():
        raise ValueError("as asked")
    for epoch in range(1, config["training"]["epochs"] + 1):
        time.sleep(float((here / "pause").read_text()) if (here / "pause").exists() else 0)
        report(epoch, score=config["x"])
"""
"""Trials 1 and 3 fail while there is a file; trial 2 is pruned."""


@pytest.fixture
def space(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(steering, "LOOK_SECONDS", 0.02)
    (tmp_path / "fit.py").write_text(FIT)
    (tmp_path / "broken").touch()
    file = tmp_path / "again.yaml"
    file.write_text(SPACE)
    return file


def states(study: Study) -> list[str]:
    return [record.state.value for record in study.records()]


def mended(space: Path) -> Path:
    (space.parent / "broken").unlink()
    return space


def test_all_that_failed_runs_again_first_and_counts_once(space: Path, url: str) -> None:
    before = tuner.run(space, storage=url).study.records()
    events: list[Event] = []

    result = tuner.run(mended(space), storage=url, n_trials=5, retry_failed=True, observe=events.append)

    started = [event.trial.number for event in events if isinstance(event, Started)]
    opened = next(event for event in events if isinstance(event, Opened))
    last = [event for event in events if isinstance(event, Ended)][-1]
    records = result.study.records()
    assert [record.state for record in before] == [State.COMPLETE, State.FAILED, State.PRUNED, State.FAILED]
    assert started == [1, 3, 4]
    assert opened.states == {State.COMPLETE: 1, State.PRUNED: 1}
    assert sum(last.states.values()) == 5
    assert [records[number].params for number in (1, 3)] == [before[number].params for number in (1, 3)]
    assert [record.state for record in records[:4]] == [State.COMPLETE, State.COMPLETE, State.PRUNED, State.COMPLETE]
    assert result.best.number == 1
    assert result.failures.count == 0


def test_without_failures_it_changes_nothing(space: Path, url: str) -> None:
    tuner.run(mended(space), storage=url)

    assert states(tuner.run(space, storage=url, retry_failed=True).study) == [
        "complete",
        "complete",
        "pruned",
        "complete",
    ]


@pytest.mark.parametrize("deterministic", [None, 2])
def test_a_request_without_a_run_is_met_by_the_next_one_also_if_the_study_has_its_total(
    space: Path, url: str, deterministic: int | None
) -> None:
    tuner.run(space, storage=url, deterministic=deterministic)
    for number in (2, 3):
        steer_trial(url, "again", number, "retry", actor="ann@lab")
    events: list[Event] = []

    result = tuner.run(mended(space), storage=url, deterministic=deterministic, observe=events.append)

    assert states(result.study) == ["complete", "failed", "complete", "complete"]
    assert Noted("trial 3 runs again, as ann@lab wants") in events
    assert [event.trial.number for event in events if isinstance(event, Started)] == [2, 3]
    assert list(Requests(url, "again").pending()) == []
    assert states(tuner.run(space, storage=url, deterministic=deterministic).study) == states(result.study)


def test_a_trial_that_was_pruned_runs_to_its_end_although_the_pruner_would_stop_it(space: Path, url: str) -> None:
    tuner.run(space, storage=url)
    steer_trial(url, "again", 2, "retry")

    record = tuner.run(space, storage=url).study.records()[2]

    assert (record.state, record.value, record.epochs, record.attributes.attempt) == (State.COMPLETE, 0.1, [1, 2, 3], 2)


@pytest.mark.parametrize("deterministic", [None, 2])
def test_a_run_at_work_retries_a_trial_when_someone_asks(space: Path, url: str, deterministic: int | None) -> None:
    (space.parent / "pause").write_text("0.1")
    seen: list[Event] = []

    def observe(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Ended) and event.outcome.trial == 1 and event.outcome.state is State.FAILED:
            mended(space)
            steer_trial(url, "again", 1, "retry")

    result = tuner.run(space, storage=url, observe=observe, deterministic=deterministic)

    assert states(result.study) == ["complete", "complete", "pruned", "complete"]
    assert [event.outcome.trial for event in seen if isinstance(event, Ended)].count(1) == 2
    assert result.best.number == 1
    assert list(Requests(url, "again").pending()) == []


def test_a_stop_of_an_earlier_attempt_does_not_stop_the_retry(space: Path, url: str) -> None:
    """Its run died after the trial had ended, and before it removed the request."""
    tuner.run(space, storage=url)
    requests = Requests(url, "again")
    requests.post(Action.STOP_TRIAL, 1, attempt=1)
    steer_trial(url, "again", 1, "retry")
    (space.parent / "pause").write_text("0.1")

    result = tuner.run(mended(space), storage=url)

    assert result.study.records()[1].state is State.COMPLETE
    assert list(requests.pending()) == []


def test_a_retry_can_be_stopped(space: Path, url: str) -> None:
    tuner.run(space, storage=url)
    steer_trial(url, "again", 1, "retry")
    (space.parent / "pause").write_text("0.1")

    def observe(event: Event) -> None:
        if isinstance(event, Reported) and event.epoch.epoch == 1:
            steer_trial(url, "again", 1, "stop", actor="ann@lab")

    record = tuner.run(mended(space), storage=url, observe=observe).study.records()[1]

    assert (record.state, record.cause) == (State.PRUNED, "stopped by ann@lab")


def test_a_search_that_has_enough_still_trains_what_someone_wants_again_and_no_more(space: Path, url: str) -> None:
    settings: dict[str, Any] = {"search.enqueue": [{"x": 0.9}, {"x": 0.5}], "search.stop": {"target": 0.5}}
    stopped = tuner.run(space, storage=url, settings=settings)
    before = states(stopped.study)
    steer_trial(url, "again", 0, "retry")

    again = tuner.run(mended(space), storage=url, settings=settings)

    assert (before, stopped.stopped != "") == (["failed", "complete"], True)
    assert (states(again.study), again.stopped != "") == (["complete", "complete"], True)


def test_what_cannot_be_retried_is_refused_with_a_sentence(space: Path, url: str) -> None:
    def observe(event: Event) -> None:
        if isinstance(event, Reported):
            with pytest.raises(StudyError, match=f"trial {event.epoch.trial} of study again is running; only what"):
                steer_trial(url, "again", event.epoch.trial, "retry")

    tuner.run(space, storage=url, observe=observe)

    with pytest.raises(StudyError, match="trial 0 of study again is complete; only what failed or was pruned is"):
        steer_trial(url, "again", 0, "retry")


def record(folder: Path, number: int) -> Record:
    return load_study(open_storage(f"sqlite:///{folder / 'studies.db'}"), "again").records()[number]


def log(folder: Path) -> str:
    return (folder / "events.jsonl").read_text() if (folder / "events.jsonl").exists() else ""


@pytest.mark.slow
def test_a_run_in_another_process_that_is_killed_after_the_request_loses_nothing(space: Path) -> None:
    """Its workers are busy when the request comes, so it is killed before it has met it."""
    folder = space.parent
    assert tuner_in(folder, "run", "again.yaml", "--n-trials", "2").returncode in (0, 1)
    (folder / "pause").write_text("1.5")
    call = [*command(), "run", "again.yaml", "--n-trials", "5"]
    run = subprocess.Popen(call, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    until(lambda: len(tuner_in(folder, "show", "again", "--trial", "2").stdout) > 0)
    until(lambda: record(folder, 2).state is Unfinished.RUNNING)
    mended(space)
    said = tuner_in(folder, "trial", "again", "1", "retry")
    run.send_signal(signal.SIGKILL)
    run.wait()
    left = record(folder, 1)
    (folder / "pause").write_text("0")
    result = tuner_in(folder, "run", "again.yaml", "--n-trials", "5")

    assert said.stdout == "trial 1 of study again runs again; without a run at work, the next `tuner run` trains it\n"
    assert left.state in (State.FAILED, Unfinished.WAITING)
    assert result.returncode == 0, result.stderr
    study = load_study(open_storage(f"sqlite:///{folder / 'studies.db'}"), "again")
    assert study.finished() == 5
    assert (record(folder, 1).state, record(folder, 1).attributes.attempt) == (State.COMPLETE, 2)
    assert list(Requests(f"sqlite:///{folder / 'studies.db'}", "again").pending()) == []


@pytest.mark.slow
def test_workers_of_another_process_retry_within_seconds(space: Path) -> None:
    folder = space.parent
    (folder / "pause").write_text("0.3")
    call = [*command(), "run", "again.yaml", "--n-trials", "40", "--workers", "2"]
    run = subprocess.Popen(call, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until((folder / "studies.db").exists)
        until(lambda: "failed" in tuner_in(folder, "show", "again", "--trial", "1").stdout)
        mended(space)
        assert tuner_in(folder, "trial", "again", "1", "retry").returncode == 0
        until(lambda: record(folder, 1).state is State.COMPLETE, 60)
        assert tuner_in(folder, "stop", "again").returncode == 0
        assert run.wait(30) == 130
    finally:
        run.kill()


@pytest.mark.slow
def test_a_run_of_another_process_sees_within_a_second_that_its_best_trial_is_ignored(space: Path) -> None:
    folder = mended(space).parent
    (folder / "pause").write_text("0.35")  # trials 2 and 3 take 4 epochs together
    call = [*command(), "run", "again.yaml", "--log-file", "events.jsonl"]
    run = subprocess.Popen(call, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
    url = f"sqlite:///{folder / 'studies.db'}"

    until(lambda: '"event": "ended", "trial": 1,' in log(folder), 120)
    steer_trial(url, "again", 1, "ignore")
    said = run.communicate(timeout=60)[0]

    ended = [line for line in map(json.loads, log(folder).splitlines()) if line["event"] == "ended"]
    assert [(line["trial"], line["best"]) for line in ended] == [(0, True), (1, True), (2, False), (3, True)]
    assert "trial 3" in said
