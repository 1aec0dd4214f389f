"""What is written for each kind of data must run as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits, load_wine

import tuner
from tests.conftest import ROOT
from tests.support.data_files import pets
from tuner import preflight
from tuner.errors import DataError
from tuner.scaffold.render import draft
from tuner.space import Space
from tuner.space.tree import describe


def wine(folder: Path) -> Path:
    bundle = load_wine(as_frame=True)
    bundle.frame.assign(target=bundle.target_names[bundle.target]).to_csv(folder / "wine.csv", index=False)
    return folder / "wine.csv"


def diabetes(folder: Path) -> Path:
    load_diabetes(as_frame=True).frame.to_csv(folder / "diabetes.csv", index=False)
    return folder / "diabetes.csv"


def digits(folder: Path) -> Path:
    bundle = load_digits()
    for i, (image, label) in enumerate(zip(bundle.images[:200], bundle.target[:200], strict=True)):
        (folder / "digits" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((15.9 * image).astype(np.uint8)).save(folder / "digits" / str(label) / f"{i}.png")
    return folder / "digits"


def texts(folder: Path) -> Path:
    return ROOT / "search_spaces" / "data" / "docstrings.csv"


def nothing(folder: Path) -> None:
    return None


@pytest.mark.parametrize("data", [wine, diabetes, digits, texts, nothing], ids=lambda data: str(data.__name__))
def test_a_space_for_any_data_runs_without_an_edit(
    data: Callable[[Path], Path | None], tmp_path: Path, url: str
) -> None:
    out = tmp_path / "space.yaml"
    out.write_text(draft(data(tmp_path), out))

    small = [("training.epochs", 1), ("search.confirm", None), ("search.pruner", None)]
    result = tuner.run(out, storage=url, n_trials=2, settings=small)

    assert [record.state for record in result.study.records()] == ["complete", "complete"]


def test_a_space_explains_itself(tmp_path: Path) -> None:
    text = draft(wine(tmp_path), tmp_path / "wine.yaml", schema="space.schema.json")

    assert text.startswith("# yaml-language-server: $schema=space.schema.json\n# Written by `tuner init`")
    assert "#     tuner run --space " in text
    assert "#   - 178 rows of 3 classes: class_0, class_1, class_2" in text
    assert Space.parse(text).name == "wine"


def test_paths_start_from_where_the_space_will_lie(tmp_path: Path) -> None:
    out = tmp_path / "spaces" / "wine.yaml"
    out.parent.mkdir()

    space = Space.parse(draft(wine(tmp_path), out), str(out), out.parent)

    assert describe(space.node("data.path")) == "../wine.csv"


def test_what_is_uneven_is_judged_by_more_than_accuracy(tmp_path: Path) -> None:
    rows = {"size": [i / 3 for i in range(200)], "target": ["rare"] * 20 + ["usual"] * 180}
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)

    space = Space.parse(draft(tmp_path / "rows.csv", tmp_path / "space.yaml"))

    assert space.fixed["objective"]["metric"] == "f1"
    assert space.fixed["objective"]["positive"] == "rare"
    assert "training.class_weights" in [row.name for row in space.parameters()]


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        (["no", "yes"] * 30, "yes"),
        ([0, 1] * 30, "1"),
        ([True, False, True] * 20, "False"),
        (["a", "b", "c"] * 20, None),
    ],
)
def test_of_two_classes_one_is_positive(labels: list[object], positive: str | None, tmp_path: Path) -> None:
    pd.DataFrame({"size": [i / 3 for i in range(60)], "target": labels}).to_csv(tmp_path / "rows.csv", index=False)

    space = Space.parse(draft(tmp_path / "rows.csv", tmp_path / "space.yaml"), base=str(tmp_path))

    assert space.objective.positive == positive
    assert preflight.load_job(space, torch.device("cpu")).scores.goal.positive == positive


@pytest.mark.parametrize("name", ["a: b", "100%", "ä # ö", "007", "null"])
def test_any_name_of_a_file_and_a_column_is_written_as_yaml(name: str, tmp_path: Path) -> None:
    rows = {"size": [i / 3 for i in range(60)], name: ["x", "y"] * 30}
    pd.DataFrame(rows).to_csv(tmp_path / f"{name}.csv", index=False)

    space = Space.parse(draft(tmp_path / f"{name}.csv", tmp_path / "space.yaml"))

    assert describe(space.node("data.target")) == name
    assert describe(space.node("data.path")) == f"{name}.csv"


def test_a_space_with_a_name_of_its_own_gives_it_to_its_study(tmp_path: Path) -> None:
    file = wine(tmp_path)

    assert Space.parse(draft(file, tmp_path / "space.yaml")).name == "wine"
    assert Space.parse(draft(file, tmp_path / "red.yaml")).name == "red"


def test_classes_of_one_row_are_told_in_a_sentence(tmp_path: Path) -> None:
    rows = {"size": [i / 3 for i in range(60)], "target": ["x", "y"] * 29 + ["z", "w"]}
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)

    with pytest.raises(DataError, match="2 of its 4 classes have a single row, and both splits need one: leave"):
        draft(tmp_path / "rows.csv", tmp_path / "space.yaml")


def test_what_the_data_call_things_stays_in_its_comment(tmp_path: Path) -> None:
    names = ["a\nsearch: {trials: 1}", "b\u2028c" * 50]
    rows = {"size": [i / 3 for i in range(60)], "key\nof: it": [f"k{i}" for i in range(60)], "target": names * 30}
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)

    text = draft(tmp_path / "rows.csv", tmp_path / "space.yaml")

    assert Space.parse(text).search.trials != 1
    assert max(map(len, text.splitlines())) < 400


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"size": [1.5, 2.5, 3.5], "target": ["x", "y", "y"]}, "cannot be split"),
        ({"size": [1.5, 2.5, 3.5], "target": ["x", "x", "x"]}, "there is nothing to learn"),
        ({"target": ["x", "y"]}, "no column besides target"),
    ],
)
def test_data_that_a_run_would_refuse_are_refused_at_once(
    rows: dict[str, object], message: str, tmp_path: Path
) -> None:
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)

    with pytest.raises(DataError, match=message):
        draft(tmp_path / "rows.csv", tmp_path / "space.yaml")


def test_folders_of_splits_are_not_split_again(tmp_path: Path) -> None:
    for name, each in (("train", 12), ("val", 4), ("test", 3)):
        pets(tmp_path / "pets" / name, each=each)

    text = draft(tmp_path / "pets", tmp_path / "space.yaml")

    assert "  confirm: {top: 5, seeds: 3} " in text
    assert "  valid: " not in text
    assert "  test: " not in text
