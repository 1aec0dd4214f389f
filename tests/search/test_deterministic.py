from __future__ import annotations

import itertools
import math
import random
from pathlib import Path

import pytest

from benchmarks.studies import facts
from tests.conftest import TINY
from tuner.goal import Task, goal_of
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict
from tuner.search.deterministic import DeterministicDispatcher
from tuner.search.driver import Driver
from tuner.search.events import Ended, Event, Reported
from tuner.search.trial_scheduler import Limits
from tuner.space import Space
from tuner.storage import Sole, open_storage
from tuner.storage.checkpoints import Checkpoints
from tuner.study import Study, open_study

PLACE = Place("0", "here", "cpu", 1)
PRUNER = "pruner: {type: ThresholdPruner, lower: 0.5}"
EPOCHS = 3


class Bench:
    """A batch over a real study, with trials that say what they are told to say."""

    def __init__(self, url: str, folder: Path, total: int = 4, batch: int = 2, pruner: str = PRUNER) -> None:
        space = Space.parse(TINY.replace("pruner: null", pruner).replace("epochs: 2", f"epochs: {EPOCHS}"))
        opened = open_storage(url, create=True)
        study = open_study(opened, space, goal_of(space.objective, Task.CLASSIFICATION), batch)
        self.study: Study = study
        self.events: list[Event] = []
        self.checkpoints = Checkpoints(folder / "checkpoints")
        self.driver = Driver(study, Sole(), Limits(total, math.inf, 10, 3), folder, self.events.append)
        self.driver.recover()
        self.steps = DeterministicDispatcher(self.driver, batch)

    def take(self) -> Trial:
        trial = self.steps.next(PLACE)
        assert trial is not None
        return trial

    def epoch(self, trial: Trial, number: int, value: float = 0.9) -> Verdict:
        return self.steps.report(Epoch(trial.number, trial.attempt, number, {"accuracy": value, "loss": 1.0}, 0.1))

    def end(self, trial: Trial, state: State = State.COMPLETE) -> None:
        values = (0.9,) if state is State.COMPLETE else ()
        self.steps.done(Outcome(trial.number, trial.attempt, state, values, EPOCHS))

    def whole(self, trial: Trial) -> None:
        for number in range(1, EPOCHS + 1):
            self.epoch(trial, number)
        self.end(trial)

    def work(self, steps: int | None = None) -> None:
        """Three workers train, an epoch each in turn, until all is done or so many steps are."""
        training: dict[int, tuple[Trial, int]] = {}
        for step in itertools.count():
            if step == steps or (self.steps.over and not training):
                return
            worker = step % 3
            if worker not in training and (trial := self.steps.next(PLACE)) is not None:
                training[worker] = trial, int(self.steps.load(trial.number) or 0)
            if worker in training:
                trial, trained = training.pop(worker)
                if not self._trained(trial, trained + 1):
                    training[worker] = trial, trained + 1

    def _trained(self, trial: Trial, number: int) -> bool:
        """Train an epoch; every second one leaves a checkpoint. Whether the trial has ended."""
        verdict = self.epoch(trial, number, random.Random(f"{trial.number} {number}").random())
        if verdict is Verdict.STOP or number == 2 * EPOCHS:
            self.end(trial, State.PRUNED if verdict is Verdict.STOP else State.COMPLETE)
            return True
        if number % 2 == 0:
            self.steps.save(trial.number, str(number).encode(), best=False)
        return False

    def die(self) -> None:
        """As if the process were killed: nothing is written any more."""
        self.driver.trials.close()

    @property
    def applied(self) -> list[tuple[int, int]]:
        return [(event.epoch.epoch, event.epoch.trial) for event in self.events if isinstance(event, Reported)]


@pytest.fixture
def bench(url: str, tmp_path: Path) -> Bench:
    return Bench(url, tmp_path / "study")


