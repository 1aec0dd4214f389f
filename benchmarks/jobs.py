"""The jobs: what is tuned, said once as a space of `tuner` and once as an Optuna script would say it.

Both name a parameter alike, so that one draw serves all contestants.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import BaseTrial

from benchmarks import sets

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Config:
    """One trial: a network of hidden layers (an MLP's `widths`, a CNN's channels) and its optimizer.

    `dropouts`: of an MLP one rate per hidden layer, of a CNN one before its last layer.
    """

    widths: tuple[int, ...]
    dropouts: tuple[float, ...]
    optimizer: str
    arguments: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Job:
    """What is tuned. `data` is a function of sets.py with its `arguments`; `sections` are those of a space."""

    data: str
    arguments: Mapping[str, Any]
    batch: int
    epochs: int
    model: str
    sections: str
    suggest: Callable[[BaseTrial], Config]

    def rows(self, data: str, folder: Path) -> sets.Rows:
        """Return the rows as tensors; `data` is the root of MNIST, and the CSV is in `folder`."""
        rows: sets.Rows = getattr(sets, self.data)(**self._arguments(data, folder))
        return rows

    def space(self, data: str, folder: Path, search: Mapping[str, Any]) -> str:
        """Return the space file; `search` is its section of that name."""
        if self.data == "table":
            source = {"type": "csv", "path": str(folder / "table.csv"), "target": sets.TARGET}
        else:
            source = {"type": f"{Path(sets.__file__).resolve()}:{self.data}", **self._arguments(data, folder)}
        parts = {"search": search, "data": {**source, "batch_size": self.batch}, "training": {"epochs": self.epochs}}
        return "".join(f"{name}: {json.dumps(part)}\n" for name, part in parts.items()) + self.sections

    def draws(self, count: int, seed: int) -> list[Params]:
        """So many trials' parameters by a seeded random sampler."""
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        trials = [study.ask() for _ in range(count)]
        for trial in trials:
            self.suggest(trial)
        return [trial.params for trial in trials]

    def _arguments(self, data: str, folder: Path) -> dict[str, Any]:
        places = {"mnist": {"root": data}, "table": {"path": str(folder / "table.csv")}}
        return {**places.get(self.data, {}), **self.arguments}


_EXAMPLE = """\
model:
  type: MLP
  layers: {list: {units: {int: [4, 128]}, dropout: {float: [0.2, 0.5]}}, length: {int: [1, 3]}}
optimizer:
  choice:
    - {type: Adam, lr: {float: [1e-5, 1e-1], log: true}}
    - {type: RMSprop, lr: {float: [1e-5, 1e-1], log: true}}
    - {type: SGD, lr: {float: [1e-5, 1e-1], log: true}}
"""


def _example(trial: BaseTrial) -> Config:
    layers = [f"model.layers.{i}" for i in range(trial.suggest_int("model.layers.length", 1, 3))]
    widths = tuple(trial.suggest_int(f"{layer}.units", 4, 128) for layer in layers)
    dropouts = tuple(trial.suggest_float(f"{layer}.dropout", 0.2, 0.5) for layer in layers)
    name = trial.suggest_categorical("optimizer", ["Adam", "RMSprop", "SGD"])
    return Config(widths, dropouts, name, {"lr": trial.suggest_float(f"optimizer.{name}.lr", 1e-5, 1e-1, log=True)})


_SGD = """\
optimizer:
  type: SGD
  lr: {float: [1e-3, 0.5], log: true}
  momentum: {float: [0, 0.95]}
  weight_decay: {float: [1e-6, 1e-2], log: true}
"""


def _sgd(trial: BaseTrial) -> Mapping[str, float]:
    return {
        "lr": trial.suggest_float("optimizer.lr", 1e-3, 0.5, log=True),
        "momentum": trial.suggest_float("optimizer.momentum", 0, 0.95),
        "weight_decay": trial.suggest_float("optimizer.weight_decay", 1e-6, 1e-2, log=True),
    }


def _fixed_mlp(widths: Sequence[int]) -> tuple[str, Callable[[BaseTrial], Config]]:
    def suggest(trial: BaseTrial) -> Config:
        dropout = trial.suggest_float("model.dropout", 0, 0.5)
        return Config(tuple(widths), (dropout,) * len(widths), "SGD", _sgd(trial))

    return f"model: {{type: MLP, hidden: {list(widths)}, dropout: {{float: [0, 0.5]}}}}\n{_SGD}", suggest


_STEPPED = """\
model:
  type: MLP
  hidden: {list: {int: [16, 64], step: 16}, length: {int: [2, 2]}}
  dropout: {float: [0, 0.5]}
"""


def _stepped(trial: BaseTrial) -> Config:
    length = trial.suggest_int("model.hidden.length", 2, 2)
    widths = tuple(trial.suggest_int(f"model.hidden.{i}", 16, 64, step=16) for i in range(length))
    dropout = trial.suggest_float("model.dropout", 0, 0.5)
    return Config(widths, (dropout,) * length, "SGD", _sgd(trial))


_CNN = """\
model:
  type: CNN
  channels: {list: {int: [8, 32], step: 8}, length: {int: [2, 2]}}
  dropout: {float: [0, 0.5]}
optimizer: {type: AdamW, lr: {float: [1e-4, 3e-2], log: true}, weight_decay: {float: [1e-6, 1e-1], log: true}}
"""


def _cnn(trial: BaseTrial) -> Config:
    length = trial.suggest_int("model.channels.length", 2, 2)
    channels = tuple(trial.suggest_int(f"model.channels.{i}", 8, 32, step=8) for i in range(length))
    dropout = trial.suggest_float("model.dropout", 0, 0.5)
    arguments = {
        "lr": trial.suggest_float("optimizer.lr", 1e-4, 3e-2, log=True),
        "weight_decay": trial.suggest_float("optimizer.weight_decay", 1e-6, 1e-1, log=True),
    }
    return Config(channels, (dropout,), "AdamW", arguments)


def _fixed_images(model: str) -> tuple[str, Callable[[BaseTrial], Config]]:
    sections = f"model: {model}\n{_SGD}"
    return sections, lambda trial: Config((16, 32), (0.0,), "SGD", _sgd(trial))


JOBS: Mapping[str, Job] = {
    "example": Job("mnist", {"trained": 3840, "scored": 1280}, 128, 10, "MLP", _EXAMPLE, _example),
    "digits, batch 32, width 32": Job("digits", {}, 32, 10, "MLP", *_fixed_mlp([32, 32])),
    "digits, batch 128, width 64": Job("digits", {}, 128, 10, "MLP", *_fixed_mlp([64, 64])),
    "CSV, batch 64, widths tuned": Job("table", {}, 64, 10, "MLP", _STEPPED + _SGD, _stepped),
    "CNN on MNIST": Job("mnist", {"trained": 48000, "scored": 12000}, 128, 1, "CNN", _CNN, _cnn),
    "small CNN, CIFAR's shape": Job(
        "coloured", {"trained": 8192, "scored": 1024}, 128, 5, "CNN", *_fixed_images("{type: CNN, channels: [16, 32]}")
    ),
    "resnet18, CIFAR's shape": Job(
        "coloured", {"trained": 8192, "scored": 1024}, 128, 1, "resnet18", *_fixed_images("{type: resnet18}")
    ),
    "MNIST to 0.985": Job("mnist", {"trained": 48000, "scored": 12000}, 128, 3, "CNN", _CNN, _cnn),
    "digits to 0.98": Job("digits", {"flat": False}, 64, 12, "CNN", _CNN, _cnn),
}
