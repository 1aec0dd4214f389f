"""A sampler of Optuna, in a study of its own in memory. The space asks Optuna's trial for each parameter."""

from __future__ import annotations

import warnings

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from benchmarks.search.course import Asked
from tuner.space import Space


class OptunaStudy:
    """Asks and tells as an Optuna script does."""

    def __init__(self, space: Space, sampler: BaseSampler) -> None:
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # samplers warn of each parameter that they draw by itself
        self._space = space
        self._study = optuna.create_study(sampler=sampler)

    def ask(self) -> Asked:
        """Return the next config."""
        trial = self._study.ask()
        return Asked(trial.number, self._space.fill(trial))

    def tell(self, number: int, loss: float) -> None:
        """Take a loss."""
        self._study.tell(number, loss)
