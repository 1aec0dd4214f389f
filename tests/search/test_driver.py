from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

from tests.support.asking import opened_study
from tuner.protocol import Outcome, Place, State
from tuner.search.driver import Driver
from tuner.search.events import Ended, Event, Noted
from tuner.search.trial_scheduler import Limits
from tuner.storage import Sole
from tuner.storage.checkpoints import Checkpoints
from tuner.storage.requests import Action, Request

PLACES = [Place(str(i), "here", "cpu", 1) for i in range(3)]


def driver_of(url: str, folder: Path, events: list[Event], total: int = 9) -> Driver:
    return Driver(opened_study(url), Sole(), Limits(total, math.inf, 10, 3), folder, events.append)


def test_workers_that_have_a_trial_get_more_while_less_than_a_third_of_the_study_runs(url: str, tmp_path: Path) -> None:
    driver = driver_of(url, tmp_path, [])

    ahead = [driver.next(PLACES[0], ahead=held > 0) for held in range(4)]
    others = [driver.next(place) for place in PLACES[1:]]

    assert [trial is not None for trial in ahead] == [True, True, True, False]
    assert all(trial is not None for trial in others), "one that has none is never refused by that"


def test_what_several_workers_find_out_is_told_once(url: str, tmp_path: Path) -> None:
    events: list[Event] = []
    driver = driver_of(url, tmp_path, events)

    for _ in PLACES:
        driver.note("they train in turn")

    assert events == [Noted("they train in turn")]


def test_what_drives_a_study_without_training_it_loads_no_torch() -> None:
    modules = ["driver", "trial_scheduler", "events", "trial_files", "steering", "warm_start"]
    probe = f"import sys, {', '.join(f'tuner.search.{each}' for each in modules)}, tuner.engines.outcomes"

    told = subprocess.run(
        [sys.executable, "-c", f"{probe}; print(sorted({{'torch', 'sklearn', 'pandas', 'ray'}} & sys.modules.keys()))"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == "[]\n"


def test_a_retried_trial_begins_without_its_checkpoint_and_is_counted_once(url: str, tmp_path: Path) -> None:
    events: list[Event] = []
    driver = driver_of(url, tmp_path, events)
    for state in (State.FAILED, State.COMPLETE):
        trial = driver.next(PLACES[0])
        assert trial is not None
        values = (0.9,) if state is State.COMPLETE else ()
        driver.done(Outcome(trial.number, 1, state, values, cause="" if values else "as asked"))
    for number in (0, 1):  # a failed trial has one only if its run was killed at the wrong moment
        Checkpoints(tmp_path / "checkpoints").save(number, b"late", best=False)

    for number in (0, 1):
        driver.scheduler.retries.ask(Request(1 + number, Action.RETRY_TRIAL, number, "ann@lab", 1.0, 0))
    again = driver.next(PLACES[0])
    assert again is not None
    driver.done(Outcome(again.number, again.attempt, State.COMPLETE, (0.5,)))

    last = [event for event in events if isinstance(event, Ended)][-1]
    assert (again.number, again.attempt) == (0, 2)
    assert driver.scheduler.retries.asked is False
    assert [driver.load(number) for number in (0, 1)] == [None, b"late"], "a complete one is not retried"
    assert last.states == {State.COMPLETE: 2}
    assert driver.ended == {0, 1}
