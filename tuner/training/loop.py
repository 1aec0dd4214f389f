"""The loop: epochs, steps of the optimizer, and the batches that make them."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from tuner.config import Precision
from tuner.data import Dataset, Split
from tuner.runtime.generators import order, seed_everything
from tuner.runtime.seeds import derive
from tuner.training.job import Job
from tuner.training.metrics import Scores
from tuner.training.precision import autocast, widened
from tuner.training.replicates import mean_of
from tuner.training.training_run import Run


def epochs_of(runs: Sequence[Run], job: Job, start: int, stop: int) -> Iterator[tuple[int, dict[str, float], float]]:
    """Train the replicates of a trial from epoch `start` to `stop`, or until patience is over.

    Epochs count from 1, and both are included. A training without folds and further seeds has one replicate.

    Yields:
        (epoch, metrics, seconds). The metrics are `train_loss` over the epoch, `lr` at its start, and those of the
        validation split if any. Each is the mean over the replicates.
    """
    for epoch in range(start, stop + 1):
        if runs[0].patience.over:
            return
        began = time.perf_counter()
        told = [_trained(run, job, epoch) for run in runs]
        close_epoch(runs, [_watched(run, job, scores) for run, scores in zip(runs, told, strict=True)])
        yield epoch, mean_of(told, job.scores.goal.metrics), time.perf_counter() - began


def _trained(run: Run, job: Job, epoch: int) -> dict[str, float]:
    seed_everything(derive(run.seed, "epoch", epoch))
    rate = float(run.optimizer.param_groups[0]["lr"])
    train_loss = train_epoch(run, epoch)
    scores = {} if run.dataset.valid is None else evaluate(run, run.dataset.valid, job.scores)
    return {"train_loss": train_loss, "lr": rate, **scores}


def _watched(run: Run, job: Job, scores: Mapping[str, float]) -> float:
    """Return the objective after an epoch; on the training rows if a schedule watches it and no others are left."""
    if run.dataset.valid is None and run.schedule.watches:
        scores = evaluate(run, run.dataset.train, job.scores)
    return scores.get(job.scores.objective, math.nan)


def close_epoch(runs: Sequence[Run], values: Sequence[float]) -> None:
    """Pass an epoch's values to all that watches the objective; NaN is unknown and ignored.

    A schedule watches the value of its own replicate, and patience the mean.
    """
    mean = sum(values) / len(values)
    for run, value in zip(runs, values, strict=True):
        run.schedule.after_epoch(value)
        run.patience.see(mean)


def train_epoch(run: Run, epoch: int) -> float:
    """Train one epoch in its own order; return the mean of the training loss."""
    run.model.train()
    train = run.dataset.train
    groups = groups_of(order(len(train), run.seed, epoch), run.batch_size, run.training.accumulate)
    batches = train.batches([batch for group in groups for batch in group], derive(run.seed, "augment", epoch))
    total = torch.zeros((), device=next(run.model.parameters()).device)
    for group in groups:
        loss = step(run, list(itertools.islice(batches, len(group))))
        run.schedule.after_step()
        total.add_(loss.detach(), alpha=sum(map(len, group)))
    return float(total) / len(train)


def step(run: Run, batches: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Make one optimizer step on the mean loss over all rows of some batches; return the loss before it.

    Gradients are cleared before the first batch and add up over the others. LBFGS evaluates the loss more than once.
    """
    alone = len(batches) == 1
    whole = 1 if alone else sum(run.loss.weight(targets) for _, targets in batches)

    def loss_of_step() -> Tensor:
        _forget_gradients(run.optimizer)
        parts = []
        for inputs, targets in batches:
            with run.autocast():
                part = run.loss(run.model(inputs), targets)
            if not alone:
                part = part * (run.loss.weight(targets) / whole)
            run.scaler.scale(part).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            parts.append(part.detach())
        _clip(run)
        if isinstance(run.optimizer, torch.optim.LBFGS):
            _flatten_gradients(run.optimizer)
        return parts[0] if alone else torch.stack(parts).sum()

    if isinstance(run.optimizer, torch.optim.LBFGS):
        # torch leaves it untyped
        loss = torch.as_tensor(run.optimizer.step(loss_of_step))  # type: ignore[no-untyped-call]
    else:
        loss = loss_of_step()
        run.advance()
    if run.average is not None:
        run.average.update_parameters(run.model)
    return loss


def _forget_gradients(optimizer: torch.optim.Optimizer) -> None:
    """Drop gradients like `zero_grad`, without its profiler call, a twentieth of a small model's step."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None


def _flatten_gradients(optimizer: torch.optim.Optimizer) -> None:
    """Make gradients contiguous, because LBFGS views each as a row."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None and not parameter.grad.is_sparse:
                parameter.grad = parameter.grad.contiguous()


def _clip(run: Run) -> None:
    clip = run.training.clip
    if clip.norm is None and clip.value is None:
        return
    run.scaler.unscale_(run.optimizer)
    if clip.norm is not None:
        nn.utils.clip_grad_norm_(run.model.parameters(), clip.norm)
    if clip.value is not None:
        nn.utils.clip_grad_value_(run.model.parameters(), clip.value)


def groups_of(rows: Tensor, size: int, accumulate: int) -> list[list[Tensor]]:
    """Return the batches of each step: groups of `size` times `accumulate` rows, in parts of `size`.

    `rows` is int64 (..., N): the batches are of its last dimension.
    """
    return [batches_of(group, size) for group in batches_of(rows, size * accumulate)]


def batches_of(rows: Tensor, size: int) -> list[Tensor]:
    """Return consecutive batches; a single last row joins the batch before, as batch norm needs two."""
    batches = list(torch.split(rows, size, dim=-1))
    if size > 1 and len(batches) > 1 and batches[-1].shape[-1] == 1:
        batches[-2:] = [torch.cat(batches[-2:], dim=-1)]
    return batches


MOST_ROWS, MOST_NUMBERS = 1024, 2**22
"""Largest number of rows, and of numbers in them, per scoring pass. Metrics still cover the whole split."""


def rows_at_once(dataset: Dataset) -> int:
    """Return the number of rows per pass where nothing is learned from them."""
    return max(1, min(MOST_ROWS, MOST_NUMBERS // math.prod(dataset.input_shape)))


def evaluate(run: Run, split: Split, scores: Scores) -> dict[str, float]:
    """Return every metric of a run's model over a whole split."""
    outputs = outputs_of(run.scored, split, run.dataset, run.training.precision)
    return scores(outputs, split.targets, run.dataset.target_scale, run.loss.link)


def outputs_of(model: nn.Module, split: Split, dataset: Dataset, precision: Precision = Precision.FP32) -> Tensor:
    """Return a model's outputs for a whole split: float32 (N, outputs), scaled for a regression.

    It computes in the precision of its training.
    """
    size = rows_at_once(dataset)
    model.eval()
    with torch.no_grad(), autocast(precision, next(model.parameters()).device):
        return torch.cat([widened(model(inputs)) for inputs in split.in_order(size)])
