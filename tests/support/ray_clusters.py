"""A space with code of one's own; one that takes long, drivers of it that train on Ray, and their actors."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil

from tests.conftest import command, environment

LONG = """\
study: {name: long, seed: 0}
search: {trials: 2, pruner: null, sampler: {type: RandomSampler}, checkpoint_interval: 0.1s}
data: {type: digits, batch_size: 8}
model: {type: CNN, channels: [8], dropout: 0.2}
optimizer: {type: Adam, lr: {float: [1e-4, 1e-2], log: true}}
training: {epochs: 12}
"""
SPACE = """\
study: {name: spread, seed: 0}
search: {trials: 4, pruner: null, sampler: {type: RandomSampler}}
data: {type: 'rows.py:digits', batch_size: 128, loader: stream}
model: {type: 'net.py:Net', width: {int: [8, 16]}}
optimizer: {type: Adam, lr: {float: [1e-3, 1e-1], log: true}}
training: {epochs: 2}
"""
NET = """\
from torch import nn
from words import GREETING

class Net(nn.Sequential):
    def __init__(self, in_features, out_features, width):
        print(GREETING, width)
        super().__init__(nn.Flatten(), nn.Linear(in_features, width), nn.ReLU(), nn.Linear(width, out_features))
"""
ROWS = """\
import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset

class Digits(Dataset):
    def __init__(self):
        images, self.labels = load_digits(return_X_y=True)
        self.images = torch.tensor(images, dtype=torch.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], int(self.labels[index])

def digits():
    return Digits()
"""


def own_space(folder: Path) -> Path:
    """A space with rows and a model of one's own, which needs a third file."""
    (folder / "rows.py").write_text(ROWS)
    (folder / "net.py").write_text(NET)
    (folder / "words.py").write_text("GREETING = 'a net of width'\n")
    (folder / "spread.yaml").write_text(SPACE)
    return folder / "spread.yaml"


def long_space(folder: Path, epochs: int = 12) -> Path:
    """A space whose trials leave a checkpoint after each epoch."""
    (folder / "long.yaml").write_text(LONG.replace("epochs: 12", f"epochs: {epochs}"))
    return folder / "long.yaml"


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A driver of that space, the head of a process group as in a terminal, with a home of its own."""
    (folder / "home").mkdir()
    return subprocess.Popen(
        [*command(), "run", "--space", "long.yaml", "--executor", "ray", *arguments],
        cwd=folder,
        env={**environment(), "HOME": str(folder / "home")},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers() -> list[psutil.Process]:
    """Return the actors, those that are alive, of clusters and drivers that this process has started."""
    return [each for each in psutil.Process().children(recursive=True) if _is_actor(each)]


def _is_actor(process: psutil.Process) -> bool:
    try:
        return str(process.name()).startswith("ray::Worker") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:  # it has just ended
        return False
