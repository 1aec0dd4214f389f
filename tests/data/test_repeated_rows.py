from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.support.audits import COPIES, fresh, noisy, told
from tests.support.data_files import section, write
from tuner import data
from tuner.config import On


@pytest.mark.parametrize("width", [3, 300])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int16])
def test_copies_of_training_rows_are_counted(width: int, dtype: torch.dtype) -> None:
    inputs = (noisy(100, width) * 1000).to(dtype)
    inputs[80:87] = inputs[:7]
    targets = torch.arange(100) % 2
    targets[80:87] = targets[:7]

    assert told(inputs, targets, 20) == (f"{COPIES}7 of 20 validation rows",)


def test_copies_are_counted_in_tables_texts_and_images() -> None:
    codes = np.random.default_rng(0).permutation(100)
    codes[90:] = codes[:10]
    targets = torch.from_numpy(codes % 2)
    table = pd.DataFrame({"a": codes * 1.5, "b": [f"word{code % 7}" for code in codes]})
    texts = np.array([f"text {code}" for code in codes], dtype=object)
    images = torch.from_numpy(codes).to(torch.uint8)[:, None, None, None] + torch.arange(9).to(torch.uint8).view(
        1, 1, 3, 3
    )

    for inputs in (table, texts, images):
        assert told(inputs, targets, 10) == (f"{COPIES}10 of 10 validation rows",)


def test_missing_values_in_the_same_places_are_the_same() -> None:
    once = [(None if i % 3 else i * 1.5, None if i % 4 == 0 else f"word{i}") for i in range(15)]
    table = pd.DataFrame(once * 2, columns=["a", "b"])

    notes = told(table, torch.arange(30) % 15 % 2, 6)

    assert f"{COPIES}6 of 6 validation rows" in notes


def test_equal_rows_of_different_classes_are_counted() -> None:
    inputs, targets = noisy(), torch.arange(100) % 2
    inputs[10:13] = inputs[0]

    assert told(inputs, targets, 20) == (
        "data: 4 of 100 rows have the inputs of a row of another class: no model is right in both",
    )
    assert told(inputs, targets.float()[:, None], 20) == ()


def test_whole_numbers_in_one_file_equal_those_in_another(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).permutation(60)
    rows = [f"{number},{number * 7 % 60},{'xy'[number % 2]}" for number in numbers]
    write(tmp_path / "t.csv", "a,b,y", *rows, "0.5,,x")
    write(tmp_path / "later.csv", "a,b,y", *rows[:5])
    chosen = section("csv", path="t.csv", target="y", test_path="later.csv")

    assert f"{COPIES}5 of 5 test rows" in data.for_final(chosen, str(tmp_path), 0, On.ALL).source.notes


def test_rows_of_a_few_words_repeat_by_nature() -> None:
    chance = np.random.default_rng(0)
    table = pd.DataFrame({"a": chance.choice(list("abc"), 300), "b": chance.choice(list("de"), 300), "c": 1})
    numbers = torch.randint(0, 2, (300, 5), generator=fresh(1))
    targets = torch.arange(300) % 2

    for inputs in (table, table[["a"]], numbers):
        assert told(inputs, targets, 60) == ()
    assert told(pd.concat([table] * 2).assign(d=[*range(300)] * 2), torch.cat([targets] * 2), 300) == (
        f"{COPIES}300 of 300 validation rows",
    )


CHANGES = {
    "float32": lambda numbers: numbers.astype(np.float32).astype(float),
    "noise": lambda numbers: numbers + 1e-12,
    "text": lambda numbers: numbers.round(7),
}


@pytest.mark.parametrize("change", CHANGES)
def test_copies_that_lost_their_last_digits_are_copies(change: str) -> None:
    numbers = np.random.default_rng(0).normal(size=(200, 3))
    copied = np.concatenate([numbers, CHANGES[change](numbers[:50])])

    notes = told(pd.DataFrame(copied, columns=list("abc")), torch.arange(250) % 2, 50)

    counts = [int(note.removeprefix(COPIES).split()[0]) for note in notes if note.startswith(COPIES)]
    assert len(counts) == 1
    assert 40 <= counts[0] <= 50


