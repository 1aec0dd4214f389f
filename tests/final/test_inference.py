from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import tuner
from tests.support.data_files import pets, picture, write
from tuner import data
from tuner.config import On
from tuner.data import Dataset
from tuner.data.rows import Rows, read
from tuner.errors import DataError, UnseenWords, UsageError
from tuner.goal import Task
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import outputs_of

HEAD = "study: {seed: 2}\noptimizer: {type: Adam, lr: 0.01}\ntraining: {epochs: 2}\n"
SPACES = {
    "table": "data: {type: csv, path: t.csv, target: bought, separator: ';', missing: ['?'], batch_size: 8}\n"
    "model: {type: MLP, hidden: [8]}\n",
    "text": "data: {type: text, path: x.csv, text: review, target: stars, task: classification, batch_size: 8,"
    " tokenizer: {type: word, length: 4}}\nmodel: {type: RNN, hidden_size: 8}\n",
    "images": "data: {type: ImageFolder, root: pets, image_size: [6, 5], test: 4, batch_size: 4,"
    " transforms: [RandomHorizontalFlip]}\nmodel: {type: CNN, channels: [4]}\n",
    "german": "data: {type: csv, path: g.csv, target: column3, separator: ';', decimal: ',', thousands: '.',"
    " encoding: cp1252, header: false, keep_na: true, batch_size: 8}\nmodel: {type: MLP, hidden: [8]}\n",
    "heights": "data: {type: ImageFolder, root: heights, test: 4, batch_size: 4}\nmodel: {type: CNN, channels: [4]}\n",
    "digits": "data: {type: digits, batch_size: 64}\nmodel: {type: CNN, channels: [4]}\n",
    "shares": "data: {type: csv, path: s.csv, target: y, batch_size: 8}\nmodel: {type: MLP, hidden: [8]}\n",
    "line": "data: {type: synthetic_regression, rows: 60, features: 2, batch_size: 8}\nmodel: {type: Linear}\n",
    "ids": "data: {type: 'own.py:load', batch_size: 4}\nmodel: {type: RNN, hidden_size: 4}\n",
}
OWN = (
    "import torch\ndef load():\n"
    "    return {'train': (torch.arange(40).reshape(20, 2) % 9, torch.arange(20) % 2), 'vocab_size': 9}\n"
)


@dataclass(frozen=True, slots=True)
class Trained:
    """A run folder, the rows that its model was tested on, and what it gave for them then."""

    folder: Path
    rows: Rows
    dataset: Dataset
    outputs: torch.Tensor


