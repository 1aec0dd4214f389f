"""The small data sets beside the search spaces are what their script says."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tests.conftest import ROOT

DATA = ROOT / "search_spaces" / "data"


@pytest.fixture
def texts() -> list[dict[str, str]]:
    with (DATA / "docstrings.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_image_is_the_digit_that_its_name_says() -> None:
    bundle = load_digits()

    files = sorted((DATA / "digits").glob("*/*.png"))

    assert Counter(file.parent.name for file in files) == {str(digit): 30 for digit in range(10)}
    for file in files:
        place = int(file.stem)
        grey = np.asarray(Image.open(file))
        assert grey.dtype == np.uint8
        assert np.array_equal(np.round(grey / 255 * 16), bundle.images[place])
        assert bundle.target[place] == int(file.parent.name)


def test_the_texts_are_balanced_and_no_two_are_alike(texts: list[dict[str, str]]) -> None:
    assert Counter(row["target"] for row in texts) == {"asyncio": 300, "email": 300, "importlib": 300, "tkinter": 300}
    assert len({row["text"] for row in texts}) == 1200


def test_no_text_gives_its_target_away(texts: list[dict[str, str]]) -> None:
    assert not [row for row in texts if row["target"] in row["text"].lower()]
    assert all(30 <= len(row["text"]) <= 300 for row in texts)
