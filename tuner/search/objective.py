"""The door for Optuna scripts: a space as an objective for `study.optimize`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path

import optuna
import torch

from tuner import preflight
from tuner.engines.function import run_fit
from tuner.engines.run_trial import run_trial
from tuner.errors import TunerError, UsageError
from tuner.goal import Goal
from tuner.optuna_internals import trial_id_of
from tuner.protocol import Epoch, Outcome, State, Trial, TrialPort, Verdict
from tuner.runtime.seeds import derive
from tuner.space import Space
from tuner.space.relation_rules import look_in
from tuner.study.trial_attributes import HISTORY
from tuner.training import device_of


def objective(
    space: Space | str | Path, *, device: str = "auto"
) -> Callable[[optuna.Trial], float | tuple[float, ...]]:
    """Return a function of an `optuna.Trial` that trains a filled space and returns its value or values.

    The function reports every epoch. The data are loaded and the space is checked once, here. The study's own sampler
    and pruner decide; of the `search` section only `where` counts. Metrics are stored as the trial's system attribute
    `tuner:history`, constraints by `trial.set_constraint`. With several objectives nothing is reported to Optuna.

    Args:
        space: a file, or a space.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Returns:
        The objective. It raises `optuna.TrialPruned` if the pruner stops the trial, it diverges, memory runs out, or a
        relation does not hold. It raises `TunerError` for a failed trial. It raises `UsageError` if the study's
        directions are not those of the metrics.

    Raises:
        UsageError: the space or the data do not allow training.

    Example:
        import optuna

        study = optuna.create_study(direction="maximize")
        study.optimize(tuner.objective("search_spaces/cnn.yaml"), n_trials=2)
    """
    space = space if isinstance(space, Space) else Space.load(space)
    preflight.refuse_remote(space)
    preflight.check_names(space)
    seed = space.study.seed
    goal, run = _runner(space, device_of(device))

    def call(trial: optuna.Trial) -> float | tuple[float, ...]:
        _refuse_other_directions(trial.study, goal)
        port = _StudyPort(trial, goal)
        values = space.fill(trial)
        for relation in space.relations:
            if relation.violation(look_in(trial.params, values)):
                raise optuna.TrialPruned(f"{relation.text} does not hold")
        outcome = run(Trial(trial.number, 1, values, derive(seed, "trial", trial.number)), port)
        return port.value_of(outcome)

    return call


def _runner(space: Space, device: torch.device) -> tuple[Goal, Callable[[Trial, TrialPort], Outcome]]:
    """Return the goal, and a function that runs one trial."""
    if space.objective.function is not None:
        function, goal = preflight.load_function(space)
        return goal, functools.partial(run_fit, function, goal, str(device), None)
    job = preflight.load_job(space, device)
    preflight.check_fit(space, job)
    return job.scores.goal, functools.partial(run_trial, job, interval=math.inf)


def _refuse_other_directions(study: optuna.Study, goal: Goal) -> None:
    wanted = [direction.value for direction in goal.directions]
    if [direction.name.lower() for direction in study.directions] != wanted:
        call = f"create_study(direction={wanted[0]!r})" if goal.single else f"create_study(directions={wanted})"
        raise UsageError(f"the objective is {goal}: {call}")


class _StudyPort:
    """A port to one trial of another program's study."""

    def __init__(self, trial: optuna.Trial, goal: Goal) -> None:
        self._trial = trial
        self._goal = goal
        self._history: dict[str, list[float]] = {}

    def report(self, epoch: Epoch) -> Verdict:
        """Report an epoch to the study and ask its pruner."""
        for name, value in {**epoch.metrics, "seconds": epoch.seconds}.items():
            self._history.setdefault(name, []).append(value)
        if not self._goal.single:
            return Verdict.GO
        self._trial.report(epoch.metrics[self._goal.metric], epoch.epoch)
        return Verdict.STOP if self._trial.should_prune() else Verdict.GO

    def load(self, trial: int) -> bytes | None:
        """Return None: such a study keeps no checkpoints."""
        return None

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Discard the state: such a study keeps no checkpoints."""

    def value_of(self, outcome: Outcome) -> float | tuple[float, ...]:
        """Return the trial's value or values, or raise the exception that Optuna expects."""
        self._trial.storage.set_trial_system_attr(trial_id_of(self._trial), HISTORY, self._history)
        if outcome.epoch is not None:
            self._trial.set_user_attr("epoch", outcome.epoch)
        for name, violation in outcome.violations.items():
            self._trial.set_constraint(name, violation)
        match outcome.state:
            case State.COMPLETE:
                return outcome.values[0] if self._goal.single else outcome.values
            case State.FAILED:
                raise TunerError(outcome.cause)
            case _:
                raise optuna.TrialPruned(outcome.cause)
