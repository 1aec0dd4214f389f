"""Arguments of a component are held to its signature, and to the kinds in its annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest

from tuner import signatures
from tuner.models import MODELS
from tuner.runtime.kinds import Either, Null, Number, Whole, Words


def made(
    units: Annotated[int, Whole(2)],
    rate: Annotated[float, Number(minimum=0, below=1)] = 0.0,
    mode: Annotated[str, Words(("max", "avg"))] | None = "max",
    plain: int = 3,
) -> None:
    """Make nothing."""


def faults(function: Callable[..., Any] = made, **given: Any) -> list[tuple[str, str]]:
    return list(signatures.argument_faults(function, given))


def test_kinds_are_read_from_annotations() -> None:
    assert signatures.kinds_of(made) == {
        "units": Whole(2),
        "rate": Number(minimum=0, below=1),
        "mode": Either((Words(("max", "avg")), Null())),
    }


@pytest.mark.parametrize(
    "given",
    [
        {"units": 2},
        {"units": {"int": [2, 9]}},
        {"units": {"choice": [2, {"int": [3, 9], "name": "more"}]}},
        {"units": {"ref": "model.other"}},
        {"units": 2, "rate": 0},
        {"units": 2, "rate": {"float": [0, 0.9], "step": 0.1}},
        {"units": 2, "mode": None},
        {"units": 2, "mode": {"choice": ["max", None]}},
    ],
    ids=str,
)
def test_values_and_holes_within_the_bounds_are_taken(given: dict[str, Any]) -> None:
    assert faults(**given) == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"units": 1}, ("units", "units is a whole number of at least 2, not 1")),
        ({"units": {"int": [1, 9]}}, ("units", "units is a whole number of at least 2, not 1")),
        (
            {"units": {"choice": [4, {"int": [0, 9], "name": "more"}]}},
            ("units", "units is a whole number of at least 2, not 0"),
        ),
        ({"units": 2, "rate": 1}, ("rate", "rate is a number of at least 0 and below 1, not 1")),
        ({"units": 2, "rate": {"float": [0.0, 1.0]}}, ("rate", "rate is a number of at least 0 and below 1, not 1.0")),
        ({"units": 2, "rate": None}, ("rate", "rate is a number of at least 0 and below 1, not null")),
        ({"units": 2, "rate": True}, ("rate", "rate is a number, not true or false")),
        ({"units": 2, "mode": "mean"}, ("mode", "mode is max or avg or null, not mean")),
    ],
    ids=str,
)
def test_values_and_ends_of_holes_beyond_the_bounds_are_named(given: dict[str, Any], fault: tuple[str, str]) -> None:
    assert faults(**given) == [fault]


def test_annotations_that_cannot_be_read_are_no_fault() -> None:
    def own(width: Missing = 3) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Make nothing."""

    assert signatures.kinds_of(own) == {}
    assert faults(own, width=0) == []


def test_the_built_in_models_have_the_kinds_that_their_constructors_hold_to() -> None:
    assert signatures.kinds_of(MODELS["CNN"]).keys() == {"kernel", "dropout", "pooling"}
    assert signatures.kinds_of(MODELS["RNN"]).keys() == {"cell", "hidden_size", "num_layers", "dropout", "embedding"}
