"""The data as the documentation of torchvision teaches: a Dataset, a transform for each image, a DataLoader."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
from torchvision import datasets, transforms

from benchmarks.contestants.race import Work
from benchmarks.jobs import Job


@dataclass(frozen=True, slots=True)
class Batches:
    """The first `most` batches of a loader, in another order each time; all of them without a number."""

    loader: DataLoader[Any]
    most: int | None

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return itertools.islice(iter(self.loader), self.most)


def loaders(work: Work) -> tuple[Batches, Batches]:
    """Return the batches to train and to validate on.

    The example job is Optuna's own: it takes the first so many batches of all images, and validates on
    those that MNIST holds to test on.
    """
    job = work.what
    if work.job == "example":
        return (
            Batches(_loader(_mnist(work, train=True), job), job.arguments["trained"] // job.batch),
            Batches(_loader(_mnist(work, train=False), job), job.arguments["scored"] // job.batch),
        )
    train, valid = _both(work)
    return Batches(_loader(train, job), None), Batches(_loader(valid, job), None)


def _both(work: Work) -> tuple[Dataset[Any], Dataset[Any]]:
    job = work.what
    if job.data == "mnist":
        images, trained, scored = _mnist(work, train=True), job.arguments["trained"], job.arguments["scored"]
        return Subset(images, range(trained)), Subset(images, range(trained, trained + scored))
    rows = job.rows(work.data, Path(work.folder))
    return TensorDataset(*rows["train"]), TensorDataset(*rows["valid"])


def _mnist(work: Work, train: bool) -> Dataset[Any]:
    images: Dataset[Any] = datasets.MNIST(work.data, train=train, transform=transforms.ToTensor())
    return images


def _loader(images: Dataset[Any], job: Job) -> DataLoader[Any]:
    return DataLoader(images, batch_size=job.batch, shuffle=True)
