"""Evaluation of the final model: its scores on held-out rows, their intervals, and comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tuner.data import Dataset, Split
from tuner.final.promise import against_promise, against_trivial
from tuner.final.score_intervals import doubted, intervals
from tuner.final.test_scorings import add
from tuner.goal import Goal, Task
from tuner.plots import Plot
from tuner.plots.final_run import against_truth, confusion
from tuner.results.mean_interval import Interval
from tuner.settings import Provenance
from tuner.training import Job, Run, outputs_of
from tuner.training.baseline import Baseline, baseline_of


@dataclass(frozen=True, slots=True)
class Judged:
    """The scores of the final model on a split, and those of the trivial predictor on the same rows.

    Attributes:
        split: `test`, or `validation` if the test split is not scored; empty if neither is.
        values: finite scores, by metric.
        intervals: 95 % intervals of the scores over the rows.
        baseline: the trivial predictor's scores.
        plots: predictions against the truth.
        doubt: why the intervals of squared errors may be too narrow; else empty.
    """

    split: str
    values: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    baseline: Baseline = field(default_factory=lambda: Baseline({}, {}))
    plots: tuple[Plot, ...] = ()
    doubt: str = ""

    def sentences(self, provenance: Provenance, goal: Goal) -> Iterator[str]:
        """Yield sentences that compare the scores with the promised ones and the trivial predictor's."""
        yield from against_promise(provenance, goal, self.intervals, self.split)
        yield from against_trivial(self.baseline, goal, self.values, self.split)
        if self.doubt:
            yield self.doubt


def judging(dataset: Dataset) -> tuple[str, Split | None]:
    """Return the rows that score the final model: the test split, else the validation split if any."""
    if dataset.test is not None:
        return "test", dataset.test
    return ("", None) if dataset.valid is None else ("validation", dataset.valid)


def judge(run: Run, job: Job) -> Judged:
    """Score the model of a run after its last epoch."""
    dataset = run.dataset
    name, rows = judging(dataset)
    if rows is None:
        return Judged(name)
    outputs, targets = outputs_of(run.scored, rows, dataset, run.training.precision), rows.targets

    def score(places: Tensor) -> dict[str, float]:
        here, there = places.to(outputs.device), places.to(targets.device)
        return job.scores(outputs[here], targets[there], dataset.target_scale, run.loss.link)

    found = score(torch.arange(len(rows)))
    values = {metric: value for metric, value in found.items() if math.isfinite(value)}  # r2 of one row is no number
    trivial = baseline_of(dataset, rows, job.scores)
    sure, plots = intervals(score, outputs, values), (_plot(dataset, targets, outputs, name),)
    doubt = "" if dataset.target_scale is None else doubted(outputs - dataset.target_scale.exact(targets).to(outputs))
    return Judged(name, values, sure, trivial, plots, doubt)


def _plot(dataset: Dataset, targets: Tensor, outputs: Tensor, name: str) -> Plot:
    """Return the plot of predictions against the truth."""
    if dataset.task is Task.CLASSIFICATION:
        return confusion(outputs.argmax(1), targets, dataset.classes, name)
    return against_truth(dataset.in_units(outputs), targets, name)


def counted(storage: str, provenance: Provenance, scores: Mapping[str, float]) -> Iterator[str]:
    """Count a scoring of the test split; yield a sentence from the second time on."""
    try:
        scorings = add(storage, provenance, scores)
    except OSError as error:
        yield f"the scoring of the test split could not be counted: {error.strerror}"
        return
    if scorings is not None and len(scorings.trials) > 1:
        yield str(scorings)
