"""The bare loop: tensors in memory and nothing around them, in one process or several.

Options: `processes`, the `threads` of each, and where it is not the CPU the `device`.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import models, sets
from benchmarks.contestants.race import Answer, Clock, Work, play
from benchmarks.jobs import Config, Job


def train(job: Job, config: Config, rows: sets.Rows, epochs: int) -> float:
    """Train one trial, scoring it every epoch; its best accuracy."""
    (inputs, targets), valid = rows["train"], rows["valid"]
    device = inputs.device
    model = models.build(job.model, config, tuple(inputs.shape[1:]), int(targets.max()) + 1).to(device)
    optimizer = getattr(torch.optim, config.optimizer)(model.parameters(), **config.arguments)
    best = 0.0
    for _ in range(epochs):
        model.train()
        for batch in torch.split(torch.randperm(len(targets), device=device), job.batch):
            optimizer.zero_grad()
            # torch leaves it untyped
            functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        best = max(best, accuracy(model, valid))
    return best


def accuracy(model: nn.Module, rows: tuple[Tensor, Tensor]) -> float:
    """Return the share of rows whose class the model predicts."""
    inputs, targets = rows
    model.eval()
    with torch.no_grad():
        found = torch.cat([model(part).argmax(1) for part in torch.split(inputs, 1024)])
    return float((found == targets).float().mean())


class _Trainer:
    """A process that has the rows and is warm."""

    def __init__(self, work: Work) -> None:
        torch.set_num_threads(work.options["threads"])
        self._job = work.what
        rows = self._job.rows(work.data, Path(work.folder))
        device = work.options.get("device", "cpu")
        self._rows = {part: (inputs.to(device), targets.to(device)) for part, (inputs, targets) in rows.items()}

    def warm_up(self, config: Config) -> None:
        train(self._job, config, self._rows, epochs=1)

    def __call__(self, config: Config) -> float:
        return train(self._job, config, self._rows, self._job.epochs)


def run(work: Work) -> Answer:
    """Train the trials."""
    return _alone(work) if work.options["processes"] == 1 else _together(work)


def _alone(work: Work) -> Answer:
    clock, trainer, configs = Clock(work), _Trainer(work), work.configs
    clock.ready()
    trainer.warm_up(configs[0])
    clock.go()
    return clock.stop([trainer(config) for config in configs])


_here: Callable[[Config], float]


def _begin(work: Work, loaded: Barrier, warm: Barrier) -> None:
    global _here
    trainer = _Trainer(work)
    loaded.wait()
    trainer.warm_up(work.configs[0])
    _here = trainer
    warm.wait()


def _train_here(config: Config) -> float:
    return _here(config)


def _together(work: Work) -> Answer:
    clock, spawn, count = Clock(work), multiprocessing.get_context("spawn"), work.options["processes"]
    loaded, warm = spawn.Barrier(count + 1), spawn.Barrier(count + 1)
    with spawn.Pool(count, _begin, (work, loaded, warm)) as pool:
        loaded.wait()
        clock.ready()
        warm.wait()
        clock.go()
        return clock.stop(pool.map(_train_here, work.configs, chunksize=1))


if __name__ == "__main__":
    play(run)
