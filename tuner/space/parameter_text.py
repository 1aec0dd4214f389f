"""A parameter of a space in words: its range, and when a config has it."""

from __future__ import annotations

from tuner.space.tree import Choice, Row
from tuner.space.yaml_writer import flow


def range_text(row: Row) -> str:
    """Return the range of a parameter, such as `1e-05 .. 0.1 log` or `Adam | SGD`."""
    hole = row.hole
    if isinstance(hole, Choice):
        return " | ".join("null" if label == "null" else flow(label) for label in hole.labels)
    step = f" step {hole.step:g}" if hole.step not in (None, 1) else ""
    return f"{hole.low:g} .. {hole.high:g}{step}{' log' if hole.log else ''}"


def condition_text(row: Row) -> str:
    """Return the values of other parameters that it depends on; empty if each config has it."""
    return ", ".join(f"{name} = {'|'.join(flow(label) for label in labels)}" for name, labels in row.when.items())
