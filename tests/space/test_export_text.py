from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT, TINY
from tests.support.spaces import CONDITIONAL
from tuner.space import Space
from tuner.space.export_text import filled_text
from tuner.space.suggest import Corner, Random

INDENTED = "".join(f"  {line}\n" for line in TINY.splitlines())
PROVENANCE = {"study": "s", "trial": 3, "seed": 7, "epoch": 2}


def filled(space: Space, values: dict[str, Any]) -> Space:
    return Space.parse(filled_text(space.text, values, PROVENANCE, space.file), space.file, space.base)


def without_search(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in ("search", "provenance")}


@pytest.mark.parametrize(
    "text", [TINY, CONDITIONAL, *((ROOT / "search_spaces" / f"{name}.yaml").read_text() for name in ("cnn", "mlp"))]
)
@given(st.integers(0, 10**6))
@settings(max_examples=25)  # of each space
def test_a_filled_text_means_the_config_that_it_was_filled_with(text: str, seed: int) -> None:
    space = Space.parse(text)
    values = space.fill(Random(seed))

    back = filled(space, values)

    assert back.parameters() == []
    assert without_search(back.fill(Corner(False, {}))) == without_search(values)


def test_comments_outside_the_holes_stay_and_those_on_a_lost_branch_go() -> None:
    text = """\
# a head
data: {type: digits}   # the data
model: {type: MLP}
optimizer:             # which one
  choice:
    # plain
    - type: SGD
      lr: {float: [0, 1]}   # inside
    - {type: Adam}     # lost
# a foot
training: {epochs: 2}
"""
    space = Space.parse(text)

    lines = filled_text(text, space.fill(Corner(True, {"optimizer": "SGD"})), {"trial": 1}, "f")

    assert (
        lines
        == """\
provenance:
  trial: 1

# a head
data: {type: digits}   # the data
model: {type: MLP}
optimizer:             # which one
  type: SGD
  lr: 1.0
# a foot
training: {epochs: 2}
"""
    )


def test_aliases_are_written_out() -> None:
    text = (
        "data: {type: digits}\nmodel: {type: MLP, a: &x {int: [1, 1]}, b: *x, c: &y [1], d: *y}\noptimizer: {type: SGD}"
    )
    space = Space.parse(text)

    back = filled(space, space.fill(Corner(False, {})))

    assert back.fixed["model"] == {"type": "MLP", "a": 1, "b": 1, "c": [1], "d": [1]}


@pytest.mark.parametrize(
    "text", ['{"data": {"type": "digits"}, "model": {"type": "MLP"}, "optimizer": {"type": "SGD"}}', "---\n" + TINY]
)
def test_a_document_of_any_style_takes_its_provenance(text: str) -> None:
    space = Space.parse(text)

    back = filled(space, space.fill(Corner(False, {})))

    assert PROVENANCE.items() <= back.fixed["provenance"].items()


def test_a_second_export_replaces_the_provenance_of_the_first() -> None:
    space = Space.parse(TINY)
    once = filled(space, space.fill(Corner(False, {})))

    twice = filled_text(once.text, once.fill(Corner(False, {})), {"trial": 4}, "f")

    assert twice.count("provenance") == 1
    assert Space.parse(twice).fixed["provenance"]["trial"] == 4


def test_enqueued_configs_go_with_the_parameters_that_they_name() -> None:
    space = Space.parse(TINY.replace("trials: 3,", "trials: 3, enqueue: [{optimizer: SGD}],"))

    assert filled(space, space.fill(Corner(False, {}))).enqueued() == []


def test_a_warm_start_goes_with_the_parameters_that_it_was_for() -> None:
    space = Space.parse(TINY.replace("trials: 3,", "trials: 3, warm_start: {study: old},"))

    assert filled(space, space.fill(Corner(False, {}))).search.warm_start is None
