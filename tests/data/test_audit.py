from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.support.audits import COPIES, fresh, noisy, told
from tests.support.data_files import picture, section, write
from tuner import data
from tuner.config import On
from tuner.data.rows import Rows, as_bytes


def column(part: Rows) -> list[float]:
    assert isinstance(part.inputs, pd.DataFrame)
    values: list[float] = part.inputs["a"].tolist()
    return values


def test_the_test_rows_are_compared_too(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    rows = [f"{value:.6f},{'xy'[i % 2]}" for i, value in enumerate(chance.normal(size=60))]
    write(tmp_path / "t.csv", "a,y", *rows, *rows)
    chosen = section("csv", path="t.csv", target="y", valid=0.25, test=0.2)

    search = data.for_search(chosen, str(tmp_path), 0)
    final = data.for_final(chosen, str(tmp_path), 0, On.TRAIN)

    assert search.valid is not None
    assert final.test is not None
    known, valid, test = (column(part) for part in (search.train, search.valid, final.test))
    shared = [sum(value in known for value in part) for part in (valid, test)]
    note = f"{COPIES}{shared[0]} of 24 validation rows and {shared[1]} of 24 test rows"
    assert min(shared) > 0
    assert note in search.source.notes
    assert note in final.source.notes


def test_a_test_file_is_compared_in_final_training_only(tmp_path: Path) -> None:
    rows = [f"{value:.6f},{'xy'[i % 2]}" for i, value in enumerate(np.random.default_rng(0).normal(size=60))]
    write(tmp_path / "t.csv", "a,y", *rows)
    write(tmp_path / "later.csv", "a,y", *rows[:5], "0,x")
    chosen = section("csv", path="t.csv", target="y", test_path="later.csv")

    assert f"{COPIES}5 of 6 test rows" in data.for_final(chosen, str(tmp_path), 0, On.ALL).source.notes
    assert not [note for note in data.for_search(chosen, str(tmp_path), 0).source.notes if "copies" in note]


def test_streamed_images_are_compared(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for label in "ab":
        one = chance.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        for i in range(6):
            picture(tmp_path / label / f"{i}.png", one)

    notes = data.for_search(section("ImageFolder", root=str(tmp_path), loader="stream", test=2), ".", 0).source.notes

    assert f"{COPIES}3 of 3 validation rows and 2 of 2 test rows" in notes


def test_classes_without_rows_are_named() -> None:
    targets = torch.tensor([0, 2, 4, 5] * 20 + [0, 2] * 10)

    assert told(noisy(), targets, 20, list("abcdefg")) == (
        "data: 3 of 7 classes have no training row: b, d, g",
        "data: 2 of 7 classes have no validation row: e, f",
    )


def test_classes_that_differ_in_capitals_or_blanks_are_named_with_their_rows() -> None:
    assert told(noisy(), torch.arange(100) % 4, 20, ["Yes", "no", "yes", "no way"]) == (
        "data: classes that differ only in capitals or blanks; are they one word? 'Yes' (20 rows) and 'yes' (20 rows)",
    )


def test_images_of_one_shade_are_counted() -> None:
    images = torch.randint(0, 256, (50, 3, 6, 6), generator=fresh(1), dtype=torch.uint8)
    images[3] = torch.tensor([1, 2, 3], dtype=torch.uint8)[:, None, None]
    images[30] = 0

    assert told(images, torch.arange(50) % 2, 10) == ("data: 2 of 50 images are of one shade throughout",)


@pytest.mark.parametrize("kind", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_nothing_is_said_of_clean_data(kind: str) -> None:
    search = data.for_search(section(kind), ".", 0)
    assert search.valid is not None

    values = [np.asarray(part.inputs).reshape(len(part), -1) for part in (search.train, search.valid)]
    if not any((values[0] == row).all(1).any() for row in values[1]):
        assert search.source.notes == ()


def test_a_draw_is_not_audited_again() -> None:
    assert data.for_search(section("iris"), ".", 0, draw=1).source.notes == ()


@pytest.mark.parametrize("rows", [torch.arange(60).reshape(1, 60).T, torch.arange(6.0)[::6].reshape(1, 1)])
def test_the_bytes_of_rows_are_read_whatever_their_strides_are(rows: torch.Tensor) -> None:
    assert as_bytes(rows).tobytes() == rows.numpy().tobytes()
    assert as_bytes(rows[:1].T[0]).tobytes() == rows[:1].T[0].numpy().tobytes()
