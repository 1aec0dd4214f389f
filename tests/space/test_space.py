from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.conftest import ROOT, TINY
from tests.support.spaces import CONDITIONAL
from tuner.config import Component
from tuner.errors import SpaceError, UsageError
from tuner.space import Space
from tuner.space.suggest import Corner, Known, Random, corners


def test_parameters_are_named_by_config_path_branch_and_position() -> None:
    names = [row.name for row in Space.parse(CONDITIONAL).parameters()]

    assert names == [
        "data.batch_size",
        "model.layers.length",
        "model.layers.0.units",
        "model.layers.0.dropout",
        "model.layers.1.units",
        "model.layers.1.dropout",
        "model.layers.2.units",
        "model.layers.2.dropout",
        "optimizer",
        "optimizer.SGD.lr",
        "optimizer.SGD.momentum",
        "optimizer.AdamW.lr",
        "scheduler",
        "training.epochs",
    ]


def test_a_parameter_knows_when_it_is_there() -> None:
    when = {row.name: dict(row.when) for row in Space.parse(CONDITIONAL).parameters()}

    assert when["model.layers.0.units"] == {}
    assert when["model.layers.2.units"] == {"model.layers.length": (3,)}
    assert when["optimizer.SGD.momentum"] == {"optimizer": ("SGD",)}


def test_a_config_is_the_space_with_its_holes_filled() -> None:
    known = {
        "data.batch_size": 64,
        "model.layers.length": 1,
        "model.layers.0.units": 5,
        "model.layers.0.dropout": 0.25,
        "optimizer": "AdamW",
        "optimizer.AdamW.lr": 0.001,
        "scheduler": "OneCycleLR",
        "training.epochs": 3,
    }

    config = Space.parse(CONDITIONAL).resolve(Known(known))

    assert config.data.batch_size == 64
    assert config.model == Component("MLP", {"layers": [{"units": 5, "dropout": 0.25}]})
    assert config.optimizer == Component("AdamW", {"lr": 0.001})
    assert config.scheduler == Component("OneCycleLR", {"max_lr": 0.001})
    assert config.training.epochs == 3


def test_corners_take_every_branch_at_both_ends() -> None:
    space = Space.parse(CONDITIONAL)

    configs = [space.resolve(corner) for corner in corners(space.tree)]

    assert {config.optimizer.type for config in configs} == {"SGD", "AdamW"}
    assert {config.scheduler and config.scheduler.type for config in configs} == {None, "OneCycleLR"}
    assert {config.optimizer.args["lr"] for config in configs} == {1e-3, 1, 1e-4, 1e-2}
    assert {config.data.batch_size for config in configs} == {32, 64}


def test_the_size_counts_different_configs() -> None:
    text = TINY.replace("{float: [1e-3, 1e-1], log: true}", "{choice: [1, 2, 3]}")
    text = text.replace(
        "lr: {float: [1e-2, 1], log: true}, momentum: {float: [0, 0.9]}", "lr: {float: [0, 1], step: 0.25}"
    )

    assert Space.parse(text).size() == (9 + 9**2) * (3 + 5)
    assert Space.parse(TINY).size() == math.inf


def test_an_anchor_only_repeats_text() -> None:
    text = "data: {type: digits}\nmodel: {type: MLP, dropout: &d {float: [0, 0.5]}, other: *d}\noptimizer: {type: SGD}"

    names = [row.name for row in Space.parse(text).parameters()]

    assert names == ["model.dropout", "model.other"]


def test_two_branches_of_one_type_are_told_apart_by_name() -> None:
    choice = "{choice: [{type: SGD}, {name: heavy, type: SGD, momentum: 0.9}]}"
    text = f"data: {{type: digits}}\nmodel: {{type: MLP}}\noptimizer: {choice}"
    space = Space.parse(text)

    config = space.resolve(Known({"optimizer": "heavy"}))

    assert config.optimizer == Component("SGD", {"momentum": 0.9})


def test_a_ref_must_be_there_in_every_branch_of_its_target() -> None:
    text = CONDITIONAL.replace("ref: optimizer.lr", "ref: optimizer.momentum")

    with pytest.raises(SpaceError, match=r"no optimizer\.momentum in every branch"):
        Space.parse(text)


def test_a_ref_inside_a_branch_sees_its_own_branch_alone() -> None:
    text = CONDITIONAL.replace("momentum: {float: [0, 0.99]}", "momentum: {ref: optimizer.dampening}, dampening: 0.1")

    config = Space.parse(text).resolve(Corner(False, {"optimizer": "SGD"}))

    assert config.optimizer.args["momentum"] == 0.1


@pytest.mark.parametrize("change", ["search: {trials: 99}", "search: {sampler: {type: RandomSampler}}"])
def test_the_search_is_not_part_of_the_identity(change: str) -> None:
    text = TINY.replace("search: {trials: 3, pruner: null}", change)

    assert Space.parse(text).identity() == Space.parse(TINY).identity()


@pytest.mark.parametrize(
    ("path", "value"), [("training.epochs", 3), ("study.seed", 1), ("optimizer.Adam.lr", 0.1), ("loss.type", "NLLLoss")]
)
def test_what_trials_are_made_from_is(path: str, value: object) -> None:
    assert Space.parse(TINY, settings=[(path, value)]).identity() != Space.parse(TINY).identity()


def test_where_the_data_lie_is_not() -> None:
    here, there = (Space.parse(TINY, settings=[("data.root", root)]) for root in ("/a", "/b"))

    assert here.identity() == there.identity()


def test_a_bare_name_is_looked_up_in_search_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert Space.load("cnn.yaml").name == "digits-cnn"


def test_a_file_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=r"no\.yaml: there is no such file and search_spaces/no\.yaml neither"):
        Space.load("no.yaml")


def test_a_file_with_a_byte_order_mark_and_windows_lines_is_read(tmp_path: Path) -> None:
    file = tmp_path / "windows.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + TINY.replace("\n", "\r\n").encode())

    assert Space.load(file).identity() == Space.parse(TINY).identity()


def test_random_samples_stay_in_their_ranges_and_reach_both_halves() -> None:
    space = Space.parse(CONDITIONAL)
    rows = {row.name: row.hole for row in space.parameters()}

    seen: dict[str, list[float]] = {}

    class Watched(Random):
        def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
            value = super().suggest_float(name, low, high, step=step, log=log)
            seen.setdefault(name, []).append(value)
            assert rows[name].holds(value)
            return value

    for seed in range(200):
        space.fill(Watched(seed))

    rates = seen["optimizer.SGD.lr"]
    assert 0.3 < sum(rate < math.sqrt(1e-3) for rate in rates) / len(rates) < 0.7


def test_the_classes_that_may_stand_for_a_section_are_told_with_their_places() -> None:
    text = """
data: {type: digits}
model:
  choice:
    - {type: MLP}
    - {name: own, type: {choice: ["net.py:Net", CNN]}}
optimizer: {type: Adam}
"""

    space = Space.parse(text)

    assert space.types("data") == [("data.type", "digits")]
    assert space.types("model") == [
        ("model.MLP.type", "MLP"),
        ("model.own.type", "net.py:Net"),
        ("model.own.type", "CNN"),
    ]
