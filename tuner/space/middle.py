"""The middle of a space: the config that a search begins with as its baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tuner.space.scale import Scale
from tuner.space.space import Space


class Middle:
    """Takes what a prior expects, else the middle of every range and the first label of every choice.

    The middle of a `log` range is the geometric mean of its ends. A number on a grid is the nearest one, and of two the
    lower.

    Args:
        expected: what priors expect, by parameter names.
    """

    def __init__(self, expected: Mapping[str, Any]) -> None:
        self._expected = expected
        self.params: dict[str, Any] = {}
        """What was taken, by parameter names."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Return a number in [low, high]."""
        value = float(self._expected.get(name, Scale(low, high, log).value(0.5)))
        self.params[name] = value if step is None else _on_grid(value, low, high, step)
        return float(self.params[name])

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Return a whole number in [low, high]."""
        value = self._expected.get(name, Scale(low, high, log).value(0.5))
        self.params[name] = round(_on_grid(value, low, high, step))
        return int(self.params[name])

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of `choices`."""
        self.params[name] = self._expected.get(name, choices[0])
        return self.params[name]


def middle_of(space: Space) -> dict[str, Any]:
    """Return the parameters of the baseline of a space, by name."""
    middle = Middle({row.name: row.hole.around for row in space.parameters() if row.hole.around is not None})
    space.fill(middle)
    return middle.params


def _on_grid(value: float, low: float, high: float, step: float) -> float:
    """Return the nearest number to a value on the grid of a range, the lower of two."""
    steps = (value - low) / step
    nearest = int(steps) if steps - int(steps) <= 0.5 else int(steps) + 1
    return low + step * min(nearest, int((high - low) / step + 1e-9))
