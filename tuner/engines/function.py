"""Training by a user's function: `fit(config, report)` as an engine.

The function receives the plain config and reports its epochs. It may train in any way: a loop in torch, Lightning or
scikit-learn.
"""

from __future__ import annotations

import copy
import inspect
import numbers
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tuner import signatures
from tuner.config import STUDY_SECTIONS
from tuner.engines.outcomes import BestEpoch, complete, divergence, failed, interrupted
from tuner.errors import BuildError, TrialStopped, UsageError, listing
from tuner.goal import Goal
from tuner.protocol import Epoch, Outcome, Port, State, Trial, TrialPort, Verdict
from tuner.runtime import user_code
from tuner.runtime.generators import seed_everything
from tuner.runtime.kinds import is_whole

Fit = Callable[..., Any]
SEEDS = 2**32
"""Upper bound of a function's seed: scikit-learn and NumPy take no larger ones."""

NOT_ITS_OWN = frozenset(STUDY_SECTIONS)
"""Sections that the function does not receive."""


def load(name: str, base: str) -> Fit:
    """Return the function `file.py:name` or `package.module:name`. This runs its file.

    Raises:
        BuildError: it is not there, or cannot be called as `fit(config, report)`.
    """
    function = user_code.load(name, base, "objective.function")
    if not callable(function):
        raise BuildError("objective.function", f"{name} is a {type(function).__name__}, not a function")
    try:
        inspect.signature(function).bind("config", "report", **_asked_for(function, 0, "cpu", None))
    except (TypeError, ValueError) as error:
        message = f"{name} cannot be called as fit(config, report): {error}"
        raise BuildError("objective.function", message) from None
    return function  # type: ignore[no-any-return]  # a callable of the user's may give anything


@dataclass(frozen=True, slots=True)
class FunctionEngine:
    """The engine that calls a function for one trial after the other; it loads the function where it runs.

    `name` and `base` are those of `load`.
    """

    name: str
    base: str
    goal: Goal
    device: str

    def at(self, device: torch.device, base: str) -> FunctionEngine:
        """Return the same engine for another device, with the function from another folder."""
        return replace(self, base=base, device=str(device))

    def __call__(self, port: Port) -> None:
        """Call the function until the port has no more trials."""
        function = load(self.name, self.base)
        while (trial := port.take()) is not None:
            port.begin(trial.number)
            port.done(run_fit(function, self.goal, self.device, None, trial, port))


def run_fit(function: Fit, goal: Goal, device: str, folder: Path | None, trial: Trial, port: TrialPort) -> Outcome:
    """Call the function for one trial. Any failure in it is its outcome, not an exception.

    Exceptions of the port are not the trial's fault and end the run.

    Args:
        function: as `load` gave it.
        goal: what it must report or return.
        device: `cpu`, `cuda` or `mps`, for a function that asks for it.
        folder: where it may save what it trained; None in a search.
        trial: whose config it is called with.
        port: is told of its epochs.
    """
    report, seed = Report(trial, goal, port), trial.seed % SEEDS
    config = {name: copy.deepcopy(value) for name, value in trial.values.items() if name not in NOT_ITS_OWN}
    try:
        seed_everything(seed)
        returned = function(config, report, **_asked_for(function, seed, device, folder))
        outcome = _ending(trial, goal, report, returned)
    except BaseException as error:  # it may raise anything, and the study must go on
        outcome = failed(trial, error)
    if report.broken is not None:
        raise report.broken
    return report.ended or outcome


