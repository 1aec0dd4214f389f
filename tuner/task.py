"""The two tasks."""

from __future__ import annotations

import enum


class Task(enum.Enum):
    """What a dataset asks of a model."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
