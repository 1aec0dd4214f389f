"""Ranges whose ends refer to other values."""

from __future__ import annotations

from typing import Any

import pytest

from tuner.errors import SpaceError
from tuner.space import Space
from tuner.space.draft import drafted
from tuner.space.repair import Repair
from tuner.space.suggest import Random

HEAD = "objective: {function: 'fit.py:fit', metric: score, direction: maximize}\n"


def space(text: str) -> Space:
    return Space.parse(HEAD + text, "f.yaml")


def hole(given: Space, name: str) -> Any:
    return next(row.hole for row in given.parameters() if row.name == name)


def test_the_sampler_sees_the_widest_range_and_each_config_keeps_its_own() -> None:
    given = space("width: {int: [4, 64]}\nheads: {int: [1, {ref: width}]}\nlow: {float: [{ref: heads}, 70]}\n")

    found = [Repair(given, seed).nearest(drafted(given, {}, Random(seed)), {}) for seed in range(20)]

    assert (hole(given, "heads").low, hole(given, "heads").high) == (1, 64)
    assert (hole(given, "low").low, hole(given, "low").high) == (1, 70)
    assert all(each is not None and each.params["heads"] <= each.params["width"] for each in found)
    assert all(each is not None and each.params["low"] >= each.params["heads"] for each in found)
    assert len({each.params["heads"] for each in found if each is not None}) > 8


def test_a_range_refers_from_inside_a_list_and_a_branch() -> None:
    given = space(
        "top: {choice: [8, 16]}\nfixed: 2\n"
        "hidden: {list: {int: [{ref: fixed}, {ref: top}], step: 2}, length: {int: [1, 2]}}\n"
        "kind: {choice: [{type: a, x: {float: [1e-3, {ref: fixed}], log: true}}, {type: b}]}\n"
    )

    assert (hole(given, "hidden.1").low, hole(given, "hidden.1").high, hole(given, "hidden.1").step) == (2, 16, 2)
    assert hole(given, "kind.a.x").high == 2
    assert {relation.text for relation in given.relations} >= {"hidden.0 <= top", "kind.a.x <= fixed"}


def test_the_text_of_the_range_stays_part_of_the_study() -> None:
    text = "width: {int: [4, 64]}\nheads: {int: [1, {ref: width}]}\n"

    assert space(text).identity()["heads"] == {"int": [1, {"ref": "width"}]}
    assert space(text).with_settings({"width": 4}).identity()["heads"] == {"int": [1, {"ref": "width"}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("heads: {int: [1, {ref: wdth}]}", r"f.yaml:2:8: heads: ref wdth: there is no range or number"),
        ("heads: {int: [1, {ref: heads}]}", r"f.yaml:2:8: heads: ref heads"),
        ("name: words\nheads: {int: [1, {ref: name}]}", "there is no range or number"),
        ("width: {int: [1, 4]}\nheads: {int: [5, {ref: width}]}", "the range is empty: it begins at 5 and ends at 4"),
        ("width: {int: [0, 4]}\nheads: {int: [{ref: width}, 5], log: true}", "a log range starts above 0, not at 0"),
        ("k: {choice: [{type: a, x: 3}, {type: b}]}\nheads: {int: [1, {ref: k.x}]}", "there is no k.x in every branch"),
        ("width: 3\nh: {list: {int: [1, 2]}, length: {int: [1, {ref: width}]}}", "a length takes numbers"),
        ("width: 3\nheads: {int: [1, {ref: width, more: 1}]}", "int takes a whole number"),
    ],
)
def test_an_end_that_leads_nowhere_is_refused_at_its_place(text: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        space(text + "\n")