class Report:
    """A function that the user's function calls after each epoch.

    Args:
        trial: that it trains.
        goal: the metrics that every epoch must have.
        port: is told.
    """

    def __init__(self, trial: Trial, goal: Goal, port: TrialPort) -> None:
        self.best = BestEpoch(goal)
        self.last: int | None = None
        self._before = trial.before
        self.ended: Outcome | None = None
        self.broken: Exception | None = None
        self._trial = trial
        self._goal = goal
        self._port = port
        self._names: Set[str] = set()
        self._began = time.perf_counter()

    def __call__(self, epoch: int, **metrics: Any) -> None:
        """Report the end of an epoch.

        Args:
            epoch: counted from 1, each above the one before.
            metrics: numbers, all that count among them, and the same each time.

        Raises:
            UsageError: an argument is not what it should be.
            TrialStopped: the trial is to end here; let it pass.
        """
        self._stop_if_ended()
        scores = _checked(self._goal, metrics)
        if not is_whole(epoch) or epoch <= (self.last or 0):
            raise UsageError(f"report({epoch!r}): epochs are whole numbers from 1 that rise; the last was {self.last}")
        if self._names not in (set(), scores.keys()):
            raise UsageError(f"report({epoch}) gives {listing(scores)}, after {listing(sorted(self._names))} before")
        if reason := divergence(scores, self._goal.names):
            self._end(State.DIVERGED, scores, f"{reason} at epoch {epoch}")
        if self.last is None:
            self._go_on_after(epoch, scores)
        self.last, self._names = epoch, scores.keys()
        self.best.see(scores, epoch)
        match self._verdict(Epoch(self._trial.number, self._trial.attempt, epoch, scores, self._lap())):
            case Verdict.STOP:
                self._end(State.PRUNED, scores)
            case Verdict.SUSPEND:
                self._end(State.SUSPENDED, scores)
        self._stop_if_ended()

    def go_on_to_the_end(self) -> None:
        """Count all epochs of earlier attempts: the function had nothing left to do."""
        self._go_on_after(None, {})

    def _go_on_after(self, first: int | None, scores: Mapping[str, float]) -> None:
        """Count the epochs of earlier attempts that come before the first one of this attempt."""
        for epoch in self._before:
            if first is None or epoch.epoch < first:
                if scores and epoch.metrics.keys() != scores.keys():
                    before = listing(sorted(epoch.metrics))
                    raise UsageError(f"report({first}) gives {listing(scores)}, after {before} in an earlier attempt")
                self.best.see(epoch.metrics, epoch.epoch)
                if first is None:
                    self.last = epoch.epoch

    def _verdict(self, epoch: Epoch) -> Verdict:
        try:
            return self._port.report(epoch)
        except Exception as error:  # the driver's own, which must end the run whatever the function does with it
            self.broken = error
            return Verdict.STOP

    def _end(self, state: State, scores: Mapping[str, float], cause: str = "") -> None:
        self.ended = interrupted(self._trial, state, self._goal, scores, self.last or 0, cause)
        self._stop_if_ended()

    def _stop_if_ended(self) -> None:
        """Raise again for a function that caught the first exception."""
        if self.ended is not None:
            raise TrialStopped(self.ended.state.value)

    def _lap(self) -> float:
        began, self._began = self._began, time.perf_counter()
        return self._began - began


def _asked_for(function: Fit, seed: int, device: str, folder: Path | None) -> dict[str, Any]:
    """Return the optional arguments that the function's signature names."""
    there = {"seed": seed, "device": device, "folder": folder}
    return {name: value for name, value in there.items() if name in signatures.parameters_of(function)}


def _ending(trial: Trial, goal: Goal, report: Report, returned: Any) -> Outcome:
    """Return the outcome of a finished function: its returned value, else its reported epochs."""
    if returned is None and report.last is None:
        report.go_on_to_the_end()
    if returned is None and report.last is None:
        raise UsageError(f"the function has neither reported nor returned {listing(goal.names)}")
    if returned is None:
        return complete(trial, goal, report.best.metrics, report.best.epoch)
    metrics = _checked(goal, returned if isinstance(returned, Mapping) else {goal.metric: returned})
    if reason := divergence(metrics, goal.names):
        return Outcome(trial.number, trial.attempt, State.DIVERGED, epoch=report.last, cause=reason)
    return complete(trial, goal, metrics, report.last)


def _checked(goal: Goal, metrics: Mapping[str, Any]) -> dict[str, float]:
    missing = [name for name in goal.names if name not in metrics]
    if missing:
        raise UsageError(f"the function gives {listing(metrics)}, where {listing(missing)} must be among the metrics")
    return {name: _number(name, value) for name, value in metrics.items()}


def _number(name: str, value: Any) -> float:
    """Return a number of Python, of numpy, or in a tensor of one element."""
    plain = value.item() if hasattr(value, "item") else value
    if not isinstance(plain, numbers.Real) or isinstance(plain, bool):
        raise UsageError(f"the function gives {value!r} for {name}: a metric is a number")
    return float(plain)
