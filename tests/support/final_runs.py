"""Run folders of `tuner train`, one for each kind of data, and what their models gave for the test rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import tuner
from tests.support.data_files import pets, picture, write
from tuner import data
from tuner.config import On
from tuner.data import Dataset
from tuner.data.rows import Rows
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


@pytest.fixture(scope="session")
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
