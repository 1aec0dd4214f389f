"""Parts of the answer to a check."""

from __future__ import annotations

import json
from typing import Any

from tuner.service.schemas import ParameterView
from tuner.space import Space
from tuner.space.parameter_text import condition_text, range_text
from tuner.space.tree import Choice, Int, Row


def unbuilt(space: Space) -> dict[str, Any]:
    """Return what the language alone says, in place of a check that builds."""
    objective = space.objective
    pairs = zip(objective.metrics, objective.directions, strict=False)
    return {
        "metrics": [{"name": name, "title": name, "direction": way.value} for name, way in pairs],
        "bounds": [str(bound) for bound in objective.bounds],
        "data": None,
        "model": None,
        "notes": [],
        "warm_start": [],
        "left_out": [],
    }


def parameter_view(row: Row) -> ParameterView:
    """Return a parameter of a space."""
    hole = row.hole
    named: dict[str, Any] = {"name": row.name, "range": range_text(row), "when": condition_text(row)}
    if isinstance(hole, Choice):
        labels = [label if isinstance(label, str) else json.dumps(label) for label in hole.labels]
        return ParameterView(**named, kind="choice", low=None, high=None, step=None, log=False, choices=labels)
    ends: dict[str, Any] = {"low": hole.low, "high": hole.high, "step": hole.step, "log": hole.log}
    return ParameterView(**named, **ends, kind="int" if isinstance(hole, Int) else "float", choices=[])
