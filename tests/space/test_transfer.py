from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import TINY
from tuner.space import Space
from tuner.space.diff import Source
from tuner.space.suggest import Known, Random
from tuner.space.transfer import Carried, Kind, carry

OWN = "objective: {function: 'f.py:f', metric: m, direction: maximize}\n"
SGD = "optimizer: {type: SGD, lr: {float: [0.001, 1]}}"
BOTH = "optimizer: {choice: [{type: SGD, lr: {float: [0.001, 1]}}, {type: Adam, lr: {float: [0.001, 1]}}]}"
NAMED = "o: {choice: [{name: slow, type: SGD, lr: {float: [0, 1]}}, {name: fast, type: SGD, lr: {float: [0, 2]}}]}"


def carried(old: str, params: dict[str, Any], new: str) -> Carried:
    return carry(Space.parse(OWN + new), Source.of(Space.parse(OWN + old), params))


def outside(found: Carried) -> list[tuple[str, Any, Any]]:
    return [(misfit.name, misfit.value, misfit.nearest) for misfit in found.of(Kind.OUTSIDE)]


@pytest.mark.parametrize(
    ("old", "params", "new", "expected"),
    [
        ("x: {float: [0, 1]}", {"x": 0.5}, "x: {float: [0, 2]}", {"x": 0.5}),
        ("x: 0.5", {}, "x: {float: [0, 1]}", {"x": 0.5}),
        ("x: 1", {}, "x: {float: [0, 1]}", {"x": 1.0}),
        ("x: {int: [1, 9]}", {"x": 4}, "x: {choice: [2, 4]}", {"x": 4}),
        ("x: {a: 3}", {}, "x: {a: {int: [1, 3]}}", {"x.a": 3}),
        (BOTH, {"optimizer": "SGD", "optimizer.SGD.lr": 0.1}, SGD, {"optimizer.lr": 0.1}),
        (SGD, {"optimizer.lr": 0.1}, BOTH, {"optimizer": "SGD", "optimizer.SGD.lr": 0.1}),
        ("s: {type: StepLR}", {}, "s: {choice: [null, {type: StepLR}]}", {"s": "StepLR"}),
        ("s: null", {}, "s: {choice: [null, {type: StepLR}]}", {"s": "null"}),
        ("b: true", {}, "b: {choice: [false, true]}", {"b": True}),
        ("h: [8, 16]", {}, "h: {list: {int: [8, 16]}, length: {int: [1, 3]}}", {"h.length": 2, "h.0": 8, "h.1": 16}),
        ("h: [8, 16]", {}, "h: [{int: [8, 16]}, {int: [8, 16]}]", {"h.0": 8, "h.1": 16}),
        ("h: [8, 16]", {}, "h: {choice: [[4], [8, 16]]}", {"h": "[8, 16]"}),
        (NAMED, {"o": "fast", "o.fast.lr": 0.5}, NAMED, {"o": "fast", "o.fast.lr": 0.5}),
        ("o: {type: SGD, lr: 1.5}", {}, NAMED, {"o": "fast", "o.fast.lr": 1.5}),
        ("a: 1\nb: {ref: a}", {}, "a: {int: [1, 2]}\nb: {ref: a}", {"a": 1}),
    ],
)
def test_values_find_their_parameters_by_their_place_in_the_config(
    old: str, params: dict[str, Any], new: str, expected: dict[str, Any]
) -> None:
    found = carried(old, params, new)

    assert found == Carried(expected)
    assert [type(value) for value in found.params.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    ("value", "hole", "nearest"),
    [
        ("7", "{float: [0, 1]}", 1.0),
        ("0.26", "{float: [0, 1], step: 0.25}", 0.25),
        ("0.9", "{float: [0.1, 0.7], step: 0.1}", 0.7),
        ("31", "{int: [8, 64], step: 8}", 32),
        ("0.5", "{int: [1, 9]}", 1),
        ("100", "{choice: [32, 128, 256]}", 128),
        ("word", "{choice: [other, words]}", None),
        ("[1]", "{int: [1, 2]}", None),
        ("true", "{choice: [1, 2]}", None),
    ],
)
def test_a_value_that_its_hole_cannot_take_comes_with_the_nearest_if_there_is_one(
    value: str, hole: str, nearest: object
) -> None:
    found = carried(f"x: {value}", {}, f"x: {hole}")

    assert [near for _, _, near in outside(found)] == [nearest]
    assert found.params == {}


def test_a_branch_that_is_no_more_is_told_by_its_class() -> None:
    found = carried("o: {type: Lion, lr: 0.1}", {}, "o: {choice: [{type: SGD, lr: {float: [0, 1]}}]}")

    assert outside(found) == [("o", "Lion", None)]


def test_a_list_that_is_too_long_is_cut_and_one_that_is_too_short_has_holes_left() -> None:
    hole = "h: {list: {int: [1, 9]}, length: {int: [2, 3]}}"

    long, short = carried("h: [1, 2, 3, 4]", {}, hole), carried("h: [1]", {}, hole)

    assert (dict(long.params), outside(long)) == ({"h.0": 1, "h.1": 2, "h.2": 3}, [("h.length", 4, 3)])
    assert (dict(short.params), outside(short)) == ({"h.0": 1}, [("h.length", 1, 2)])
    assert [misfit.name for misfit in short.of(Kind.MISSING)] == ["h.1"]


def test_arguments_of_another_class_are_no_values_for_this_one() -> None:
    found = carried("o: {type: Adam, lr: 0.1}", {}, "o: {type: SGD, lr: {float: [0, 1]}}")

    assert found.params == {}
    assert [str(misfit) for misfit in found.misfits] == ["o.type is SGD now", "o.lr has no value there"]


def test_every_config_of_a_space_is_carried_to_the_same_space_as_it_is() -> None:
    space = Space.parse(TINY)

    for seed in range(20):
        config = space.fill(Random(seed))
        found = carry(space, Source(config, {}))
        assert found.misfits == ()
        assert space.fill(Known(found.params)) == config
