"""A plain Optuna script, as Optuna's own example for PyTorch is: loaders made in the objective, the study in memory.

Options of a search for quality: the `sampler` and the `pruner`, by Optuna's names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import optuna
import torch
from optuna.trial import BaseTrial, FixedTrial
from torch import nn
from torch.nn import functional

from benchmarks import models
from benchmarks.contestants.loaders import Batches, loaders
from benchmarks.contestants.race import Answer, Clock, ReachedError, Work, play

optuna.logging.set_verbosity(optuna.logging.WARNING)


def epochs_of(work: Work, trial: BaseTrial, epochs: int) -> Iterator[float]:
    """Train one trial, giving the accuracy of every epoch."""
    job = work.what
    config = job.suggest(trial)
    train, valid = loaders(work)
    shape, classes = train.loader.dataset[0][0].shape, 2 if job.data == "table" else 10
    model = models.build(job.model, config, tuple(shape), classes)
    optimizer = getattr(torch.optim, config.optimizer)(model.parameters(), **config.arguments)
    for _ in range(epochs):
        model.train()
        for inputs, targets in train:
            optimizer.zero_grad()
            # torch leaves it untyped
            functional.cross_entropy(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        yield accuracy(model, valid)


def accuracy(model: nn.Module, valid: Batches) -> float:
    """Return the share of rows whose class the model predicts."""
    model.eval()
    right = count = 0
    with torch.no_grad():
        for inputs, targets in valid:
            right += int((model(inputs).argmax(1) == targets).sum())
            count += len(targets)
    return right / count


def objective(work: Work, saw: Callable[[float], None]) -> Callable[[optuna.Trial], float]:
    """Optuna's objective; `saw` is told the accuracy of every epoch."""

    def call(trial: optuna.Trial) -> float:
        best = 0.0
        for epoch, value in enumerate(epochs_of(work, trial, work.what.epochs)):
            saw(value)
            best = max(best, value)
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return best

    return call


def run(work: Work) -> Answer:
    """Train the trials, or search for the target."""
    clock = Clock(work)
    loaders(work)
    clock.ready()
    if work.target is None:
        return _trained(work, clock)
    return _searched(work, clock)


def _trained(work: Work, clock: Clock) -> Answer:
    list(epochs_of(work, FixedTrial(work.params[0]), epochs=1))
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
    for params in work.params:
        study.enqueue_trial(params)
    clock.go()
    study.optimize(objective(work, lambda value: None), n_trials=len(work.params))
    return clock.stop([float(trial.value or 0) for trial in study.trials])


def _searched(work: Work, clock: Clock) -> Answer:
    assert work.target is not None
    target, deadline = work.target, time.monotonic() + work.target.seconds

    def saw(value: float) -> None:
        if value >= target.accuracy or time.monotonic() > deadline:
            best.append(value)
            raise ReachedError

    best: list[float] = []
    sampler = getattr(optuna.samplers, work.options["sampler"])(seed=work.seed)
    pruner = getattr(optuna.pruners, work.options["pruner"])()
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    torch.manual_seed(work.seed)
    clock.go()
    try:
        study.optimize(objective(work, saw), n_trials=target.trials)
    except ReachedError:
        return clock.stop(best)
    return clock.stop([study.best_value])


if __name__ == "__main__":
    play(run)
