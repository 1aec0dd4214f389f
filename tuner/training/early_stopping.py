"""Early stopping: how many epochs a run has waited for a better objective."""

from __future__ import annotations

import math

from tuner.config import EarlyStop
from tuner.goal import Direction


class EpochPatience:
    """Counts the epochs since the objective got better by more than the least that counts.

    Args:
        stop: None waits for ever.
        direction: of the objective.
    """

    def __init__(self, stop: EarlyStop | None, direction: Direction) -> None:
        self._stop = stop
        self._direction = direction
        self._best = math.nan
        self._waited = 0

    @property
    def over(self) -> bool:
        """Whether the objective has not improved for too long."""
        return self._stop is not None and self._waited >= self._stop.patience

    def see(self, value: float) -> None:
        """Count an epoch's value."""
        if self._stop is None:
            return
        margin = self._stop.min_delta if self._direction is Direction.MAXIMIZE else -self._stop.min_delta
        if math.isnan(self._best) or self._direction.better(value, self._best + margin):
            self._best, self._waited = value, 0
        else:
            self._waited += 1

    def state_dict(self) -> dict[str, float]:
        """Return the state that `load_state_dict` continues from."""
        return {"best": self._best, "waited": self._waited}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Continue counting from the state of a run of the same config."""
        self._best, self._waited = state["best"], int(state["waited"])
