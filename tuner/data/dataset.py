"""A dataset as a trial sees it: three separate splits, preprocessed by the training rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from tuner.config import Data, Loader
from tuner.data import in_memory
from tuner.data.in_memory import Resident
from tuner.data.preprocessing import fit
from tuner.data.preprocessing.fit import Preprocessor
from tuner.data.preprocessing.standardize import Scale, chunks_of
from tuner.data.preprocessing.tensors import Numbers
from tuner.data.preprocessing.tokenizer import Seen, Tokens
from tuner.data.rows import Rows, Source, inputs_at, read
from tuner.data.streaming import Streamed
from tuner.errors import BuildError
from tuner.goal import Task


class Split(Protocol):
    """Preprocessed rows. `targets`: int64 (N,), or float64 (N, outputs) in their own units."""

    targets: Tensor

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def batches(self, rows: Sequence[Tensor], seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (inputs, targets) at each of `rows`, int64 on the CPU; `seed` is of the run and the epoch.

        The targets are int64, or for a regression float32 and standardised.
        """
        ...

    def in_order(self, rows: int) -> Iterator[Tensor]:
        """Yield all inputs as they are scored, `rows` at a time."""
        ...

    def at(self, device: torch.device) -> Split:
        """Return the same rows for another device."""
        ...


@dataclass(frozen=True, slots=True)
class Splits:
    """Raw rows set apart. `valid` is None in final training on all rows, `test` None in a search.

    `searched` is the number of rows that a search trains on, for which schedules are laid out. `further` are the
    training and validation rows of the folds after the first.
    """

    source: Source
    train: Rows
    valid: Rows | None
    test: Rows | None
    loader: Loader
    searched: int
    further: tuple[tuple[Rows, Rows], ...] = ()

    @property
    def folds(self) -> tuple[Splits, ...]:
        """The splits of each fold; without folds these alone."""
        first = replace(self, further=())
        later = (replace(first, train=train, valid=valid, searched=len(train)) for train, valid in self.further)
        return (first, *later)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Splits ready for a model.

    `target_scale` standardises the targets of a regression: a model's outputs are in its terms.
    `input_shape` is of one input, `vocab_size` is of token ids. `notes` tell what preparing the rows came upon.
    """

    task: Task
    classes: tuple[str, ...]
    preprocessor: Preprocessor
    target_scale: Scale | None
    input_shape: tuple[int, ...]
    vocab_size: int | None
    train: Split
    valid: Split | None
    test: Split | None
    notes: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """The number of outputs per input: classes, or the width of a regression target."""
        return len(self.classes) if self.task is Task.CLASSIFICATION else self.train.targets.shape[1]

    def in_units(self, outputs: Tensor) -> Tensor:
        """Return outputs in the units of the targets; float64 for a regression."""
        return outputs if self.target_scale is None else self.target_scale.undo(outputs)

    def at(self, device: torch.device) -> Dataset:
        """Return the same on another device."""
        return replace(
            self,
            target_scale=None if self.target_scale is None else self.target_scale.to(device),
            train=self.train.at(device),
            valid=None if self.valid is None else self.valid.at(device),
            test=None if self.test is None else self.test.at(device),
        )


def side_by_side(folds: Sequence[Dataset]) -> list[Dataset]:
    """Return the datasets of several folds with their rows in common tensors, where those have one size."""
    joined = [in_memory.joined([fold.train for fold in folds]), in_memory.joined([fold.valid for fold in folds])]
    return [replace(fold, train=train, valid=valid) for fold, train, valid in zip(folds, *joined, strict=True)]


def prepare(splits: Splits, data: Data, device: torch.device) -> Dataset:
    """Fit the preprocessing on the training rows and apply it to all rows.

    Raises:
        BuildError: the transforms or the tokenizer are not for such data, or fail on them.
        DataError: a row cannot be read.
    """
    source = splits.source
    preprocessor = fit.fit(data, source, splits.train.inputs)
    augment = preprocessor if isinstance(preprocessor, Numbers) and preprocessor.random else None
    first = preprocessor(read(inputs_at(splits.train.inputs, torch.arange(1))))
    if augment is not None:
        _refuse_other_shape(augment, splits.train, first)

    scale = Scale.fit(chunks_of(splits.train.targets)) if source.task is Task.REGRESSION else None

    seen: list[Seen] = []

    def split(rows: Rows | None, training: bool = False) -> Split | None:
        if rows is None:
            return None
        chance = augment if training else None
        if splits.loader is Loader.STREAM:
            return Streamed(rows, preprocessor, chance, device, scale)
        raw = read(rows.inputs)
        if isinstance(preprocessor, Tokens):
            made, counts = preprocessor.counted(raw)
            seen.append(counts)
        else:
            made = chance.once(raw) if chance else preprocessor(raw)
        return Resident(made, rows.targets, chance, device, scale)

    train, valid = split(splits.train, training=True), split(splits.valid)
    assert train is not None
    return Dataset(
        task=source.task,
        classes=source.classes,
        preprocessor=preprocessor,
        target_scale=None if scale is None else scale.to(device),
        input_shape=tuple(first.shape[1:]),
        vocab_size=getattr(preprocessor, "vocab_size", None),
        train=train,
        valid=valid,
        test=split(splits.test),
        notes=_notes(preprocessor, seen),
    )


def _notes(preprocessor: Preprocessor, seen: Sequence[Seen]) -> tuple[str, ...]:
    """Return notes on the length of training texts and on unknown words of held-out ones."""
    if not isinstance(preprocessor, Tokens) or not seen:
        return ()
    train, *held = seen
    strangers = held[0].strangers("validation", preprocessor.vocab_size) if held else ()
    return (*train.lengths("training", preprocessor.length), *strangers)


def _refuse_other_shape(augment: Numbers, train: Rows, scored: Tensor) -> None:
    """Raise if random transforms leave training images another size than scored images."""
    raw = read(inputs_at(train.inputs, torch.arange(1)))
    trained = augment.augmented(augment.once(raw), torch.arange(1), 0)
    if trained.shape != scored.shape:
        raise BuildError(
            "data.transforms",
            f"images are {tuple(trained.shape[1:])} in training and {tuple(scored.shape[1:])} when scored: "
            f"resize or crop them to one size before the random transforms",
        )
