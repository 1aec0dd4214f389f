"""The final model judged: its scores on the rows that it has not trained on, how sure they are, and what they mean."""

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
from tuner.results.racing import Interval
from tuner.settings import Provenance
from tuner.training import Job, Run, outputs_of
from tuner.training.baseline import Baseline, baseline_of


@dataclass(frozen=True, slots=True)
class Judged:
    """What the final model gives on a split, and the trivial predictor on the same rows.

    Attributes:
        split: `test`, or `validation` where the test split is not scored; empty where there is neither.
        values: finite scores, by metric.
        intervals: 95 % intervals of them over the rows.
        baseline: the trivial predictor's scores.
        plots: predictions against the truth.
        doubt: why the intervals of squared errors may be too narrow; empty where they are not.
    """

    split: str
    values: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)
    baseline: Baseline = field(default_factory=lambda: Baseline({}, {}))
    plots: tuple[Plot, ...] = ()
    doubt: str = ""

    def sentences(self, provenance: Provenance, goal: Goal) -> Iterator[str]:
        """How the scores stand to what was promised and to the trivial predictor."""
        yield from against_promise(provenance, goal, self.intervals, self.split)
        yield from against_trivial(self.baseline, goal, self.values, self.split)
        if self.doubt:
            yield self.doubt


def judging(dataset: Dataset) -> tuple[str, Split | None]:
    """The rows that the final model is judged by: the test split, else the validation split, if there is one."""
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
    """What the model says of the rows against what is true."""
    if dataset.task is Task.CLASSIFICATION:
        return confusion(outputs.argmax(1), targets, dataset.classes, name)
    return against_truth(dataset.in_units(outputs), targets, name)


def counted(storage: str, provenance: Provenance, scores: Mapping[str, float]) -> Iterator[str]:
    """Count that the test split was scored; how often it has been, in a sentence, from the second time on."""
    try:
        scorings = add(storage, provenance, scores)
    except OSError as error:
        yield f"that the test split was scored could not be counted: {error.strerror}"
        return
    if scorings is not None and len(scorings.trials) > 1:
        yield str(scorings)
