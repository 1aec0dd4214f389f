"""Batches: all that is asked, reported and told inside is written with one commit, or nothing of it."""

from __future__ import annotations

import sqlite3

import optuna
import pytest

from tests.support.asking import epoch, opened
from tuner.errors import StorageError
from tuner.protocol import Outcome, State

CRASH = """
CREATE TRIGGER crash BEFORE INSERT ON trial_user_attributes WHEN NEW.key = '{key}'
BEGIN SELECT RAISE(ABORT, 'crash'); END
"""


def seen(url: str) -> list[tuple[str, dict[int, float]]]:
    """The trials as another process reads them."""
    return [
        (trial.state.name, trial.intermediate_values)
        for trial in optuna.load_study(study_name="tiny", storage=url).trials
    ]


def test_a_batch_is_seen_whole_at_its_end(url: str) -> None:
    trials = opened(url)
    with trials.batch():
        first, second = trials.ask().number, trials.ask().number
        trials.report(epoch(first, 1, 0.75))
        trials.tell(Outcome(first, 1, State.COMPLETE, (0.75,), 1))
        inside = seen(url)

    assert inside == []
    assert seen(url) == [("COMPLETE", {1: 0.75}), ("RUNNING", {})]
    trials.report(epoch(second, 1, 0.5))
    assert seen(url)[1] == ("RUNNING", {1: 0.5})


@pytest.mark.parametrize("fault", ["write", "other"])
def test_a_batch_that_fails_leaves_nothing_and_the_study_goes_on_anew(url: str, fault: str) -> None:
    trials = opened(url)
    with trials.batch():
        trials.ask()
    if fault == "write":
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.executescript(CRASH.format(key="epoch"))

    with pytest.raises(StorageError if fault == "write" else ZeroDivisionError), trials.batch():  # noqa: PT012  # the batch is what fails
        trials.report(epoch(0, 1, 0.75))
        trials.ask()
        trials.tell(Outcome(0, 1, State.COMPLETE, (0.75,), 1))
        if fault == "other":
            raise ZeroDivisionError
    trials.flush()

    assert seen(url) == [("RUNNING", {})]
    if fault == "write":
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("DROP TRIGGER crash")
    again = opened(url)
    assert again.recover() == 1
    assert again.ask().number == 0


def test_a_call_that_fails_in_a_batch_takes_nothing_of_the_others_with_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = opened(url)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with trials.batch():
        trials.ask()
        trials.report(epoch(0, 1, 0.25))
        with monkeypatch.context() as patched:
            patched.setattr(type(trials.study.space), "fill", fail)
            with pytest.raises(ZeroDivisionError):
                trials.ask()
        trials.report(epoch(0, 2, 0.5))
        trials.tell(Outcome(0, 1, State.COMPLETE, (0.5,), 2))
        trials.ask()

    assert seen(url) == [("COMPLETE", {1: 0.25, 2: 0.5}), ("RUNNING", {})]
    known, stored = trials.record(0), opened(url).record(0)
    assert known == stored
    assert stored is not None
    assert stored.attributes.seed is not None
