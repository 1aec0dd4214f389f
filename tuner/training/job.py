"""The shared parts of a study's trials: the rows, preprocessed once, the metrics and the device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from tuner import data
from tuner.config import Config, Data
from tuner.data import Dataset, Splits
from tuner.goal import Task, goal_of
from tuner.training.from_torchmetrics import direction_of
from tuner.training.metrics import Scores

KEPT = 2
"""Number of preprocessings that stay ready. Successive trials often share one."""


class Job:
    """The rows of a study and their metrics.

    Args:
        splits: raw rows set apart.
        scores: the metrics.
        device: where trials run.
        base: the folder that relative paths and own code are looked up from.
    """

    def __init__(self, splits: Splits, scores: Scores, device: torch.device, base: str) -> None:
        self.splits = splits
        self.scores = scores
        self.device = device
        self.base = base
        self._datasets: dict[str, Dataset] = {}
        self._notes: tuple[str, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the way to the test rows, which a search does not need."""
        source = replace(self.splits.source, test=None)
        return {**self.__dict__, "splits": replace(self.splits, source=source)}

    def at(self, device: torch.device, base: str) -> Job:
        """Return the same job on another device, prepared rows included, with another folder for user code."""
        job = Job(self.splits, self.scores, device, base)
        job._datasets = {way: dataset.at(device) for way, dataset in self._datasets.items()}
        return job

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the rows that have been prepared."""
        return (*self.splits.source.notes, *self._notes)

    def settle(self, section: Data) -> None:
        """Free the raw rows if every trial prepares them as this `data` section does."""
        self.dataset(section)
        valid = self.splits.valid
        self.splits = replace(self.splits, train=self.splits.train.none(), valid=valid.none() if valid else None)

    @classmethod
    def for_search(cls, config: Config, seed: int, device: torch.device) -> Job:
        """Load the rows that tuning may see.

        Raises:
            DataError: the data are not there, or too few to be split.
            BuildError: the metric does not fit the data.
        """
        return cls.over(data.for_search(config.data, config.base, seed), config, device)

    @classmethod
    def over(cls, splits: Splits, config: Config, device: torch.device) -> Job:
        """Return a job on rows that are already loaded.

        Raises:
            BuildError: the metric does not fit the data.
        """
        task = splits.source.task
        classes = splits.source.classes
        if task is Task.REGRESSION:
            classes = tuple(map(str, range(splits.train.targets.shape[1])))
        goal = goal_of(config.objective, task, lambda metric: direction_of(metric, task))
        scores = Scores(task, classes, goal)
        if splits.valid is not None:
            scores.refuse_unrankable(splits.valid.targets)
        return cls(splits, scores, device, config.base)

    def dataset(self, section: Data) -> Dataset:
        """Return the rows on the device, prepared by the `data` section of a config.

        Raises:
            BuildError: the transforms or the tokenizer are not for such data, or fail on them.
            DataError: a row cannot be read.
        """
        key = repr((section.transforms, section.tokenizer))
        if key not in self._datasets:
            while len(self._datasets) >= KEPT:
                del self._datasets[next(iter(self._datasets))]
            self._datasets[key] = data.prepare(self.splits, section, self.device)
            self._notes = tuple(dict.fromkeys((*self._notes, *self._datasets[key].notes)))
        return self._datasets[key]
