from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import TINY
from tuner.errors import UsageError
from tuner.space import edit, tree, yaml_document


def assigned(path: str, value: Any, text: str = TINY) -> Any:
    return yaml_document.plain(yaml_document.read(edit.assign(text, path, value, "f"), "f"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.type", "MNIST"),
        ("data.root", "/somewhere"),
        ("training.epochs", 1),
        ("loss", {"type": "CrossEntropyLoss"}),
        ("loss.label_smoothing", 0.1),
        ("model.hidden", [8, 8]),
        ("optimizer", {"type": "Adam", "lr": {"float": [0.1, 1.0]}}),
        ("scheduler.type", "OneCycleLR"),
    ],
)
def test_a_path_is_set_whether_it_was_there_or_not(path: str, value: Any) -> None:
    before = yaml_document.plain(yaml_document.read(TINY, "f"))

    after = assigned(path, value)

    assert tree.lookup(after, path) == value
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {path.split(".")[0]}


def test_a_path_into_a_choice_names_the_branch() -> None:
    after = assigned("optimizer.SGD.momentum", 0.9)

    assert after["optimizer"]["choice"][1]["momentum"] == 0.9
    assert "momentum" not in after["optimizer"]["choice"][0]


def test_a_label_with_dots_in_it_is_one_step() -> None:
    text = "model: {choice: [{type: net.py:Net, width: 1}, {type: net.py:Other, width: 2}]}"

    after = assigned("model.net.py:Net.width", 5, text)

    assert after["model"]["choice"][0]["width"] == 5


def test_the_comments_around_stay() -> None:
    assert "# the usual" in edit.assign(TINY, "optimizer.Adam.lr", 0.5, "f")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("optimizer.lr", "optimizer is a choice of Adam and SGD; name the branch"),
        ("optimizer.Adm.lr", "did you mean Adam?"),
        ("model.hidden.0", "model.hidden is a hole (list); set it as a whole"),
        ("data.type.x", "data.type is a single value"),
        ("optimizer.SGD.lr.low", "optimizer.SGD.lr is a hole (float)"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        edit.assign(TINY, path, 1, "f")

    assert message in str(caught.value)


def test_a_value_reached_through_an_alias_is_not_changed_behind_its_anchor() -> None:
    text = "optimizer: &o {lr: 1}\nmodel: *o"

    with pytest.raises(UsageError, match="model is an alias"):
        edit.assign(text, "model.lr", 2, "f")


@pytest.mark.parametrize("assignment", ["epochs", "=3", "a=[1", "a={b: 1"])
def test_an_assignment_that_is_none_is_refused(assignment: str) -> None:
    with pytest.raises(UsageError, match="--set"):
        edit.value_of(assignment)


def test_a_value_is_read_as_yaml() -> None:
    assert edit.value_of("optimizer.lr={float: [1e-4, 1], log: true}") == (
        "optimizer.lr",
        {"float": [1e-4, 1], "log": True},
    )
    assert edit.value_of("scheduler=") == ("scheduler", None)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("m: {a: 1,}\n", "m.b", "m: {a: 1, b: 7}\n"),
        ("m: {}\n", "m.b", "m: {b: 7}\n"),
        ("m: {a: 1}", "m.b", "m: {a: 1, b: 7}"),
        ("m:\n  a: 1 # end\nn: 2\n", "m.b", "m:\n  a: 1 # end\n  b: 7\nn: 2\n"),
        ("m: &x\n  a: 1\n", "m.b", "m: &x\n  a: 1\n  b: 7\n"),
        ("m:\n  a: 1", "n", "m:\n  a: 1\nn: 7"),
        ("m:\n", "m.b", "m: {b: 7}\n"),
        ("m: &x 1\nn: *x\n", "n", "m: &x 1\nn: 7\n"),
    ],
)
def test_an_edit_is_the_least_that_does_it(text: str, path: str, expected: str) -> None:
    assert edit.assign(text, path, 7, "f") == expected
    yaml_document.read(expected, "f")


def test_a_block_under_an_anchor_is_replaced_at_its_own_column() -> None:
    text = edit.assign("m: &x\n  a: 1\nn: 2\n", "m", {"c": 1, "d": 3}, "f")

    assert yaml_document.plain(yaml_document.read(text, "f")) == {"m": {"c": 1, "d": 3}, "n": 2}
