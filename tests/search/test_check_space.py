from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.conftest import TINY
from tuner.errors import SpaceError, UsageError
from tuner.goal import Task
from tuner.space import Space


def test_a_check_gives_what_a_space_spans_and_is_made_of(tiny: Path, url: str) -> None:
    checked = tuner.check(tiny, device="cpu", storage=url)

    assert checked.space.name == "tiny"
    assert [row.name for row in checked.parameters][-1] == "optimizer.SGD.momentum"
    assert checked.size == float("inf")
    assert checked.goal is not None
    assert checked.goal.metric == "accuracy"
    assert checked.data is not None
    assert (checked.data.type, checked.data.task) == ("digits", Task.CLASSIFICATION)
    assert checked.data.train_rows > checked.data.valid_rows > 0
    assert checked.model is not None
    assert (checked.model.type, checked.model.outputs) == ("MLP", (128, 10))
    assert checked.model.parameters == sum(layer.parameters for layer in checked.model.layers)
    assert checked.warm_start == ()


def test_a_check_takes_settings(tiny: Path, url: str) -> None:
    checked = tuner.check(tiny, settings={"data.batch_size": 32, "optimizer": {"type": "Adam"}}, device="cpu")

    assert checked.model is not None
    assert checked.model.inputs[0] == 32
    assert "optimizer" not in {row.name for row in checked.parameters}


def test_a_check_of_the_language_builds_nothing() -> None:
    checked = tuner.check(Space.parse(TINY.replace("Adam,", "NoSuch,")), build=False)

    assert (checked.goal, checked.data, checked.model) == (None, None, None)
    assert "were not checked" in repr(checked)


def test_a_check_tells_all_faults_at_once(tiny: Path) -> None:
    tiny.write_text(TINY.replace("Adam,", "NoSuch,").replace("MLP", "NoModel"))

    with pytest.raises(SpaceError, match=r"NoSuch(.|\n)*NoModel|NoModel(.|\n)*NoSuch"):
        tuner.check(tiny, device="cpu")
    with pytest.raises(UsageError, match="--device cpuu"):
        tuner.check(tiny, device="cpuu")


def test_a_check_of_a_function_knows_its_goal(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def fit(config, report):\n    return 1.0\n")
    file = tmp_path / "own.yaml"
    file.write_text(
        "objective: {function: train.py:fit, metric: f1, direction: maximize}\nmodel: {alpha: {float: [0, 1]}}\n"
    )

    checked = tuner.check(file)

    assert checked.data is None
    assert repr(checked) == f"{file}: study own, 1 parameter; f1, to maximize"


def test_a_check_names_the_configs_that_a_run_begins_with(tiny: Path, url: str, tmp_path: Path) -> None:
    tuner.run(tiny, storage=url, n_trials=1, device="cpu")

    warm = {"study.name": "next", "search.warm_start": {"study": "tiny", "top": 1}}
    checked = tuner.check(tiny, settings=warm, device="cpu", storage=url)

    assert [config.origin.trial for config in checked.warm_start] == [0]
