"""Syne Tune's CQR: conformal quantile regression."""

from __future__ import annotations

from benchmarks.search.course import Contestant
from benchmarks.search_contestants.syne_tune_scheduler import SyneTune
from tuner.space import Space


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    return SyneTune(space, seed, "CQR")