def test_epochs_reach_the_study_in_one_order_however_they_arrive(url: str, tmp_path: Path) -> None:
    orders = []
    arrivals = {"in turn": [0, 0, 0, 1, 1, 1], "together": [0, 1, 0, 1, 0, 1], "late first": [1, 1, 1, 0, 0, 0]}
    for name, arrival in arrivals.items():
        bench = Bench(f"sqlite:///{tmp_path}/{name}.db", tmp_path / name)
        trials = [bench.take(), bench.take()]
        counters = [itertools.count(1), itertools.count(1)]
        for i in arrival:
            number = next(counters[i])
            bench.epoch(trials[i], number)
            if number == EPOCHS:
                bench.end(trials[i])
        orders.append(bench.applied)

    assert orders == [[(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]] * 3


def test_a_batch_ends_before_the_next_is_asked_for(bench: Bench) -> None:
    first, second = bench.take(), bench.take()
    bench.whole(first)

    idle = bench.steps.next(PLACE)
    bench.whole(second)
    third = bench.take()

    assert idle is None
    assert third.number == 2
    assert not bench.steps.over


def test_what_a_trial_trained_beyond_its_verdict_is_thrown_away(bench: Bench) -> None:
    first, second = bench.take(), bench.take()
    verdicts = [bench.epoch(first, 1), bench.epoch(first, 2, 0.1), bench.epoch(first, 3)]
    bench.end(first)

    bench.epoch(second, 1)
    bench.epoch(second, 2)

    record = bench.study.record(0)
    assert verdicts == [Verdict.GO] * 3  # it was not known yet
    assert (record.state, record.epoch, record.history["accuracy"]) == ("pruned", 2, [0.9, 0.1])
    assert bench.applied == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert [event.outcome.trial for event in bench.events if isinstance(event, Ended)] == [0]


def test_a_trial_that_was_stopped_hears_it_at_its_next_epoch(bench: Bench) -> None:
    first, _ = bench.take(), bench.take()

    verdict = bench.epoch(first, 1, 0.1)

    assert verdict is Verdict.STOP
    assert bench.epoch(first, 2) is Verdict.STOP
    assert bench.steps.verdict(first) is Verdict.STOP


def test_a_checkpoint_is_never_ahead_of_the_study(bench: Bench) -> None:
    first, second = bench.take(), bench.take()
    bench.epoch(first, 1)
    bench.epoch(first, 2)
    bench.steps.save(0, b"after 2", best=False)
    before = bench.checkpoints.load(0)

    bench.epoch(second, 1)

    assert before is None
    assert bench.checkpoints.load(0) == b"after 2"


def test_a_lost_trial_stays_in_its_batch_and_its_epochs_come_again(bench: Bench) -> None:
    first, second = bench.take(), bench.take()
    bench.epoch(first, 1)
    bench.epoch(first, 2)

    bench.steps.done(Outcome(0, 1, State.LOST, cause="its worker died"))
    again = bench.take()
    bench.whole(again)
    bench.whole(second)

    assert (again.number, again.attempt, again.values) == (0, 2, first.values)
    assert [record.state for record in bench.study.records()] == ["complete"] * 2
    assert bench.study.record(0).history["accuracy"] == [0.9] * EPOCHS


def test_a_batch_that_a_crash_cut_goes_on_as_the_same_batch(url: str, tmp_path: Path) -> None:
    cut = Bench(url, tmp_path / "study", batch=3, total=6)
    trials = [cut.take(), cut.take(), cut.take()]
    for number, trial in itertools.product(range(1, EPOCHS + 1), trials):
        cut.epoch(trial, number)
    cut.end(trials[0])

    bench = Bench(url, tmp_path / "study", batch=3, total=6)
    taken = [bench.take(), bench.take()]
    idle = bench.steps.next(PLACE)

    assert bench.study.record(0).state == "complete"
    assert [(trial.number, trial.attempt) for trial in taken] == [(1, 2), (2, 2)]
    assert idle is None


def test_a_driver_that_dies_with_epochs_unwritten_changes_nothing_in_the_study(url: str, tmp_path: Path) -> None:
    halving = "pruner: {type: SuccessiveHalvingPruner, min_resource: 1, reduction_factor: 2}"
    whole = Bench(f"sqlite:///{tmp_path}/whole.db", tmp_path / "whole", batch=3, total=6, pruner=halving)
    whole.work()
    for lives in itertools.count(1):
        cut = Bench(url, tmp_path / "study", batch=3, total=6, pruner=halving)
        cut.work(steps=4 + lives)  # more each time, or a life might end before its first checkpoint
        cut.die()
        if cut.steps.over:
            break

    expected, found = (
        [facts(trial) for trial in bench.study.optuna.get_trials(deepcopy=False)] for bench in (whole, cut)
    )
    assert found == expected
    assert {trial["state"] for trial in found} == {"COMPLETE", "PRUNED"}  # or there was little to decide
    assert lives > 2


def test_no_epoch_is_taken_from_an_attempt_that_is_over(bench: Bench) -> None:
    first, _ = bench.take(), bench.take()
    bench.steps.done(Outcome(0, 1, State.LOST, cause="its worker died"))

    verdict = bench.epoch(first, 1)

    assert verdict is Verdict.STOP
    assert bench.applied == []


def test_a_trial_that_is_lost_for_good_does_not_hold_the_others_up(bench: Bench) -> None:
    first, second = bench.take(), bench.take()
    bench.whole(second)

    for _ in range(3):  # as often as search.retries allows
        bench.steps.done(Outcome(0, first.attempt, State.LOST, cause="its worker died"))
        first = bench.take()
    bench.steps.done(Outcome(0, first.attempt, State.LOST, cause="its worker died"))

    assert [record.state for record in bench.study.records()] == ["lost", "complete"]
    assert bench.take().number == 2


def test_a_signal_changes_nothing_in_the_order(bench: Bench) -> None:
    first, second = bench.take(), bench.take()
    bench.epoch(first, 1)
    for number in (1, 2, 3):
        bench.epoch(second, number)

    bench.driver.stop(2)
    bench.steps.done(Outcome(0, 1, State.SUSPENDED, epoch=1))
    bench.epoch(second, 4)

    assert bench.applied == [(1, 0), (1, 1)]  # what comes after (2, 0) waits for the next run
    assert bench.steps.over
