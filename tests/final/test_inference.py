from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import tuner
from tests.support.data_files import picture, write
from tests.support.final_runs import (
    Runs,
    assert_told_alike,
    german_file,
)
from tuner.data.rows import read
from tuner.errors import UnseenWords, UsageError
from tuner.goal import Task


def test_a_table_is_predicted_as_its_test_rows_were(runs: Runs, tmp_path: Path) -> None:
    run = runs("table")
    lines = (run.folder.parent / "t.csv").read_text().splitlines()
    frame = read(run.rows.inputs)
    write(tmp_path / "new.csv", lines[0], *(lines[i + 1] for i in frame.index))

    table = tuner.predict(run.folder, tmp_path / "new.csv")

    assert run.dataset.classes == ("no", "yes")
    assert table["row"].tolist() == list(range(1, len(frame) + 1))
    assert_told_alike(table, run)


@pytest.mark.filterwarnings("ignore::tuner.errors.UnseenWords")  # code x is new to the model
def test_columns_may_stand_in_any_order_and_the_target_need_not_be_there(runs: Runs, tmp_path: Path) -> None:
    run = runs("table")
    write(tmp_path / "one.csv", "age;code;member;bought", "30;007;True;no", ";x;False;yes")
    write(tmp_path / "other.csv", "extra;member;code;age", "9;TRUE;007;30.0", "9;FALSE;x;?")

    one, other = (tuner.predict(run.folder, tmp_path / name) for name in ("one.csv", "other.csv"))

    pd.testing.assert_frame_equal(one.drop(columns="bought"), other.drop(columns="extra"))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_columns_that_are_no_features_are_kept_as_they_are_written(runs: Runs, tmp_path: Path, ending: str) -> None:
    rows = [
        {"id": "007", "age": "30", "note": "NA", "code": "A1", "prediction": "old", "member": "True"},
        {"id": "1e5", "age": "?", "note": " a, b", "code": "007", "prediction": "", "member": "False"},
        {"id": "", "age": "50", "note": "None", "code": "", "prediction": "x", "member": "True"},
    ]
    file = tmp_path / f"new.{ending}"
    if ending == "csv":
        write(file, ";".join(rows[0]), *(";".join(row.values()) for row in rows))
    else:
        typed = [{**row, "age": None if row["age"] == "?" else int(row["age"])} for row in rows]
        file.write_text("\n".join(json.dumps({**row, "member": row["member"] == "True"}) for row in typed))

    table = tuner.predict(runs("table").folder, file, tmp_path / "out.csv")

    kept = ["id", "note", "prediction_input"]
    assert list(table.columns) == ["row", *kept, "prediction", "probability_no", "probability_yes"]
    wanted = [[row["id"], row["note"], row["prediction"]] for row in rows]
    found = [[str(value).lstrip() for value in row] for row in table[kept].to_numpy().tolist()]
    assert found == [[value.lstrip() for value in row] for row in wanted]
    assert set(table["prediction"]) <= {"no", "yes"}
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert written["id"].tolist() == ["007", "1e5", ""]


def test_columns_beside_a_text_are_kept(runs: Runs, tmp_path: Path) -> None:
    write(tmp_path / "new.csv", "id,review,stars", '01,"bad, bad film",?', "02,fine,4.5")

    table = tuner.predict(runs("text").folder, tmp_path / "new.csv")

    assert table["text"].tolist() == ["bad, bad film", "fine"]
    assert table[["id", "stars"]].to_numpy().tolist() == [["01", "?"], ["02", "4.5"]]
    assert set(table["prediction"]) <= {"1", "4.5"}


def test_a_model_says_labels_and_a_regression_has_none(runs: Runs) -> None:
    run = runs("digits")
    model = tuner.load_model(run.folder)

    assert model.labels(read(run.rows.inputs)) == [run.dataset.classes[i] for i in run.outputs.argmax(1)]
    with pytest.raises(UsageError, match="a regression has no classes"):
        tuner.load_model(runs("line").folder).labels(torch.zeros(1, 2))


def test_a_word_that_looks_like_a_number_is_the_word_that_was_trained_on(runs: Runs, tmp_path: Path) -> None:
    run = runs("table")
    write(tmp_path / "alone.csv", "age;code;member", "30;007;True")
    write(tmp_path / "among.csv", "age;code;member", "30;007;True", "40;A1;True")

    alone, among = (tuner.predict(run.folder, tmp_path / name) for name in ("alone.csv", "among.csv"))

    assert alone["probability_yes"][0] == pytest.approx(among["probability_yes"][0], abs=1e-6)
    frame = pd.DataFrame({"age": [30.0], "code": ["007"], "member": [True]})
    unseen = frame.assign(code="7")
    features = tuner.load_model(run.folder).preprocessor
    assert not torch.equal(features(frame), features(unseen))


