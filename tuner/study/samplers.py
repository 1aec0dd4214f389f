"""Samplers by their class names, with the defaults and the seeds of this project."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from optuna.samplers import BaseSampler

from tuner import signatures
from tuner.config import Component
from tuner.settings import Search
from tuner.space.tree import Row
from tuner.study.distributions import distribution_of
from tuner.study.optuna_classes import build
from tuner.study.sampler_traits import traits_of
from tuner.study.tree_gp.dimensions import Dimension

_TPE = "TPESampler"
TREE = "dimensions"
"""The argument by which a sampler takes the tree of parameters, as `TreeGPSampler` does."""


def sampler_learns(search: Search) -> bool:
    """Return whether results of trials influence the parameters of others."""
    return traits_of(search.sampler.type).learns


def learns(search: Search) -> bool:
    """Return whether results of trials influence others: their parameters, their length, or whether they begin."""
    return sampler_learns(search) or search.pruner is not None or search.stop is not None


def sampler(component: Component, seed: int, single: bool, folder: str = "", rows: Sequence[Row] = ()) -> BaseSampler:
    """Make a sampler.

    Args:
        component: the class and its arguments; one that is a mapping with a `type` is made too.
        seed: at least 0.
        single: whether there is one objective.
        folder: the folder of the space, where its files of user code are.
        rows: the parameters of the space, for a sampler that takes its `dimensions`.

    Raises:
        BuildError: there is no such class, or it refuses its arguments.
    """
    built: BaseSampler = build(
        component, "sampler", lambda cls: _sampler_defaults(cls, component, seed, single, rows), folder
    )
    return built


_parameters_of = functools.cache(signatures.parameters_of)  # a sampler is made for each trial


def _sampler_defaults(cls: type, component: Component, seed: int, single: bool, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the defaults of a sampler: a seed, the tree of parameters, and groups for TPE's joint sampling.

    Without groups it samples jointly only what all trials have in common. With several objectives it samples each
    parameter independently, conditional ones included.
    """
    taken = _parameters_of(cls)
    found: dict[str, Any] = {"seed": seed % 2**32} if "seed" in taken else {}
    if cls.__name__ == _TPE and component.args.get("multivariate", single):
        found["group"] = True
    if rows and TREE in taken:
        found[TREE] = [Dimension(row.name, distribution_of(row.hole), row.when) for row in rows]
    return found
