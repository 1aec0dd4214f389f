"""The middle of a space, with which a search may begin."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tuner.space import Space
from tuner.space.middle import middle_of

AROUND = """\
objective: {function: own.py:loss, metric: loss, direction: minimize}
"""


@pytest.mark.parametrize(
    ("hole", "params"),
    [
        ("{float: [2, 4]}", {"x": 3.0}),
        ("{float: [1e-4, 1e-2], log: true}", {"x": pytest.approx(math.sqrt(1e-4 * 1e-2))}),
        ("{float: [0, 0.5], step: 0.1}", {"x": pytest.approx(0.2)}),
        ("{float: [0, 0.9], step: 0.3}", {"x": pytest.approx(0.3)}),
        ("{int: [1, 4]}", {"x": 2}),
        ("{int: [8, 32], step: 8}", {"x": 16}),
        ("{int: [1, 256], log: true}", {"x": 16}),
        ("{choice: [b, a, c]}", {"x": "b"}),
        ("{float: [1e-5, 1], log: true, prior: {around: 1e-3}}", {"x": 1e-3}),
        ("{list: {int: [2, 8]}, length: {int: [1, 3]}}", {"x.length": 2, "x.0": 5, "x.1": 5}),
        ("{choice: [{type: A, r: {int: [1, 3]}}, {type: B}]}", {"x": "A", "x.A.r": 2}),
    ],
    ids=["float", "log", "grid", "grid_half", "int", "steps", "log_int", "choice", "prior", "list", "branch"],
)
def test_it_has_the_middle_of_ranges_the_first_of_choices_and_what_priors_expect(
    hole: str, params: dict[str, Any]
) -> None:
    found = middle_of(Space.parse(f"{AROUND}model: {{x: {hole}}}\n"))

    assert {name.removeprefix("model."): value for name, value in found.items()} == params
