"""A run and what other processes ask of it: over a real database, with the run in this process."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import tuner
from tuner.errors import Interrupted
from tuner.protocol import State
from tuner.search import steering
from tuner.search.events import Ended, Event, Noted, Reported, Trouble
from tuner.storage import open_storage
from tuner.storage.requests import Action, Requests
from tuner.study import marks
from tuner.study.interventions import steer_trial

SPACE = """\
study: {name: steered}
search: {trials: 3, sampler: {type: RandomSampler}, pruner: null}
objective: {function: "fit.py:fit", metric: score, direction: maximize}
x: {float: [0, 1]}
"""
FIT = """\
import time

def fit(config, report):
    for epoch in range(1, 101):
        time.sleep(0.01)
        report(epoch, score=config["x"] + epoch)
"""


@pytest.fixture
def space(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(steering, "LOOK_SECONDS", 0.02)
    (tmp_path / "fit.py").write_text(FIT)
    open_storage(url, create=True)
    file = tmp_path / "steered.yaml"
    file.write_text(SPACE)
    return file


def when(trial: int, epoch: int, act: Callable[[], object], seen: list[Event]) -> Callable[[Event], None]:
    """An observer that acts once, after an epoch of a trial."""

    def observe(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Reported) and (event.epoch.trial, event.epoch.epoch) == (trial, epoch):
            act()

    return observe


def test_a_trial_that_is_stopped_ends_as_pruned_with_who_asked_and_the_others_go_on(space: Path, url: str) -> None:
    requests = Requests(url, "steered")

    result = tuner.run(
        space, storage=url, observe=when(1, 3, lambda: requests.post(Action.STOP_TRIAL, 1, "ann@lab", 1), [])
    )

    records = result.study.records()
    assert [record.state for record in records] == [State.COMPLETE, State.PRUNED, State.COMPLETE]
    assert records[1].cause == "stopped by ann@lab"
    assert 3 < len(records[1].epochs) < 100
    assert list(requests.pending()) == []


def test_a_trial_that_is_ignored_while_the_run_goes_on_is_not_its_best(
    space: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "LOOK_SECONDS", 0.02)
    seen: list[Event] = []
    settings = {"search.enqueue": [{"x": 0.5}, {"x": 0.25}, {"x": 0.1}]}

    result = tuner.run(
        space,
        storage=url,
        settings=settings,
        observe=when(1, 3, lambda: steer_trial(url, "steered", 0, "ignore"), seen),
    )

    assert [event.front[0].number for event in seen if isinstance(event, Ended)] == [0, 1, 1]
    assert result.best.number == 1
    assert len(result.study.records()) == 3


def test_a_target_that_only_an_ignored_trial_has_reached_stops_no_search(space: Path, url: str) -> None:
    settings = {"search.enqueue": [{"x": 0.5}, {"x": 0.25}], "search.stop": {"target": 100.4}}

    stopped = tuner.run(space, storage=url, settings=settings)
    steer_trial(url, "steered", 0, "ignore")
    result = tuner.run(space, storage=url, settings=settings)

    assert (stopped.study.finished(), stopped.stopped != "") == (1, True)
    assert result.study.finished() == 3
    assert result.best.number in (1, 2)


def test_a_trial_that_waits_is_stopped_when_it_runs(space: Path, url: str) -> None:
    requests = Requests(url, "steered")
    requests.post(Action.STOP_TRIAL, 2, attempt=1)

    result = tuner.run(space, storage=url)

    assert [record.state for record in result.study.records()] == [State.COMPLETE, State.COMPLETE, State.PRUNED]
    assert list(requests.pending()) == []


@pytest.mark.parametrize("options", [{}, {"deterministic": 2}])
def test_a_study_that_is_stopped_suspends_its_trials_and_the_next_run_completes_it(
    space: Path, url: str, options: dict[str, int]
) -> None:
    requests, seen = Requests(url, "steered"), list[Event]()

    with pytest.raises(Interrupted):
        tuner.run(
            space,
            storage=url,
            observe=when(1, 3, lambda: requests.post(Action.STOP_STUDY, actor="ann@lab"), seen),
            deterministic=options.get("deterministic"),
        )
    states = [record.state.value for record in tuner.load_study("steered", storage=url).records()]
    result = tuner.run(space, storage=url, deterministic=options.get("deterministic"))

    assert Noted("ann@lab stops this run") in seen
    assert "waiting" in states
    assert set(states) <= {"complete", "waiting"}
    assert [record.state for record in result.study.records()] == [State.COMPLETE] * 3


def test_a_stop_that_was_asked_of_an_earlier_run_is_removed_when_every_driver_has_seen_it(
    space: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = Requests(url, "steered")
    requests.post(Action.STOP_STUDY)

    tuner.run(space, storage=url, n_trials=1)
    kept = len(requests.pending())
    monkeypatch.setattr(steering, "STALE_SECONDS", 0.0)
    tuner.run(space, storage=url, n_trials=2)

    assert (kept, len(requests.pending())) == (1, 0)


def drop_the_table(url: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        database.execute("DROP TABLE tuner_requests")


@pytest.mark.parametrize("epoch", [3, 100], ids=["during", "at the end"])
def test_requests_that_cannot_be_read_cost_a_sentence_and_no_run(space: Path, url: str, epoch: int) -> None:
    seen: list[Event] = []
    last = {"search.trials": 1}

    result = tuner.run(space, storage=url, settings=last, observe=when(0, epoch, lambda: drop_the_table(url), seen))

    assert [record.state for record in result.study.records()] == [State.COMPLETE]
    told = [event.message for event in seen if isinstance(event, Trouble)]
    assert len(told) == 1
    assert "what people ask of this run cannot be read or done" in told[0]
    assert "no such table: tuner_requests" in told[0]


def test_requests_of_another_study_are_left_alone(space: Path, url: str) -> None:
    others = Requests(url, "another")
    others.post(Action.STOP_TRIAL, 0, attempt=1)

    result = tuner.run(space, storage=url, n_trials=1)

    assert result.study.records()[0].state is State.COMPLETE
    assert len(others.pending()) == 1
