"""Reading images: one file, or the items of a dataset one by one, all brought to one size."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import ConcatDataset, Subset
from torchvision.transforms.v2 import functional

from tuner.errors import DataError, ends_the_run, in_words

Size: TypeAlias = int | Sequence[int] | None
"""A side, or [height, width]; None leaves images as they are."""


class Items:
    """Inputs of a map-style dataset that are read on demand.

    Args:
        dataset: item i is (input, target), the input an image of PIL's, a tensor or an array.
        indices: int64 (N,), the items meant.
        size: that each image is resized to.
    """

    def __init__(self, dataset: Any, indices: Tensor, size: Size) -> None:
        self._dataset = dataset
        self._indices = indices
        self._size = size

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, indices: Tensor) -> Items:
        """Return the inputs at `indices`, int64 (M,), still unread."""
        return Items(self._dataset, self._indices[indices], self._size)

    def joined(self, other: Items) -> Items:
        """Return these inputs followed by the others, still unread."""
        parts = [Subset(items._dataset, items._indices.tolist()) for items in (self, other)]
        return Items(ConcatDataset(parts), torch.arange(len(self) + len(other)), self._size)

    def sizes(self) -> list[int]:
        """Return the size in bytes of each file of the dataset, for all its rows; empty without files."""
        return _sizes(self._dataset)

    def read(self) -> Tensor:
        """Return (N, ...), images as (N, C, H, W), uint8 from files.

        Raises:
            DataError: an image cannot be read, or they differ in their shape.
        """
        images = [self._one(int(index)) for index in self._indices]
        refuse_different({tuple(image.shape) for image in images})
        rows = torch.stack(images)
        return rows if rows.dim() > 1 else rows.unsqueeze(1)

    def _one(self, index: int) -> Tensor:
        item = item_of(self._dataset, index)[0]
        return resized(functional.pil_to_tensor(item) if isinstance(item, Image.Image) else as_array(item), self._size)


def item_of(dataset: Any, index: int) -> tuple[Any, Any]:
    """Return the (input, target) at `index` of a map-style dataset.

    Random numbers that the dataset draws from torch's generator are the same for an item at each reading.

    Raises:
        DataError: the dataset fails to return it, or returns something else.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(index)
            inputs, target = dataset[index]
    except DataError:
        raise
    except BaseException as error:  # a dataset may raise anything for an item that it cannot read
        if ends_the_run(error):
            raise
        name = type(dataset).__name__
        raise DataError(f"data: item {index} of {name} is no input and target: {in_words(error)}") from error
    return inputs, target


def refuse_different(shapes: Collection[tuple[int, ...]]) -> None:
    """Raise unless all inputs have one shape.

    Raises:
        DataError: they do not.
    """
    if len(shapes) > 1:
        some = " and ".join(str(shape) for shape in sorted(shapes)[:2])
        raise DataError(f"data: the inputs have {len(shapes)} different shapes, such as {some}: give data.image_size")


def resized(images: Tensor, size: Size) -> Tensor:
    """Return images (..., C, H, W) of `size`, antialiased."""
    if size is None:
        return images
    height, width = sides(size)
    if tuple(images.shape[-2:]) == (height, width):
        return images
    made: Tensor = functional.resize(images, [height, width], antialias=True)
    return made


def sides(size: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width) from a size in the config.

    Raises:
        DataError: it is not a size.
    """
    both: list[Any] = list(size) if isinstance(size, list | tuple) else [size, size]
    if len(both) != 2 or not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in both):
        raise DataError(f"data.image_size: is a side in pixels, or [height, width], not {size}")
    return both[0], both[1]


def as_array(values: Any) -> Tensor:
    """Return a tensor from a tensor, an array or a list of a dataset.

    Raises:
        DataError: it is no array of real numbers.
    """
    try:
        array = values if isinstance(values, Tensor) else np.asarray(values)
        if isinstance(array, np.ndarray) and not array.flags.writeable:
            array = array.copy()  # a model may write on what it is given
        made = torch.as_tensor(array)
    except (TypeError, ValueError) as error:
        raise DataError(f"data: a {type(values).__name__} is no array of numbers: {error}") from None
    refuse_complex(made)
    return made


def refuse_complex(values: Tensor) -> None:
    """Raise for complex numbers, whose imaginary part a model would ignore.

    Raises:
        DataError: they are complex.
    """
    if values.is_complex():
        raise DataError("data: complex numbers are not taken: give real and imaginary parts (torch.view_as_real)")


def _sizes(dataset: Any) -> list[int]:
    if isinstance(dataset, ConcatDataset):
        return [size for part in dataset.datasets for size in _sizes(part)]
    if isinstance(dataset, Subset):
        return _sizes(dataset.dataset)
    sizes: list[int] = dataset.sizes() if hasattr(dataset, "sizes") else []
    return sizes
