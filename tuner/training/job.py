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
        further: the jobs of the folds after the first, whose rows `splits` has.
    """

    def __init__(
        self, splits: Splits, scores: Scores, device: torch.device, base: str, further: tuple[Job, ...] = ()
    ) -> None:
        self.splits = splits
        self.folds = (self, *further)
        """The jobs of all folds; without folds this one alone."""
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
        _, *further = self.folds
        job = Job(self.splits, self.scores, device, base, tuple(fold.at(device, base) for fold in further))
        job._datasets = {way: dataset.at(device) for way, dataset in self._datasets.items()}
        for way in job._datasets:
            job._join(way)
        return job

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the rows that have been prepared."""
        return (*self.splits.source.notes, *self._notes)

    def settle(self, section: Data) -> None:
        """Free the raw rows if every trial prepares them as this `data` section does."""
        self.dataset(section)
        for fold in self.folds:
            valid = fold.splits.valid
            fold.splits = replace(fold.splits, train=fold.splits.train.none(), valid=valid.none() if valid else None)

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
        first, *others = splits.folds
        for fold in splits.folds:
            if fold.valid is not None:
                scores.refuse_unrankable(fold.valid.targets)
        further = tuple(cls(fold, scores, device, config.base) for fold in others)
        return cls(first, scores, device, config.base, further)

    def dataset(self, section: Data) -> Dataset:
        """Return the rows on the device, prepared by the `data` section of a config.

        Raises:
            BuildError: the transforms or the tokenizer are not for such data, or fail on them.
            DataError: a row cannot be read.
        """
        way = repr((section.transforms, section.tokenizer))
        if way not in self._datasets:
            for fold in self.folds:
                fold._prepare(way, section)
            self._join(way)
        return self._datasets[way]

    def _prepare(self, way: str, section: Data) -> None:
        while len(self._datasets) >= KEPT:
            del self._datasets[next(iter(self._datasets))]
        self._datasets[way] = data.prepare(self.splits, section, self.device)
        self._notes = tuple(dict.fromkeys((*self._notes, *self._datasets[way].notes)))

    def _join(self, way: str) -> None:
        """Keep the rows of all folds side by side, so that lanes take them at once."""
        joined = data.side_by_side([fold._datasets[way] for fold in self.folds])
        for fold, dataset in zip(self.folds, joined, strict=True):
            fold._datasets[way] = dataset
