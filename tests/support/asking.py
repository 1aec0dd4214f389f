"""A study opened for a tiny space, and trials told to it."""

from __future__ import annotations

from tests.conftest import TINY
from tuner.goal import Task, goal_of
from tuner.protocol import Epoch, Outcome, State
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import AskTell, Study, open_study
from tuner.study.study import CONFIRM, note

PRUNING = TINY.replace("pruner: null", "pruner: {type: ThresholdPruner, lower: 0.5}")


def opened_study(url: str, text: str = PRUNING, batch: int | None = None) -> Study:
    space = Space.parse(text)
    goal = goal_of(space.objective, Task.CLASSIFICATION)
    return open_study(open_storage(url, create=True), space, goal, batch)


def opened(url: str, text: str = PRUNING, batch: int | None = None) -> AskTell:
    return AskTell(opened_study(url, text, batch))


def epoch(trial: int, number: int, accuracy: float, attempt: int = 1) -> Epoch:
    return Epoch(trial, attempt, number, {"train_loss": 1.0, "accuracy": accuracy, "loss": 0.5}, 0.25)


def complete(trials: AskTell, value: float) -> int:
    trial = trials.ask()
    trials.report(epoch(trial.number, 1, value))
    trials.tell(Outcome(trial.number, 1, State.COMPLETE, (value,), 1))
    return trial.number


def left_running(url: str) -> AskTell:
    """One trial is complete, another was left by a driver that is gone."""
    trials = opened(url)
    complete(trials, 0.9)
    trials.ask()
    return trials


def confirmed(url: str) -> AskTell:
    """With a study that looks like the confirmation of it."""
    trials = opened(url)
    complete(trials, 0.9)
    runs = opened(url, PRUNING.replace("name: tiny", "name: tiny.confirm"))
    terms = {"top": 1, "seeds": 2, "splits": False, "candidates": [0]}
    note(runs.study, CONFIRM, {"of": trials.study.uid, **terms})
    return trials
