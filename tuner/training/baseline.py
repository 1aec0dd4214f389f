"""The trivial predictor: the best constant answer for each metric, fitted on the training rows.

For classes it answers always one class, or the class shares as probabilities. For numbers it answers the mean or the
median.
"""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tuner.data import Dataset, Split
from tuner.goal import COSTS, DIRECTIONS, Direction, Task
from tuner.training.link import Link
from tuner.training.metrics import Scores

MOST_TRIED = 20
"""Largest number of classes, the most frequent first, that are tried as the constant answer."""

MOST_ROWS, MOST_NUMBERS = 10_000, 2**20
"""Largest number of training rows that compare answers, and of their outputs. Areas of 60,000 rows took minutes."""

NEVER = -30.0
"""The logit of a class that is never the answer."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The scores and answers of the trivial predictor by metric, and the number of scored rows."""

    values: Mapping[str, float]
    says: Mapping[str, str]
    rows: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """The values that a study stores, of its validation rows."""
        return {"valid": dict(self.values), "says": dict(self.says), "rows": self.rows}


def baseline_of(dataset: Dataset, split: Split, scores: Scores) -> Baseline:
    """Score the trivial predictor.

    The training rows, or thousands of many, choose the answer for each metric; the split scores it. Metrics of unknown
    direction, or without a number for a constant, are left out.

    Args:
        dataset: whose training rows it is fitted on.
        split: one of the same dataset.
        scores: the metrics.
    """
    directions = {**DIRECTIONS, **dict(zip(scores.goal.metrics, scores.goal.directions, strict=True))}
    fitted: dict[str, tuple[float, str, Tensor]] = {}
    some = dataset.train.targets[_some(dataset)]
    for says, answer in _answers(dataset):
        for name, value in _scored(answer, some, dataset, scores).items():
            direction = None if name in COSTS else directions.get(name)
            if direction is not None and _is_better(value, fitted.get(name), direction):
                fitted[name] = value, says, answer
    values, says_of = dict[str, float](), dict[str, str]()
    found = {says: _scored(answer, split.targets, dataset, scores) for _, says, answer in fitted.values()}
    for name, (_, says, _) in fitted.items():
        value = found[says][name]
        if math.isfinite(value):
            values[name], says_of[name] = value, says
    return Baseline(values, says_of, len(split.targets))


def mean_of(folds: Sequence[Baseline]) -> Baseline:
    """Return the mean scores over folds, and the answers of all folds."""
    names = [name for name in folds[0].values if all(name in fold.values for fold in folds)]
    values = {name: statistics.fmean(fold.values[name] for fold in folds) for name in names}
    says = {name: " or ".join(dict.fromkeys(fold.says[name] for fold in folds)) for name in names}
    return Baseline(values, says, sum(fold.rows for fold in folds))


def _some(dataset: Dataset) -> Tensor:
    """Return the places of training rows, int64: all, or of many an even part with every class."""
    targets = dataset.train.targets
    most = max(1, min(MOST_ROWS, MOST_NUMBERS // dataset.outputs))
    in_order = (targets if targets.dim() == 1 else targets[:, 0]).argsort(stable=True)
    if len(targets) <= most:
        return in_order.sort().values
    places = torch.linspace(0, len(targets) - 1, most, dtype=torch.float64, device=targets.device).long()
    if dataset.task is Task.CLASSIFICATION:
        sizes = torch.bincount(targets, minlength=dataset.outputs)
        places = torch.cat([places, (sizes.cumsum(0) - sizes)[sizes > 0]])
    return in_order[places]


def _is_better(value: float, best: tuple[float, str, Tensor] | None, direction: Direction) -> bool:
    return math.isfinite(value) and (best is None or direction.better(value, best[0]))


def _answers(dataset: Dataset) -> Iterator[tuple[str, Tensor]]:
    """Yield (description, outputs for one row) of each answer; outputs are float32 (outputs,)."""
    targets = dataset.train.targets
    if dataset.task is Task.REGRESSION:
        assert dataset.target_scale is not None
        yield "always the training mean", torch.zeros(dataset.outputs, device=targets.device)
        median = targets.quantile(0.5, dim=0) if len(targets) < 2**20 else targets.median(dim=0).values
        yield "always the training median", dataset.target_scale(median[None])[0].to(targets.device)
        return
    counts = torch.bincount(targets, minlength=dataset.outputs).float()
    for i in counts.argsort(descending=True, stable=True)[:MOST_TRIED].tolist():
        answer = torch.full((dataset.outputs,), NEVER, device=targets.device)
        answer[i] = 0.0
        yield f'always "{dataset.classes[i]}"', answer
    yield "the shares of the classes", (counts / counts.sum()).log().clamp(min=NEVER)


def _scored(answer: Tensor, targets: Tensor, dataset: Dataset, scores: Scores) -> dict[str, float]:
    outputs = answer.expand(len(targets), -1).contiguous()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a correlation with a constant warns, and is no number
        return scores(outputs, targets, dataset.target_scale, Link.SOFTMAX)
