"""Trials that this program trains for a server: each has one end, and its lease holds while an epoch takes long."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import until
from tests.support.remote_jobs import REMOTE, submitted
from tuner.client import Client, RemoteStudy, RemoteTrial
from tuner.errors import ServerError, StopTrial, UsageError
from tuner.protocol import State


@pytest.fixture
def study(client: Client, tmp_path: Path) -> RemoteStudy:
    submitted(tmp_path, REMOTE)
    return client.study("far")


def asked(study: RemoteStudy, worker: str | None = None, lease_seconds: float | None = None) -> RemoteTrial:
    trial = study.ask(worker, lease_seconds=lease_seconds)
    assert trial is not None
    return trial


def test_a_worker_trains_trials_until_the_study_has_its_total(study: RemoteStudy) -> None:
    for trial in study.work("one"):
        with trial:
            assert set(trial.params) <= {"rate", "net.units", "net.kind"}
            for epoch in (1, 2):
                trial.report(epoch, {"error": trial.config["rate"] + 1 / epoch})

    assert [record.state for record in study.trials] == [State.COMPLETE] * len(study.trials)
    assert len(study.trials) == 4
    assert study.best_value == min(record.params["rate"] for record in study.trials) + 0.5


def test_an_exception_fails_its_trial_alone_and_a_bad_number_ends_it_as_diverged(study: RemoteStudy) -> None:
    for trial in study.work():
        with trial:
            if trial.number == 0:
                raise ValueError("no such layer")
            trial.report(1, error=math.nan if trial.number == 1 else 0.5)

    assert [record.state for record in study.trials] == [State.FAILED, State.DIVERGED, State.COMPLETE, State.COMPLETE]
    assert study.trials[0].cause == "ValueError: no such layer"
    assert "raise ValueError" in (study.trials[0].attributes.traceback or "")


def test_an_interrupt_gives_the_trial_back_and_the_next_attempt_goes_on_with_its_state(study: RemoteStudy) -> None:
    worker = study.work("one")
    trial = next(worker)
    trial.report(1, error=0.5)
    trial.save(b"weights")
    with pytest.raises(KeyboardInterrupt), trial:
        raise KeyboardInterrupt
    worker.close()

    again = asked(study, "two")

    assert (again.number, again.attempt) == (0, 2)
    assert again.load() == b"weights"
    assert [(each.epoch, each.metrics["error"]) for each in again.before] == [(1, 0.5)]
    again.release()


def test_a_trial_without_an_end_is_an_error_and_is_given_back(study: RemoteStudy) -> None:
    worker = study.work()
    next(worker)

    with pytest.raises(UsageError, match="trial 0 has no end: use `with trial:`"):
        next(worker)

    assert asked(study).number == 0


def test_a_worker_that_stops_asking_gives_its_trial_back(study: RemoteStudy) -> None:
    for trial in study.work():
        assert trial.number == 0
        break

    assert asked(study).attempt == 2


def test_the_lease_holds_while_an_epoch_takes_longer(study: RemoteStudy) -> None:
    trial = asked(study, lease_seconds=1)

    time.sleep(2.5)
    trial.report(1, error=0.5)

    assert trial.complete().state == "complete"


def test_nothing_renews_the_lease_of_a_trial_that_has_ended(study: RemoteStudy) -> None:
    before = set(threading.enumerate())
    with asked(study, lease_seconds=1) as trial:
        trial.report(1, error=0.5)

    new = [thread for thread in threading.enumerate() if thread not in before and thread.name == "lease of trial 0"]
    until(lambda: not any(thread.is_alive() for thread in new), 60)


def test_a_trial_of_another_worker_is_refused(study: RemoteStudy) -> None:
    trial = asked(study)
    trial.release()
    other = asked(study)

    with pytest.raises(ServerError) as told:
        trial.report(1, error=0.5)

    assert told.value.status == 409
    other.release()


def test_a_pruned_trial_ends_without_an_error_and_the_loop_goes_on(study: RemoteStudy) -> None:
    reported = []
    for trial in study.work():
        with trial:
            for epoch in (1, 2):
                reported.append((trial.number, epoch))
                trial.report(epoch, error=9 if trial.number == 0 else 0.5)

    assert reported[:2] == [(0, 1), (1, 1)]
    assert study.trials[0].state is State.PRUNED


def test_without_a_context_a_pruned_trial_raises_stop_trial(study: RemoteStudy) -> None:
    trial = asked(study)

    with pytest.raises(StopTrial, match="trial 0: stop"):
        trial.report(1, error=9)

    assert trial.ended
