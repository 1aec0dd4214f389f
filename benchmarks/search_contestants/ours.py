"""This project with its defaults: a study in memory, asked and told as the driver does."""

from __future__ import annotations

from optuna.storages import InMemoryStorage

from benchmarks.search.course import Asked, Contestant
from tuner.goal import goal_of
from tuner.protocol import Outcome, State
from tuner.space import Space
from tuner.study import AskTell, open_study


class Ours:
    """The trials of a study."""

    def __init__(self, space: Space) -> None:
        self._trials = AskTell(open_study(InMemoryStorage(), space, goal_of(space.objective, None)))

    def ask(self) -> Asked:
        """Return the next config."""
        trial = self._trials.ask()
        return Asked(trial.number, trial.values)

    def tell(self, number: int, loss: float) -> None:
        """Take a loss."""
        self._trials.tell(Outcome(number, 1, State.COMPLETE, (loss,), 1))


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant; the space has the seed already."""
    return Ours(space)