def test_minus_zero_is_zero() -> None:
    inputs = noisy()
    inputs[:, 0] = 0.0
    inputs[80:87] = inputs[:7]
    inputs[80:87, 0] = -0.0

    assert told(inputs, torch.arange(100) % 7 % 2, 20)[0] == f"{COPIES}7 of 20 validation rows"


def natural(kind: str, chance: np.random.Generator, rows: int) -> tuple[pd.DataFrame, torch.Tensor]:
    """Rows that repeat, and of which none is a copy."""
    targets = chance.integers(0, 2, rows)
    if kind == "one-hot":
        words = pd.DataFrame({name: chance.integers(0, 4, rows) for name in "abc"}).astype(str)
        return pd.get_dummies(words).astype(int), torch.from_numpy(targets)
    if kind == "counts":
        return pd.DataFrame(chance.poisson(1, (rows, 5))), torch.from_numpy(targets)
    if kind == "persons":
        ages = np.where(chance.random(rows) < 0.2, np.nan, chance.integers(1, 80, rows))
        facts = {"class": chance.integers(1, 4, rows), "age": ages, "sex": chance.choice(["m", "f"], rows)}
        return pd.DataFrame(facts).assign(others=chance.poisson(0.5, rows)), torch.from_numpy(targets)
    grades = chance.poisson(0.3 + 3 * targets[:, None], (rows, 6)).clip(0, 9)  # of a tissue: mostly none, or several
    return pd.DataFrame(grades), torch.from_numpy(targets)


@pytest.mark.parametrize("kind", ["one-hot", "counts", "persons", "grades"])
@pytest.mark.parametrize("seed", range(3))
def test_rows_of_few_values_repeat_by_nature(kind: str, seed: int) -> None:
    table, targets = natural(kind, np.random.default_rng(seed), 400)

    assert told(table, targets, 80) == ()


@pytest.mark.parametrize("kind", ["persons", "grades"])
def test_copies_are_found_among_rows_of_few_values_that_a_column_tells_apart(kind: str) -> None:
    chance = np.random.default_rng(0)
    table, targets = natural(kind, chance, 320)
    table = table.assign(weight=chance.normal(60, 9, 320).round(3))
    copied = pd.concat([table, table[:80]], ignore_index=True)

    assert f"{COPIES}80 of 80 validation rows" in told(copied, torch.cat([targets, targets[:80]]), 80)


def test_a_few_of_many_numbers_are_equal_by_chance() -> None:
    inputs = torch.rand(50_000, 1, generator=fresh())
    assert len(np.unique(inputs.numpy())) < len(inputs)

    assert told(inputs, torch.rand(50_000, 1, generator=fresh(1)), 10_000) == ()


def test_whole_numbers_that_differ_in_their_last_digits_are_no_copies() -> None:
    numbers = 3 * 10**18 + np.random.default_rng(0).permutation(100)
    assert len(set(numbers.astype(np.float64))) == 1
    numbers[95:] = numbers[:5]
    targets = torch.from_numpy(numbers % 2)

    notes = told(pd.DataFrame({"a": numbers, "b": 1.5}), targets, 20)

    assert notes == (f"{COPIES}5 of 20 validation rows",)


def test_a_frame_of_one_column_is_compared_row_by_row(tmp_path: Path) -> None:
    body = "    frame = pd.DataFrame({'a': [*range(30)] * 2, 'y': [0, 1] * 30})\n    return frame[['a']], frame.y\n"
    (tmp_path / "own.py").write_text(f"import pandas as pd\n\n\ndef load():\n{body}")

    splits = data.for_search(section("own.py:load", test=0.2), str(tmp_path), 0)

    assert any("copies of training rows" in note for note in splits.source.notes)
