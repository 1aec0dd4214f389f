from __future__ import annotations

import json
from pathlib import Path

import pytest

import tuner
from tests.conftest import TINY
from tuner.config import Component
from tuner.errors import StudyError
from tuner.results.best_config import Format
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.storage import open_storage
from tuner.study import Study, load_study


@pytest.fixture
def study(tiny: Path, url: str) -> Study:
    tuner.run(tiny, storage=url)
    return load_study(open_storage(url), "tiny")


def test_the_exported_file_is_the_best_trials_config_and_says_where_it_comes_from(
    study: Study, url: str, tmp_path: Path
) -> None:
    best = study.best()
    assert best is not None

    tuner.export("tiny", tmp_path / "best.yaml", storage=url)

    space = Space.load(tmp_path / "best.yaml")
    facts = space.fixed["provenance"]
    assert space.parameters() == []
    assert {key: facts[key] for key in ("study", "trial", "value", "metric", "epoch")} == {
        "study": "tiny",
        "trial": best.number,
        "value": best.value,
        "metric": "accuracy",
        "epoch": best.epoch,
    }
    assert facts["seed"] == best.attributes.seed
    label = best.params["optimizer"]
    assert space.resolve(Corner(False, {})).optimizer.args["lr"] == best.params[f"optimizer.{label}.lr"]


def test_json_is_the_same_config_with_every_default(study: Study, url: str, tmp_path: Path) -> None:
    tuner.export("tiny", tmp_path / "best.yaml", trial=1, storage=url)
    text = tuner.export("tiny", tmp_path / "best.json", trial=1, form=Format.JSON, storage=url)

    document = json.loads(text)
    from_json, from_yaml = (
        Space.load(tmp_path / name).resolve(Corner(False, {})) for name in ("best.json", "best.yaml")
    )
    assert document["data"]["valid"] == 0.2
    assert from_json == from_yaml


@pytest.mark.parametrize("form", [Format.YAML, Format.JSON])
def test_relative_paths_are_rewritten_for_the_folder_of_the_file(tmp_path: Path, url: str, form: Format) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self, in_features, num_classes): super().__init__(in_features, num_classes)\n"
        "    def forward(self, images): return super().forward(images.flatten(1))\n"
    )
    space = Space.parse(
        TINY, base=tmp_path / "code", settings=[("model", {"type": "net.py:Net"}), ("search.trials", 1)]
    )
    tuner.run(space, storage=url)

    tuner.export(space.name, tmp_path / "out" / "best.yaml", form=form, storage=url)

    exported = Space.load(tmp_path / "out" / "best.yaml")
    assert exported.resolve(Corner(False, {})).model == Component("../code/net.py:Net")
    tuner.train(exported, tmp_path / "run")


def test_a_trial_that_has_no_config_is_refused(study: Study, url: str) -> None:
    import optuna

    optuna.load_study(study_name="tiny", storage=url).enqueue_trial({})
    optuna.create_study(storage=url, study_name="foreign").optimize(lambda trial: trial.suggest_float("x", 0, 1), 1)

    with pytest.raises(StudyError, match="trial 3 of study tiny has not been started"):
        tuner.export("tiny", trial=3, storage=url)
    with pytest.raises(StudyError, match="study foreign was not made by tuner"):
        tuner.export("foreign", storage=url)
