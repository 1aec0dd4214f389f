from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.data_files import searched, section, write
from tuner import data
from tuner.config import On
from tuner.data.preprocessing.tokenizer import Tokens
from tuner.data.sources import text as texts
from tuner.errors import BuildError, DataError
from tuner.goal import Task

LINES = ("text,target", "good film,pos", "007,neg", ",pos", '"bad, bad",neg')


def test_texts_and_targets_come_from_their_columns(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", *LINES)

    source = texts.load(base=str(tmp_path), path="t.csv")

    assert source.task is Task.CLASSIFICATION
    assert source.classes == ("neg", "pos")
    assert isinstance(source.pool.inputs, np.ndarray)
    assert source.pool.inputs.tolist() == ["good film", "007", "", "bad, bad"]
    assert source.pool.targets.tolist() == [1, 0, 1, 0]


def test_json_lines_give_the_same(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", *LINES)
    rows = [("good film", "pos"), ("007", "neg"), (None, "pos"), ("bad, bad", "neg")]
    write(tmp_path / "t.jsonl", *(json.dumps({"target": label, "text": text}) for text, label in rows))

    csv, lines = (texts.load(base=str(tmp_path), path=name) for name in ("t.csv", "t.jsonl"))

    assert np.array_equal(csv.pool.inputs, lines.pool.inputs)  # type: ignore[arg-type]  # inputs are arrays or tables
    assert csv.pool.targets.tolist() == lines.pool.targets.tolist()


def test_columns_may_have_other_names_and_quantities_are_regressed_on(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "review,stars,user", "fine,3.5,a", "poor,1.5,b", "ok,2.5,a")

    source = texts.load(base=str(tmp_path), path="t.csv", text="review", target="stars", group="user")

    assert source.task is Task.REGRESSION
    assert source.pool.targets.tolist() == [[3.5], [1.5], [2.5]]
    assert source.pool.groups is not None
    assert source.pool.groups.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("lines", "given", "message"),
    [
        (LINES, {"target": "label"}, "t.csv: there is no column label: it has text and target"),
        (LINES, {"text": "txt"}, "t.csv: there is no column txt (did you mean text?)"),
        (LINES, {"text": "target"}, "data.text: target is the target"),
        (LINES, {"group": "user"}, "t.csv: there is no column user"),
        (LINES, {"task": "regression"}, "t.csv: column target: row 1: 'pos' is not a number"),
        (("text,target", "a,x", "b,x"), {}, "t.csv: column target has one value only, x"),
        (("text,target",), {}, "t.csv: no row has a value in column target"),
        (
            ("text,target", *["a,1", "b,2"] * 3, "c,?"),
            {},
            "t.csv: row 7: column target is of numbers, but has '?' here",
        ),
    ],
)
def test_what_is_wrong_with_texts_is_said(
    tmp_path: Path, lines: tuple[str, ...], given: dict[str, Any], message: str
) -> None:
    write(tmp_path / "t.csv", *lines)

    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        texts.load(base=str(tmp_path), path="t.csv", **given)


def test_a_nested_target_is_named_with_its_row(tmp_path: Path) -> None:
    write(tmp_path / "t.jsonl", '{"text": "a", "target": "x"}', '{"text": "b", "target": ["x"]}')

    with pytest.raises(DataError, match=r"^t\.jsonl: row 2: column target has a list"):
        texts.load(base=str(tmp_path), path="t.jsonl")


def test_a_test_file_is_the_test_split(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "text,target", *(f"word{i},{'ab'[i % 2]}" for i in range(12)))
    write(tmp_path / "later.csv", "text,target", "007,b")
    chosen = section("text", path="t.csv", test_path="later.csv")

    final = data.for_final(chosen, str(tmp_path), 0, On.ALL)

    assert len(final.train) == 12
    assert final.test is not None
    assert final.test.inputs.tolist() == ["007"]  # type: ignore[union-attr]  # inputs are arrays or tables
    assert final.test.targets.tolist() == [1]


def test_a_class_only_in_the_test_file_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "text,target", *(f"word{i},{'ab'[i % 2]}" for i in range(12)))
    write(tmp_path / "later.csv", "text,target", "word,c")
    chosen = section("text", path="t.csv", test_path="later.csv")

    with pytest.raises(DataError, match=r"^later\.csv: column target: class c is not in the training rows"):
        data.for_final(chosen, str(tmp_path), 0, On.ALL)


def test_the_vocabulary_is_that_of_the_training_rows_alone(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "text,target", *(f"word{i},{'ab'[i % 2]}" for i in range(40)))
    chosen = section("text", path="t.csv", tokenizer={"type": "word", "length": 2}, valid=0.25, test=0.25)
    splits = data.for_search(chosen, str(tmp_path), 0)
    assert splits.valid is not None

    dataset = searched(chosen, tmp_path)

    assert isinstance(dataset.preprocessor, Tokens)
    assert dataset.vocab_size == len(splits.train) + 2
    # inputs are arrays or tables
    assert (dataset.preprocessor(splits.train.inputs)[:, 0] > 1).all()  # type: ignore[arg-type]
    # inputs are arrays or tables
    assert dataset.preprocessor(splits.valid.inputs).tolist() == [[1, 0]] * len(splits.valid)  # type: ignore[arg-type]


def test_transforms_of_texts_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "text,target", *(f"word{i},{'ab'[i % 2]}" for i in range(12)))

    with pytest.raises(BuildError, match=r"^data\.transforms: they are for images, and text has none"):
        searched(section("text", path="t.csv", transforms=["RandomCrop"]), tmp_path)