Runs = Callable[[str], Trained]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A run folder of each kind, trained when it is first asked for."""
    base = tmp_path_factory.mktemp("base")
    table_file(base / "t.csv")
    words = ["good film", "bad, bad film", "007", "fine"]
    write(base / "x.csv", "review,stars", *(f'"{words[i % 4]}",{"4.5" if i % 4 in (0, 3) else 1}' for i in range(40)))
    pets(base / "pets", each=8)
    (base / "own.py").write_text(OWN)
    german_file(base / "g.csv", range(60))
    write(
        base / "s.csv",
        "share,member,y",
        *(f"{i * 37 % 100}%,{i % 3 == 0},{'ab'[i * 37 % 100 > 50]}" for i in range(60)),
    )
    chance = np.random.default_rng(0)
    for i in range(16):
        picture(base / "heights" / "ab"[i % 2] / f"{i}.tiff", chance.normal(0, 1000, (8, 8)).astype(np.float32))
    made: dict[str, Trained] = {}

    def trained(kind: str) -> Trained:
        if kind not in made:
            made[kind] = _trained(kind, base)
        return made[kind]

    return trained


def table_file(file: Path) -> None:
    """Numbers with gaps, words that look like numbers, words with gaps, and what is true or false."""
    lines = []
    for i in range(60):
        age = "?" if i % 7 == 0 else str(20 + i * 13 % 50)
        lines.append(f"{age};{('007', 'A1', '')[i % 3]};{i % 2 == 0};{('yes', 'no')[i * 7 % 5 % 2]}")
    write(file, "age;code;member;bought", *lines)


def german_file(file: Path, rows: Iterable[int]) -> None:
    """Numbers as Germans write them, letters with dots, the word None as a class, and no header."""
    lines = [f"{1 + i % 7}.{i:03},5;{('süß', 'NA')[i % 2]};{('None', 'ja')[i * 7 % 5 % 2]}\n" for i in rows]
    file.write_bytes("".join(lines).encode("cp1252"))


def _trained(kind: str, base: Path) -> Trained:
    space = Space.parse(HEAD + SPACES[kind], base=base)
    folder = base / f"run-{kind}"
    tuner.train(space, folder)
    config = space.resolve(Corner(False, {}))
    splits = data.for_final(config.data, config.base, 2, On.ALL)
    dataset = data.prepare(splits, config.data, torch.device("cpu"))
    assert splits.test is not None
    assert dataset.test is not None
    return Trained(folder, splits.test, dataset, outputs_of(tuner.load_model(folder).model, dataset.test, dataset))


def assert_told_alike(table: pd.DataFrame, run: Trained) -> None:
    """The table says of the test rows what the model gave for them."""
    classes = run.dataset.classes
    chances = torch.softmax(run.outputs, 1).numpy()
    assert [name for name in table.columns if name.startswith("probability")] == [f"probability_{c}" for c in classes]
    assert np.allclose(table[[f"probability_{name}" for name in classes]].to_numpy(), chances, atol=1e-6)
    assert table["prediction"].tolist() == [classes[i] for i in chances.argmax(1)]


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


@pytest.mark.parametrize(
    ("kind", "name", "content", "message"),
    [
        ("table", "n.csv", "age;code\n1;a\n", r"n\.csv: there is no column member: it has age and code$"),
        ("table", "n.csv", "age,code,member\n1,a,True\n", r"there is no column age.*; is data\.separator right\?"),
        ("table", "n.csv", "age;code;member\n1;a;True\nold;a;True\n", r"n\.csv: row 2: column age is of numbers, but"),
        ("table", "n.csv", "age;code;member\ninf;a;True\n", r"n\.csv: row 1: column age is infinite here"),
        ("table", "n.csv", "age;code;member\n", "there is nothing to predict"),
        ("table", "n.csv", "", r"n\.csv cannot be read: No columns"),
        (
            "shares",
            "n.csv",
            "share,member\n0.5,True\n",
            "column share has no sign, and the sign % in the rows to train on",
        ),
        ("shares", "n.csv", "share,member\n$5,True\n", r"column share has the sign \$, and the sign % in the rows"),
        ("text", "n.csv", "text\nx\n", r"n\.csv: there is no column review: it has text$"),
        ("text", "n.csv", "review\n", "there is nothing to predict"),
        ("text", "n.txt", "", "there is nothing to predict"),
        ("text", "n.txt", b"\xff\xfe\x00", r"n\.txt cannot be read as text"),
        ("images", "n.csv", "a\n1\n", r"n\.csv is not an image that can be read"),
        ("images", "n.png", b"no image", r"n\.png is not an image that can be read"),
        ("line", "n.csv", "a\n1\n", r"n\.csv has 1 columns, where the model takes 2$"),
        ("line", "n.csv", "a,b\n1,2\n1,x\n", r"n\.csv: row 2: column b is of numbers, but has 'x'"),
        ("line", "n.csv", "a,b\n1,2\n1,\n", r"n\.csv: row 2: a value is missing"),
        ("line", "n.csv", "a,b\n", "there is nothing to predict"),
        ("ids", "n.csv", "a,b\n1,2\n", "was trained on token ids of your own code"),
    ],
)
def test_inputs_that_are_not_such_as_were_trained_on_are_refused(
    runs: Runs, tmp_path: Path, kind: str, name: str, content: str | bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UsageError, match=message):
        tuner.predict(runs(kind).folder, tmp_path / name, tmp_path / "out.csv")

    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("table", "cannot be read: .*Is a directory"),
        ("text", "cannot be read as text: .*Is a directory"),
        ("images", r"has no image \(\.jpg"),
        ("line", "cannot be read: .*Is a directory"),
    ],
)
def test_an_empty_folder_is_refused(runs: Runs, tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tuner.predict(runs(kind).folder, tmp_path)


def test_a_corrupt_image_in_a_folder_is_named(runs: Runs, tmp_path: Path) -> None:
    pets(tmp_path / "new", each=2)
    (tmp_path / "new" / "dog" / "1.png").write_bytes(b"no image")

    with pytest.raises(DataError, match=r"new/dog/1\.png is not an image that can be read"):
        tuner.predict(runs("images").folder, tmp_path / "new")


def test_an_input_that_is_not_there_is_said(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv: there is no such file or folder"):
        tuner.predict(runs("line").folder, tmp_path / "nowhere.csv")


def test_a_folder_that_is_no_run_folder_is_refused(runs: Runs, tmp_path: Path) -> None:
    write(tmp_path / "new.csv", "a,b", "1,2")
    shutil.copytree(runs("line").folder, tmp_path / "run")
    (tmp_path / "run" / "preprocessing.json").unlink()

    for folder in (tmp_path, tmp_path / "run", tmp_path / "nowhere"):
        with pytest.raises(UsageError, match=r"is no run folder of `tuner train` with a model: .*: No such file"):
            tuner.predict(folder, tmp_path / "new.csv")


def test_the_input_is_not_written_over(runs: Runs, tmp_path: Path) -> None:
    write(tmp_path / "rows.csv", "x", "1.5")

    with pytest.raises(UsageError, match="was not written by this command"):
        tuner.predict(runs("line").folder, tmp_path / "rows.csv", tmp_path / "rows.csv")

    assert (tmp_path / "rows.csv").read_text().splitlines()[0] == "x"
