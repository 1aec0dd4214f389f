"""This project with its sampler over the tree of parameters."""

from __future__ import annotations

from benchmarks.search.course import Contestant
from benchmarks.search_contestants.ours import Ours
from tuner.space import Space


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant; the space has the seed already."""
    return Ours(Space.parse(space.text, settings=[("search.sampler", {"type": "TreeGPSampler"})]))
