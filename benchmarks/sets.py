"""The rows that contestants train on and score: the very same for all of them.

`tuner run` takes these functions as `sets.py:NAME`. It imports the file by its path, so nothing of the
benchmarks is imported here.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torchvision.datasets import MNIST

Rows = dict[str, tuple[Tensor, Tensor]]
"""`train`, `valid` and `test`, each (inputs, targets): float32 (N, ...) and int64 (N,)."""

HELD = 0.2
"""The share that is held out to test on, and of the rest to validate on, as `tuner` does by itself."""
TARGET = "malignant"
"""The column of the CSV that is to be told."""


def mnist(root: str, trained: int, scored: int) -> Rows:
    """So many of MNIST's training images, standardised (N, 1, 28, 28); `root` holds it in torchvision's layout."""
    seen, unseen = MNIST(root, train=True), MNIST(root, train=False)
    images, digits = seen.data.unsqueeze(1) / 255, seen.targets
    return _standardised(
        {
            "train": (images[:trained], digits[:trained]),
            "valid": (images[trained : trained + scored], digits[trained : trained + scored]),
            "test": (unseen.data.unsqueeze(1) / 255, unseen.targets),
        }
    )


def digits(flat: bool = True) -> Rows:
    """Scikit-learn's 1,797 handwritten digits, standardised, as rows of 64 numbers or as images (N, 1, 8, 8)."""
    bundle = load_digits()
    inputs = torch.tensor(bundle.data, dtype=torch.float32)
    return _held_out(inputs if flat else inputs.reshape(-1, 1, 8, 8), torch.tensor(bundle.target))


def table(path: str) -> Rows:
    """Return what `write_table` wrote, standardised."""
    frame = pd.read_csv(path)
    targets = torch.tensor(frame.pop(TARGET).to_numpy())
    return _held_out(torch.tensor(frame.to_numpy(), dtype=torch.float32), targets)


def write_table(path: Path) -> None:
    """Write scikit-learn's breast cancer data (569 rows of 30 numbers) as a CSV."""
    bundle = load_breast_cancer(as_frame=True)
    bundle.data.assign(**{TARGET: bundle.target}).to_csv(path, index=False)


def coloured(trained: int, scored: int) -> Rows:
    """Noise in the shape of CIFAR, float32 (N, 3, 32, 32) of ten classes."""
    chance = torch.Generator().manual_seed(0)

    def noise(count: int) -> tuple[Tensor, Tensor]:
        return torch.rand(count, 3, 32, 32, generator=chance), torch.arange(count) % 10

    return {"train": noise(trained), "valid": noise(scored), "test": noise(10)}


def _held_out(inputs: Tensor, targets: Tensor) -> Rows:
    tuned, test = train_test_split(torch.arange(len(targets)), test_size=HELD, random_state=0, stratify=targets)
    train, valid = train_test_split(tuned, test_size=HELD, random_state=0, stratify=targets[tuned])
    parts = {"train": train, "valid": valid, "test": test}
    return _standardised({name: (inputs[rows], targets[rows]) for name, rows in parts.items()})


def _standardised(rows: Rows) -> Rows:
    """Mean 0 and variance 1 over the training rows, by channel or by feature, as `tuner` has them by itself."""
    trained = rows["train"][0]
    over = (0, 2, 3) if trained.dim() == 4 else (0,)
    mean, std = trained.mean(over, keepdim=True), trained.std(over, keepdim=True)
    std = torch.where(std == 0, 1, std)
    return {name: ((inputs - mean) / std, targets) for name, (inputs, targets) in rows.items()}
