"""The table of deprecated arguments is what the installed Optuna warns of, argument by argument."""

from __future__ import annotations

import contextlib
import inspect
import re
import warnings
from typing import Any

import optuna
import pytest
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from tuner import signatures
from tuner.study.deprecated import DEPRECATED

VALUES: tuple[Any, ...] = (True, 1, 0.5, "ipop", {"a": 1}, lambda *given: (0.0,))
"""Of these one is no argument's default, and one gets past each constructor's checks."""

NEEDED: dict[str, dict[str, Any]] = {
    "GridSampler": {"search_space": {"a": [1]}},
    "PartialFixedSampler": {"fixed_params": {}, "base_sampler": optuna.samplers.RandomSampler()},
    "PatientPruner": {"wrapped_pruner": None, "patience": 1},
    "PercentilePruner": {"percentile": 25.0},
    "ThresholdPruner": {"lower": 0.0},
}
TEXT = re.compile(r"has been deprecated in v(\d+\.\d+)\.0\. .* removed in v(\d+\.\d+)\.0\.")


def classes() -> list[type]:
    members = [*vars(optuna.samplers).values(), *vars(optuna.pruners).values()]
    made = [cls for cls in members if inspect.isclass(cls) and issubclass(cls, BaseSampler | BasePruner)]
    return sorted((cls for cls in made if not inspect.isabstract(cls)), key=lambda cls: cls.__name__)


def warned_of(cls: type, argument: str) -> set[tuple[str, str]]:
    """The releases that warn of an argument and drop it, as Optuna says where it is given."""
    found = set()
    for value in VALUES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with contextlib.suppress(Exception):  # most arguments refuse most of the values
                cls(**{**NEEDED.get(cls.__name__, {}), argument: value})
        told = [str(one.message) for one in caught if issubclass(one.category, FutureWarning)]
        found |= {(match[1], match[2]) for match in map(TEXT.search, told) if match is not None}
    return found


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
def test_the_deprecated_arguments_are_those_that_optuna_warns_of(cls: type) -> None:
    arguments = [name for name in signatures.parameters_of(cls) if name not in ("args", "kwargs")]

    warned = {argument: warned_of(cls, argument) for argument in arguments}

    known = DEPRECATED.get(cls.__name__, {})
    assert {argument: releases for argument, releases in warned.items() if releases} == {
        argument: {(deprecation.since, deprecation.until)} for argument, deprecation in known.items()
    }


def test_every_class_of_the_table_is_one_of_optunas() -> None:
    assert DEPRECATED.keys() <= {cls.__name__ for cls in classes()}
