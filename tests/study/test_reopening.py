"""A trial that had ended runs again: what it keeps, what it loses, and who may say so."""

from __future__ import annotations

import pytest

from tests.conftest import TINY
from tests.support.asking import PRUNING, complete, epoch, opened
from tuner.optuna_internals import CONSTRAINTS_KEY
from tuner.protocol import Outcome, State
from tuner.storage import open_storage
from tuner.study import AskTell, Unfinished, load_study, marks
from tuner.study.reopening import Wish
from tuner.study.trial_attributes import HISTORY, TRACEBACK

ANN = "ann@lab"


def nothing(number: int) -> None:
    pass


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "LOOK_SECONDS", 0.0)


def fail(trials: AskTell) -> int:
    number = trials.ask().number
    trials.report(epoch(number, 1, 0.75))
    broken = {"loss": 1.0}
    trials.tell(Outcome(number, 1, State.FAILED, cause="as asked", traceback="Traceback ...", violations=broken))
    return number


def prune(trials: AskTell) -> int:
    number = trials.ask().number
    trials.report(epoch(number, 1, 0.4))
    trials.tell(Outcome(number, 1, State.PRUNED, epoch=1))
    return number


def test_a_failed_trial_waits_without_what_its_end_has_left_and_keeps_what_it_is(url: str) -> None:
    trials = opened(url)
    complete(trials, 0.9)
    number = fail(trials)
    before = trials.study.records()[number]

    assert trials.reopening.reopen(Wish(number, ANN, 1.0), nothing)
    for study in (trials.study, load_study(open_storage(url), "tiny")):
        now = study.records()[number]
        assert now.state is Unfinished.WAITING
        assert now.params == before.params
        assert now.attributes.seed == before.attributes.seed
        assert now.attributes.attempt == 1
        assert (now.values, now.reports, now.history, now.cause, now.violations) == ((), {}, {}, "", {})
        assert (now.started, now.ended, now.attributes.traceback, now.attributes.worker) == (None, None, None, None)
        left = study.trials[number].system_attrs
        assert not [key for key in left if key.startswith((HISTORY, TRACEBACK, CONSTRAINTS_KEY))]
    assert trials.study.finished() == 1


def test_it_is_asked_for_before_new_ones_under_its_number_as_the_next_attempt(url: str) -> None:
    trials = opened(url)
    number = fail(trials)
    before = trials.study.records()[number].params
    complete(trials, 0.9)

    trials.reopening.reopen(Wish(number, ANN, 1.0), nothing)
    again = trials.ask()
    trials.report(epoch(again.number, 1, 0.95, attempt=2))
    trials.tell(Outcome(again.number, 2, State.COMPLETE, (0.95,), 1))

    record = trials.study.records()[number]
    assert (again.number, again.attempt, again.interrupted) == (number, 2, False)
    assert (record.state, record.value, record.params, record.epochs) == (State.COMPLETE, 0.95, before, [1])
    assert trials.study.finished() == 2
    assert [each.number for each in trials.queue.ended()] == [1, 0]


def test_one_that_was_pruned_is_not_judged_again(url: str) -> None:
    trials = opened(url, PRUNING)
    number = prune(trials)

    trials.reopening.reopen(Wish(number, ANN, 1.0), nothing)
    again = trials.ask()
    verdict = trials.report(epoch(again.number, 1, 0.1, attempt=2))
    fresh = opened(url, PRUNING)
    fresh.recover()
    resumed = fresh.ask()

    assert (again.number, verdict) == (number, False)
    assert (resumed.number, fresh.report(epoch(number, 2, 0.1, attempt=3))) == (number, False)


def test_one_that_failed_is_judged_as_before(url: str) -> None:
    trials = opened(url, PRUNING.replace("epochs: 2", "epochs: 3"))
    number = fail(trials)

    trials.reopening.reopen(Wish(number, ANN, 1.0), nothing)
    trials.ask()

    assert trials.report(epoch(number, 1, 0.1, attempt=2))


def test_one_that_is_complete_or_has_not_ended_or_is_not_there_stays_and_keeps_its_files(url: str) -> None:
    trials, prepared = opened(url, TINY), list[int]()
    done, running = complete(trials, 0.9), trials.ask().number

    assert not any(trials.reopening.reopen(Wish(each, ANN, 1.0), prepared.append) for each in (done, running, 7))
    assert prepared == []
    assert [record.state for record in trials.study.records()] == [State.COMPLETE, Unfinished.RUNNING]


def test_a_request_is_met_once_also_if_the_trial_fails_again_before_it_is_removed(url: str) -> None:
    trials = opened(url)
    number = fail(trials)

    first = trials.reopening.reopen(Wish(number, ANN, 1.0, request=5), nothing)
    trials.ask()
    trials.tell(Outcome(number, 2, State.FAILED, cause="again"))
    same = trials.reopening.reopen(Wish(number, ANN, 1.0, request=5), nothing)
    later = opened(url).reopening.reopen(Wish(number, "bob@lab", 2.0, request=4), nothing)
    new = opened(url).reopening.reopen(Wish(number, "bob@lab", 3.0, request=6), nothing)

    assert (first, same, later, new) == (True, False, False, True)


def test_a_reader_whose_storage_keeps_ended_trials_sees_it_wait_and_end(url: str) -> None:
    trials = opened(url)
    number = fail(trials)
    storage = open_storage(url)  # Optuna's cache never reads an ended trial again
    states = [load_study(storage, "tiny").records()[number].state]

    trials.reopening.reopen(Wish(number, ANN, 1.0), nothing)
    states.append(load_study(storage, "tiny").records()[number].state)
    again = trials.ask()
    trials.tell(Outcome(again.number, 2, State.COMPLETE, (0.9,), 1))
    states.append(load_study(storage, "tiny").records()[number].state)

    assert states == [State.FAILED, Unfinished.WAITING, State.COMPLETE]
    assert load_study(storage, "tiny").best_trial.number == number


def test_a_crash_leaves_it_as_it_was_or_waiting_and_nothing_between(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark and the state are written in one transaction."""
    trials = opened(url)
    number = fail(trials)

    def break_off(**facts: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tuner.storage.reopen.json.dumps", break_off)
    with pytest.raises((KeyboardInterrupt, TypeError)):
        trials.reopening.reopen(Wish(number, ANN, 1.0), nothing)
    monkeypatch.undo()

    seen = load_study(open_storage(url), "tiny")
    assert seen.records()[number].state is State.FAILED
    assert seen.records()[number].attributes.traceback is not None
    assert seen.marks.read().retried == {}
    assert trials.reopening.reopen(Wish(number, ANN, 1.0), nothing)