def test_words_that_were_not_trained_on_are_told(runs: Runs, tmp_path: Path) -> None:
    run = runs("shares")
    write(tmp_path / "n.csv", "share,member", *(f"{i}%,{int(i < 7)}" for i in range(10)))
    write(tmp_path / "ok.csv", "share,member", *(f"{i}%,{i % 2 == 0}" for i in range(10)), "3%,", "4%,perhaps")

    with pytest.warns(UnseenWords, match=r"n\.csv: column member: 10 of 10 words, such as '1', were not in the rows"):
        tuner.predict(run.folder, tmp_path / "n.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnseenWords)
        tuner.predict(run.folder, tmp_path / "ok.csv")


def test_texts_are_predicted_as_their_test_rows_were(runs: Runs, tmp_path: Path) -> None:
    run = runs("text")
    texts = list(read(run.rows.inputs))
    pd.DataFrame({"review": texts}).to_csv(tmp_path / "new.csv", index=False)
    pd.DataFrame({"review": texts}).to_json(tmp_path / "new.jsonl", orient="records", lines=True)
    write(tmp_path / "new.txt", *texts)

    for name in ("new.csv", "new.jsonl", "new.txt"):
        table = tuner.predict(run.folder, tmp_path / name)

        assert run.dataset.classes == ("1", "4.5")
        assert table["text"].tolist() == texts
        assert_told_alike(table, run)


def test_images_are_predicted_as_their_test_rows_were(runs: Runs, tmp_path: Path) -> None:
    run = runs("images")
    every = tuner.predict(run.folder, run.folder.parent / "pets").set_index("file")
    files = run.rows.inputs
    model = tuner.load_model(run.folder)

    wanted = model.probabilities(read(files))

    assert len(every) == 16
    told = every[["probability_cat", "probability_dog"]].to_numpy()
    for chances in wanted.numpy():
        assert np.abs(told - chances).max(axis=1).min() < 1e-6
    assert torch.allclose(wanted, torch.softmax(run.outputs, 1), atol=1e-6)


def test_a_table_is_read_for_prediction_by_the_keys_that_it_was_trained_with(runs: Runs, tmp_path: Path) -> None:
    run = runs("german")
    assert isinstance(run.rows.inputs, pd.DataFrame)
    german_file(tmp_path / "new.csv", run.rows.inputs.index)

    assert run.rows.inputs["column1"].between(1000.5, 7059.5).all()
    assert run.dataset.classes == ("None", "ja")
    assert_told_alike(tuner.predict(run.folder, tmp_path / "new.csv"), run)


def test_images_of_own_numbers_are_predicted_by_them(runs: Runs, tmp_path: Path) -> None:
    run = runs("heights")
    assert isinstance(run.rows.inputs, torch.Tensor)
    for i, pixels in enumerate(run.rows.inputs.numpy()):
        picture(tmp_path / f"{i}.tiff", pixels[0])

    assert run.rows.inputs.min() < -1000
    assert_told_alike(tuner.predict(run.folder, tmp_path), run)


def test_one_image_is_predicted_as_it_is_in_its_folder(runs: Runs) -> None:
    run = runs("images")
    folder = run.folder.parent / "pets"

    one = tuner.predict(run.folder, folder / "dog" / "3.png")
    every = tuner.predict(run.folder, folder)

    same = every[every["file"] == str(folder / "dog" / "3.png")].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, same, atol=1e-6)


def test_digits_drawn_into_files_are_predicted_as_their_test_rows_were(runs: Runs, tmp_path: Path) -> None:
    run = runs("digits")
    pixels = read(run.rows.inputs)
    for i, digit in enumerate(pixels):
        grey = (digit[0].numpy() / 16 * 255).round().astype(np.uint8)
        Image.fromarray(grey).convert("RGB").save(tmp_path / f"{i:04}.png")

    table = tuner.predict(run.folder, tmp_path)

    assert table["file"].tolist() == [str(tmp_path / f"{i:04}.png") for i in range(len(pixels))]
    assert_told_alike(table, run)


def test_numbers_are_predicted_as_their_test_rows_were(runs: Runs, tmp_path: Path) -> None:
    run = runs("line")
    pd.DataFrame(read(run.rows.inputs).numpy(), columns=["x1", "x2"]).to_csv(tmp_path / "new.csv", index=False)

    table = tuner.predict(run.folder, tmp_path / "new.csv")

    assert run.dataset.task is Task.REGRESSION
    assert list(table.columns) == ["row", "prediction"]
    assert np.allclose(table["prediction"].to_numpy(), run.dataset.in_units(run.outputs).numpy().ravel(), atol=1e-5)


def test_predictions_are_written_as_they_are_returned(runs: Runs, tmp_path: Path) -> None:
    write(tmp_path / "new.csv", "age;code;member", "30;A1;True")

    table = tuner.predict(runs("table").folder, tmp_path / "new.csv", tmp_path / "out.csv")

    written = pd.read_csv(tmp_path / "out.csv")
    pd.testing.assert_frame_equal(written, table, check_dtype=False, atol=1e-6)
