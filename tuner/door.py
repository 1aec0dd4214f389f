"""The door for people with an Optuna script of their own: a space as an objective for `study.optimize`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optuna

from tuner import check
from tuner.config import Epoch, Outcome, State, Trial, Verdict
from tuner.errors import TunerError, UsageError
from tuner.seeds import derive
from tuner.space import Space
from tuner.training import device_of
from tuner.trial import run_trial


def objective(space: Space | str | Path, *, device: str = "auto") -> Callable[[optuna.Trial], float]:
    """A function of an `optuna.Trial` that fills the space, trains, reports every epoch and gives the value.

        study = optuna.create_study(direction="maximize")
        study.optimize(tuner.objective("cnn.yaml"), n_trials=20)

    The data are loaded and the space is checked once, here. The study's own sampler and pruner are in
    force; the `search` section is not. Metrics are kept as the trial's user attribute `history`.

    Args:
        space: a file, or a space.
        device: `auto`, `cpu`, `cuda` or `mps`.

    Returns:
        The objective. It raises `optuna.TrialPruned` for a trial that the pruner stops, that diverges
        or that runs out of memory, `TunerError` for one that fails, and `UsageError` when the
        study's direction is not the metric's.

    Raises:
        UsageError: the space or the data do not allow it.
    """
    space = space if isinstance(space, Space) else Space.load(space)
    check.check_names(space)
    seed = space.setting("study.seed")
    job = check.load_job(space, device_of(device))
    check.check_fit(space, job)

    def call(trial: optuna.Trial) -> float:
        if trial.study.direction.name.lower() != job.scores.direction.value:
            wanted = job.scores.direction.value
            raise UsageError(f"{job.scores.objective} is there to {wanted}: create_study(direction={wanted!r})")
        port = _TrialPort(trial, job.scores.objective)
        config = space.resolve(trial)
        outcome = run_trial(job, Trial(trial.number, 1, config, derive(seed, "trial", trial.number)), port)
        return port.value_of(outcome)

    return call


class _TrialPort:
    """A port to one trial of somebody else's study."""

    def __init__(self, trial: optuna.Trial, metric: str) -> None:
        self._trial = trial
        self._metric = metric
        self._history: dict[str, list[float]] = {}

    def take(self) -> Trial | None:
        """Nothing: the study hands its trials out by itself."""
        return None

    def report(self, epoch: Epoch) -> Verdict:
        """Report to the study and ask its pruner."""
        for name, value in {**epoch.metrics, "seconds": epoch.seconds}.items():
            self._history.setdefault(name, []).append(value)
        self._trial.report(epoch.metrics[self._metric], epoch.epoch)
        return Verdict.STOP if self._trial.should_prune() else Verdict.GO

    def load(self, trial: int) -> bytes | None:
        """Nothing: such a study keeps no checkpoints."""
        return None

    def save(self, trial: int, state: bytes) -> None:
        """Drop it: such a study keeps no checkpoints."""

    def done(self, outcome: Outcome) -> None:
        """Nothing: the study tells its trials by itself."""

    def value_of(self, outcome: Outcome) -> float:
        """The trial's value, or the exception that Optuna understands."""
        self._trial.set_user_attr("history", self._history)
        if outcome.epoch is not None:
            self._trial.set_user_attr("epoch", outcome.epoch)
        match outcome.state:
            case State.COMPLETE:
                return outcome.values[0]
            case State.FAILED:
                raise TunerError(outcome.cause)
            case _:
                raise optuna.TrialPruned(outcome.cause)
