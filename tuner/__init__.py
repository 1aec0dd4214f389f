"""tuner: hyperparameter tuning for PyTorch from one YAML file.

    result = tuner.run("cnn.yaml")
    tuner.export("digits-cnn", out="best.yaml")
    tuner.train("best.yaml", "runs/final")
    model = tuner.load_model("runs/final")
    tuner.load_study("digits-cnn")  # a notebook shows it

Importing it loads nothing heavy: each name below is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.api import export, report, status
    from tuner.errors import TunerError
    from tuner.final.inference import predict
    from tuner.final.model import load_model
    from tuner.final.retrain import train
    from tuner.reports.notebook import load_study
    from tuner.search.checked import check
    from tuner.search.objective import objective
    from tuner.search.race import confirm
    from tuner.search.tune import run
    from tuner.space import Space

__all__ = [
    "Space",
    "TunerError",
    "check",
    "confirm",
    "export",
    "load_model",
    "load_study",
    "objective",
    "predict",
    "report",
    "run",
    "status",
    "train",
]

_HOMES = {
    "Space": "tuner.space",
    "TunerError": "tuner.errors",
    "check": "tuner.search.checked",
    "confirm": "tuner.search.race",
    "export": "tuner.api",
    "load_model": "tuner.final.model",
    "load_study": "tuner.reports.notebook",
    "objective": "tuner.search.objective",
    "predict": "tuner.final.inference",
    "report": "tuner.api",
    "run": "tuner.search.tune",
    "status": "tuner.api",
    "train": "tuner.final.retrain",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tuner' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
