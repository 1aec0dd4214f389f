"""What the tests of the data are made from: small real files, and sections of a config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from tuner import data
from tuner.config import Component, Data, Loader
from tuner.data import Dataset, Splits

CPU = torch.device("cpu")


def section(kind: str, valid: float | int = 0.25, test: float | int | None = None, **given: Any) -> Data:
    """A resolved `data` section; `transforms`, `tokenizer` and `loader` are tuner's, the rest the dataset's."""
    return Data(
        source=Component(
            kind, {key: value for key, value in given.items() if key not in ("transforms", "tokenizer", "loader")}
        ),
        valid=valid,
        test=test,
        batch_size=4,
        transforms=tuple(Component.of(one) for one in given.get("transforms", ())),
        tokenizer=Component.of(given["tokenizer"]) if "tokenizer" in given else None,
        loader=Loader(given["loader"]) if "loader" in given else None,
    )


def searched(chosen: Data, base: Path | str = ".", seed: int = 0) -> Dataset:
    """The rows of a search, ready for a model."""
    return data.prepare(data.for_search(chosen, str(base), seed), chosen, CPU)


def prepared(splits: Splits, chosen: Data) -> Dataset:
    """Rows set apart, ready for a model."""
    return data.prepare(splits, chosen, CPU)


def write(file: Path, *lines: str) -> Path:
    """A text file of these lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def picture(file: Path, pixels: npt.NDArray[Any], mode: str | None = None) -> Path:
    """An image file of these pixels, (H, W) or (H, W, C)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(file)
    return file


def pets(root: Path, each: int = 6, side: int = 8, labels: tuple[str, ...] = ("cat", "dog")) -> Path:
    """A folder of random images, `each` of every class."""
    chance = np.random.default_rng(0)
    for label in labels:
        for i in range(each):
            picture(root / label / f"{i}.png", chance.integers(0, 256, (side, side, 3), dtype=np.uint8))
    return root


def batches(dataset: Dataset, seed: int = 0, size: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """All training rows in order, batch by batch, put together again."""
    rows = list(torch.split(torch.arange(len(dataset.train)), size))
    inputs, targets = zip(*dataset.train.batches(rows, seed), strict=True)
    return torch.cat(inputs), torch.cat(targets)


def scored(dataset: Dataset, size: int = 3) -> torch.Tensor:
    """All validation inputs."""
    assert dataset.valid is not None
    return torch.cat(list(dataset.valid.in_order(size)))
