"""Training: one config made into a model, an optimizer and a schedule, and run epoch by epoch.

It knows neither trials nor studies. The search and the final training both read `epochs_of`.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tuner import data, loss, models, optim
from tuner.config import Config, Direction
from tuner.data import Dataset, Split
from tuner.errors import BuildError, UsageError, listing
from tuner.goal import goal_of
from tuner.loss import Loss
from tuner.metrics import Scores
from tuner.schedule import Schedule
from tuner.seeds import derive

SCORING_ROWS = 1024
"""How many rows are scored at once; metrics are over the whole split all the same."""


@dataclass(frozen=True, slots=True)
class Job:
    """What every trial of a study shares: the data on the device and the metrics."""

    dataset: Dataset
    scores: Scores
    device: torch.device

    @classmethod
    def for_search(cls, config: Config, seed: int, device: torch.device) -> Job:
        """Load what tuning may see.

        Raises:
            DataError: the data are not there, or too few to be split.
            BuildError: the metric does not fit the data.
        """
        return cls.over(data.for_search(config.data, config.base, seed), config, device)

    @classmethod
    def over(cls, dataset: Dataset, config: Config, device: torch.device) -> Job:
        """A job on a dataset that is there already.

        Raises:
            BuildError: the metric does not fit the data.
        """
        scores = Scores(dataset.task, dataset.outputs, goal_of(config.objective, dataset.task))
        return cls(dataset.to(device), scores, device)


@dataclass(frozen=True, slots=True)
class Run:
    """The moving parts of one training; `seed` decides all of its chance."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    loss: Loss
    batch_size: int
    seed: int

    @classmethod
    def build(cls, job: Job, config: Config, seed: int) -> Run:
        """Make the parts from a config, the weights drawn from `seed`.

        Raises:
            BuildError: a class refuses its arguments, or two parts do not fit each other.
        """
        dataset, rows = job.dataset, len(job.dataset.train)
        if config.data.batch_size > rows:
            message = f"a batch of {config.data.batch_size} is larger than the training split of {rows} rows"
            raise BuildError("data.batch_size", message)
        seed_everything(derive(seed, "init"))
        model = models.build(config.model, dataset.input_shape, dataset.outputs, config.base).to(job.device)
        optimizer = optim.build(config.optimizer, model.parameters())
        batches = len(batches_of(torch.arange(rows), config.data.batch_size))
        watched = job.scores.direction if dataset.valid is not None else Direction.MINIMIZE
        schedule = Schedule(config.scheduler, optimizer, config.epochs, batches, watched)
        trained_by = loss.build(config.loss, dataset.task, job.device)
        return cls(model, optimizer, schedule, trained_by, config.data.batch_size, seed)

    def state(self, progress: Mapping[str, float]) -> bytes:
        """A checkpoint with `progress` in it; randomness is drawn anew each epoch and needs no keeping."""
        buffer = io.BytesIO()
        parts: dict[str, Any] = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}
        torch.save({"progress": dict(progress), **{name: part.state_dict() for name, part in parts.items()}}, buffer)
        return buffer.getvalue()

    def restore(self, state: bytes) -> dict[str, float]:
        """Go back to a checkpoint and give the progress that was saved with it."""
        device = next(self.model.parameters()).device
        saved = torch.load(io.BytesIO(state), map_location=device, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        progress: dict[str, float] = saved["progress"]
        return progress


def epochs_of(run: Run, job: Job, start: int, stop: int) -> Iterator[tuple[int, dict[str, float], float]]:
    """Train from epoch `start` to `stop`, both counted from 1 and included.

    Yields:
        (epoch, metrics, seconds): `train_loss` over the epoch, `lr` at its start, and all metrics of
        the validation split where there is one.
    """
    train, valid = job.dataset.train, job.dataset.valid
    for epoch in range(start, stop + 1):
        began = time.perf_counter()
        seed_everything(derive(run.seed, "epoch", epoch))
        rate = float(run.optimizer.param_groups[0]["lr"])
        train_loss = train_epoch(run, train, order(len(train), run.seed, epoch).to(job.device))
        scores = {} if valid is None else evaluate(run.model, valid, job.scores)
        run.schedule.after_epoch(scores.get(job.scores.objective, train_loss))
        yield epoch, {"train_loss": train_loss, "lr": rate, **scores}, time.perf_counter() - began


def train_epoch(run: Run, train: Split, rows: Tensor) -> float:
    """One pass over `train` in the order of `rows`, int64 (N,); the mean training loss."""
    run.model.train()
    total = torch.zeros((), device=rows.device)
    for batch in batches_of(rows, run.batch_size):
        loss = step(run, train.inputs[batch], train.targets[batch])
        run.schedule.after_batch()
        total += loss.detach() * len(batch)
    return float(total) / len(rows)


def step(run: Run, inputs: Tensor, targets: Tensor) -> Tensor:
    """One step of the optimizer on one batch; the loss before it. Some optimizers ask for it more than once."""

    def loss_of_batch() -> Tensor:
        run.optimizer.zero_grad(set_to_none=True)
        loss = run.loss(run.model(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    return torch.as_tensor(run.optimizer.step(loss_of_batch))  # type: ignore[arg-type]  # torch says float, and takes both


def evaluate(model: nn.Module, split: Split, scores: Scores) -> dict[str, float]:
    """Every metric of a model over a whole split."""
    return scores(outputs_of(model, split.inputs), split.targets)


def outputs_of(model: nn.Module, inputs: Tensor) -> Tensor:
    """What a model gives for inputs, float32 (N, ...), in evaluation mode: (N, outputs)."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(chunk) for chunk in torch.split(inputs, SCORING_ROWS)])


def order(rows: int, seed: int, epoch: int) -> Tensor:
    """The order in which an epoch visits the rows, int64 (rows,), on the CPU whatever the device."""
    return torch.randperm(rows, generator=torch.Generator().manual_seed(derive(seed, "order", epoch)))


def batches_of(rows: Tensor, size: int) -> list[Tensor]:
    """Consecutive batches; a last row left alone joins the batch before it, as batch norm needs two."""
    batches = list(torch.split(rows, size))
    if size > 1 and len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def seed_everything(seed: int) -> None:
    """Seed every generator that a model's code may draw from."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def device_of(name: str) -> torch.device:
    """The device called `cpu`, `cuda`, `mps`, or for `auto` the best that is there.

    Raises:
        UsageError: it is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(best for best in ("cuda", "mps", "cpu") if there[best])
    if not there.get(name, False):
        usable = listing(known for known, is_there in there.items() if is_there)
        raise UsageError(f"--device {name}: not on this machine, which has {usable}")
    return torch.device(name)
