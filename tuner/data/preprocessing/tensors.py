"""Preprocessing of tensors, images above all: transforms, then mean 0 and variance 1 by the training rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from tuner.config import Component
from tuner.data.preprocessing.standardize import Scale
from tuner.data.preprocessing.transforms import Transforms
from tuner.data.sources.images import as_array, refuse_different
from tuner.errors import BuildError, DataError


class Numbers:
    """Turn tensors of any number type into float32 tensors of the same rows.

    Args:
        components: the transforms, of images only.
        scale: applied after them.
        shape: of one raw input.
        whole: whether raw inputs are whole numbers, as the pixels of image files are.
        white: the value of a white pixel in raw images; None for the files' own numbers.
    """

    def __init__(
        self, components: Sequence[Component], scale: Scale, shape: tuple[int, ...], whole: bool, white: float | None
    ) -> None:
        self._components = tuple(components)
        self._transforms = Transforms(components)
        self._scale = scale
        self.shape = shape
        self.whole = whole
        self.white = white

    @classmethod
    def fit(cls, components: Sequence[Component], chunks: Iterable[Tensor], white: float | None) -> Numbers:
        """Fit on the training rows alone, after the fixed transforms.

        Args:
            components: the transforms.
            chunks: raw training rows, (N, ...) each, at least one.
            white: the value of a white pixel; None for the files' own numbers.

        Raises:
            BuildError: the rows are no images and there are transforms, or one of those fails.
            DataError: the rows differ in their shape, or are not finite.
        """
        transforms = Transforms(components)
        shapes: set[tuple[int, ...]] = set()
        floating = False

        def scored() -> Iterable[Tensor]:
            nonlocal floating
            for chunk in chunks:
                floating = chunk.is_floating_point()
                shape = tuple(chunk.shape[1:])
                shapes.add(shape)
                refuse_different(shapes)
                if components and len(shape) != 3:
                    raise BuildError(
                        "data.transforms", f"they are for images, and the inputs have shape {shape}: drop them"
                    )
                yield transforms.scored(transforms.once(chunk))

        scale = Scale.fit(scored())
        if not bool(torch.isfinite(scale.mean).all() and torch.isfinite(scale.std).all()):
            raise DataError("data: the inputs to train on have values that are NaN or infinite")
        return cls(components, scale, shapes.pop(), not floating, white)

    @property
    def random(self) -> bool:
        """Whether training rows differ from epoch to epoch."""
        return self._transforms.random

    def __call__(self, rows: Any) -> Tensor:
        """Return raw rows as they are scored, float32 (N, ...).

        Args:
            rows: a tensor, an array or nested lists.

        Raises:
            DataError: they are no real numbers.
        """
        return self.scored(self.once(as_array(rows)))

    def once(self, rows: Tensor) -> Tensor:
        """Apply the transforms that are the same in every epoch to raw rows."""
        return self._transforms.once(rows)

    def scored(self, rows: Tensor) -> Tensor:
        """Return rows after `once` as they are scored, float32 (N, ...)."""
        return self._scale(self._transforms.scored(rows))

    def augmented(self, rows: Tensor, positions: Tensor, seed: int) -> Tensor:
        """Return rows after `once` as one epoch trains on them, float32 (N, ...).

        Args:
            rows: (N, C, H, W) on the CPU.
            positions: int64 (N,), the row of each in its split.
            seed: of the run and the epoch.
        """
        return self._scale(self._transforms.augmented(rows, positions, seed))

    def facts(self) -> dict[str, Any]:
        """Return JSON values that `of` reads back."""
        return {
            "transforms": [{"type": one.type, **one.args} for one in self._components],
            "scale": self._scale.facts(),
            "shape": list(self.shape),
            "whole": self.whole,
            "white": self.white,
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Numbers:
        """Read `facts`."""
        components = [Component.of(one) for one in facts["transforms"]]
        return cls(components, Scale.of(facts["scale"]), tuple(facts["shape"]), facts["whole"], facts["white"])
