from __future__ import annotations

import pytest

from tuner.errors import SpaceError
from tuner.goal import Scope
from tuner.space import Space

PARTS = """\
data: {type: digits}
model: {type: MLP}
optimizer: {type: SGD}
objective: %s
search: %s
"""
TWO = "metrics: [accuracy, parameters]"


def parse(objective: str, search: str = "{}") -> Space:
    return Space.parse(PARTS % (objective, search), "f")


def test_several_metrics_take_the_last_epoch_and_no_pruner() -> None:
    one, two, empty = parse("{metric: accuracy}"), parse(f"{{{TWO}}}"), parse(f"{{{TWO}}}", "null")

    assert (one.fixed["objective"]["scope"], one.fixed["search"]["pruner"]) == ("best", {"type": "HyperbandPruner"})
    assert (two.fixed["objective"]["scope"], two.fixed["search"]["pruner"]) == ("last", None)
    assert empty.fixed["search"]["pruner"] is None
    assert (two.objective.metrics, two.objective.scope) == (("accuracy", "parameters"), Scope.LAST)


@pytest.mark.parametrize(
    ("objective", "search", "place", "message"),
    [
        (f"{{metric: f1, {TWO}}}", "{}", "4:25", "objective.metrics: metric and metrics exclude each other"),
        ("{metrics: []}", "{}", "4:13", "objective.metrics: name at least one metric"),
        ("{metrics: accuracy}", "{}", "4:22", "objective.metrics: must be a list of metrics, not accuracy"),
        ("{metrics: [accuracy, f1, accuracy]}", "{}", "4:37", "objective.metrics.2: accuracy stands twice"),
        ("{metrics: [accuracy, 3]}", "{}", "4:33", "objective.metrics.1: must be the name of a metric"),
        (f"{{{TWO}, directions: [maximize]}}", "{}", "4:46", "2 metrics have 1 directions: give one each"),
        (f"{{{TWO}, directions: [maximize, up]}}", "{}", "4:69", "a direction is one of minimize and maximize"),
        (f"{{{TWO}, direction: maximize}}", "{}", "4:46", "with metrics write directions"),
        ("{metric: f1, directions: [maximize]}", "{}", "4:25", "with one metric write direction"),
        (f"{{{TWO}, scope: best}}", "{}", "4:53", "objective.scope: with several metrics the values are the last"),
        (f"{{{TWO}}}", "{pruner: {type: MedianPruner}}", "5:10", "search.pruner: a pruner compares one value"),
        ("{constraints: {recall: {}}}", "{}", "4:35", "objective.constraints.recall: must be a mapping with min"),
        ("{constraints: {recall: 3}}", "{}", "4:35", "objective.constraints.recall: must be a mapping with min"),
        ("{constraints: {recall: {mx: 3}}}", "{}", "4:36", "recall.mx: no such key (did you mean max?)"),
        ("{constraints: {recall: {max: a}}}", "{}", "4:41", "objective.constraints.recall.max: must be a number"),
        ("{constraints: {recall: {min: 2, max: 1}}}", "{}", "4:35", "min 2 is above max 1: swap them"),
        ("{constraints: {recall: {max: {float: [0, 1]}}}}", "{}", "4:41", "no hole may stand here"),
        ("{constraints: [recall]}", "{}", "4:26", "objective.constraints: must be a mapping from metrics"),
        ("{metirc: f1}", "{}", "4:13", "objective.metirc: no such key (did you mean metric?)"),
        ("{function: fit}", "{}", "4:23", "objective.function: must be file.py:function"),
        ("{function: train.py:fit}", "{}", "4:13", "say by objective.metric which of the metrics"),
        ("{remote: true}", "{}", "4:13", "objective.remote: say by objective.metric which of the metrics"),
        ("{remote: 1, metric: e}", "{}", "4:21", "objective.remote: must be true or false, not 1"),
        ("{remote: true, metric: e, positive: 1}", "{}", "4:38", "objective.remote gives its own metrics"),
        ("{remote: true, metric: e, function: a.py:b}", "{}", "4:38", "remote workers and a function exclude"),
        ("{remote: true, metric: e}", "{trial_limit: 3m}", "5:10", "search.trial_limit: a remote worker is not killed"),
        ("{remote: true, metric: e}", "{confirm: {top: 2}}", "5:10", "search.confirm: only remote workers can train"),
    ],
)
def test_an_objective_that_contradicts_itself_is_refused_at_its_place(
    objective: str, search: str, place: str, message: str
) -> None:
    with pytest.raises(SpaceError) as caught:
        parse(objective, search)

    assert str(caught.value).startswith(f"f:{place}: ")
    assert message in str(caught.value)


OWN = """\
objective: {function: train.py:fit, metric: score, direction: maximize}
threshold: {float: [0, 1]}
data: {path: {choice: [a.csv, b.csv]}}
forest: {trees: {int: [1, 9]}, depth: {ref: forest.trees}}
training: {epochs: 3, patience: {int: [1, 5]}}
"""


def test_beside_a_function_of_ones_own_any_section_may_hold_anything() -> None:
    space = Space.parse(OWN)

    names = [row.name for row in space.parameters()]
    assert sorted(names) == ["data.path", "forest.trees", "threshold", "training.patience"]
    assert space.highest("training.epochs") == 3
    assert "model" not in space.tree.entries


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("search: {trials: {int: [1, 3]}}", "search.trials: no hole may stand here"),
        ("search: {trails: 3}", "search.trails: no such key (did you mean trials?)"),
        ("training: {epochs: 0}", "training.epochs: must be a whole number of at least 1"),
    ],
)
def test_what_is_not_the_functions_keeps_its_rules(extra: str, message: str) -> None:
    text = "objective: {function: train.py:fit, metric: f1}\n"

    with pytest.raises(SpaceError) as caught:
        Space.parse(text + extra)

    assert message in str(caught.value)


@pytest.mark.parametrize("path", ["threshold", "forest.trees", "training.patience", "objective.metric", "study.seed"])
def test_all_that_the_function_gets_is_the_studys_identity(path: str) -> None:
    value = {"objective.metric": "other"}.get(path, 7)

    assert Space.parse(OWN, settings=[(path, value)]).identity() != Space.parse(OWN).identity()


def test_a_space_for_remote_workers_needs_no_section_of_training_and_may_have_any() -> None:
    space = Space.parse(
        "objective: {remote: true, metric: e, direction: minimize}\nnet: {units: {int: [1, 9]}}\nlr: 0.1"
    )

    assert space.objective.remote
    assert space.objective.own_training
    assert [row.name for row in space.parameters()] == ["net.units"]
