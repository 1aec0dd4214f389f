from __future__ import annotations

import pytest

from tests.conftest import objective
from tuner.errors import BuildError
from tuner.goal import Bound, Direction, Scope, Task, goal_of

UP, DOWN = Direction.MAXIMIZE, Direction.MINIMIZE


def test_each_of_several_metrics_has_the_direction_of_its_own_or_the_one_given() -> None:
    known = goal_of(objective(["accuracy", "parameters", "latency"]), Task.CLASSIFICATION)
    given = goal_of(objective(["accuracy", "MulticlassCohenKappa"], [UP, UP]), Task.CLASSIFICATION)

    assert known.directions == (UP, DOWN, DOWN)
    assert given.directions == (UP, UP)
    assert (known.single, known.metric, known.direction) == (False, "accuracy", UP)


@pytest.mark.parametrize(
    ("metrics", "directions", "message"),
    [
        (["accuracy", "mine"], [], "objective.metrics.1: say whether to minimize or maximize mine"),
        (["acuracy"], [], "objective.metric: say whether to minimize or maximize acuracy (did you mean accuracy?)"),
        (["accuracy", "loss"], [UP, UP], "objective.directions.1: loss is there to minimize"),
        (["accuracy"], [DOWN], "objective.direction: accuracy is there to maximize"),
    ],
)
def test_a_direction_that_is_missing_or_wrong_is_named_at_its_place(
    metrics: list[str], directions: list[Direction], message: str
) -> None:
    with pytest.raises(BuildError) as caught:
        goal_of(objective(metrics, directions), Task.CLASSIFICATION)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("low", "high", "value", "violation"),
    [
        (None, 10, 12, 2),
        (None, 10, 10, 0),
        (0.9, None, 0.5, 0.4),
        (0.9, None, 0.95, -0.05),
        (1, 3, 2, -1),
        (1, 3, 5, 2),
    ],
)
def test_a_bound_is_broken_by_how_far_a_value_lies_outside(
    low: float | None, high: float | None, value: float, violation: float
) -> None:
    assert Bound("x", low, high).violation(value) == pytest.approx(violation)


def test_a_goal_asks_for_its_metrics_and_for_what_is_bounded_each_once() -> None:
    bounds = [Bound("parameters", None, 10), Bound("recall", 0.5, None)]

    goal = goal_of(objective(["accuracy", "parameters"], bounds=bounds, scope=Scope.LAST), Task.CLASSIFICATION)

    assert goal.names == ("accuracy", "parameters", "recall")
    assert goal.values({"accuracy": 0.5, "parameters": 12, "recall": 0.1}) == (0.5, 12)
    assert goal.violations({"accuracy": 0.5, "parameters": 12, "recall": 0.1}) == {"parameters": 2, "recall": 0.4}
    assert [goal.path(name) for name in goal.names] == [
        "objective.metrics.0",
        "objective.metrics.1",
        "objective.constraints.recall",
    ]
