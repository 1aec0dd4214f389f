from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.support.data_files import section, write
from tuner import data
from tuner.config import Component, On
from tuner.data.rows import Rows
from tuner.data.sources import bundled
from tuner.errors import DataError

DIGITS = section("digits", valid=0.2, test=0.25)
SEED = 3


def raw(rows: Rows | None) -> Tensor:
    assert rows is not None
    assert isinstance(rows.inputs, Tensor)
    return rows.inputs


def numbered(folder: Path, *labels: str) -> Path:
    """A table whose feature is the number of the row."""
    write(folder / "t.csv", "row,y", *(f"{i},{label}" for i, label in enumerate(labels)))
    return folder


def rows_of(part: Rows | None) -> set[int]:
    assert part is not None
    # inputs are arrays or tables
    return {int(row) for row in part.inputs["row"]}  # type: ignore[index,union-attr,call-overload]


def test_digits_come_in_three_splits_that_share_no_row() -> None:
    search = data.for_search(DIGITS, ".", SEED)
    final = data.for_final(DIGITS, ".", SEED, On.TRAIN)
    assert search.valid is not None
    assert final.test is not None

    assert (len(search.train), len(search.valid), len(final.test)) == (1077, 270, 450)
    everything = [row.numpy().tobytes() for part in (final.train, search.valid, final.test) for row in raw(part)]
    assert sorted(everything) == sorted(row.numpy().tobytes() for row in raw(bundled.load(base=".").pool))


def test_the_search_is_given_no_test_rows() -> None:
    assert data.for_search(DIGITS, ".", SEED).test is None


def test_final_training_on_train_sees_the_rows_of_the_search_bit_for_bit() -> None:
    search = data.for_search(DIGITS, ".", SEED)
    final = data.for_final(DIGITS, ".", SEED, On.TRAIN)

    assert torch.equal(raw(search.train), raw(final.train))
    assert torch.equal(raw(search.valid), raw(final.valid))


def test_a_fresh_draw_of_the_two_splits_leaves_the_test_rows_where_they_are(tmp_path: Path) -> None:
    folder = numbered(tmp_path, *"abcde" * 8)
    table = section("csv", path="t.csv", target="y", valid=0.25, test=0.25)
    search = data.for_search(table, str(folder), SEED)
    draws = [data.for_search(table, str(folder), SEED, draw) for draw in (1, 2, 1)]

    pool = rows_of(search.train) | rows_of(search.valid)
    assert all(rows_of(drawn.train) | rows_of(drawn.valid) == pool for drawn in draws)
    assert all(not rows_of(drawn.train) & rows_of(drawn.valid) for drawn in draws)
    assert len({frozenset(rows_of(drawn.valid)) for drawn in [search, *draws]}) == 3
    assert [len(rows_of(drawn.valid)) for drawn in draws] == [len(rows_of(search.valid))] * 3


def test_data_that_say_what_validates_are_not_drawn_anew(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import torch\n"
        "def rows():\n"
        "    part = torch.rand(20, 2), torch.arange(20) % 2\n"
        "    return {'train': part, 'valid': part}\n"
    )

    with pytest.raises(DataError, match="says itself which rows validate"):
        data.for_search(section("own.py:rows"), str(tmp_path), SEED, draw=1)


@pytest.mark.parametrize("test", [None, 6, 0.3])
def test_final_training_on_all_rows_is_on_those_of_the_search_and_on_no_test_row(
    tmp_path: Path, test: float | int | None
) -> None:
    chosen = section("csv", path="t.csv", target="y", test=test)
    numbered(tmp_path, *"ab" * 20)

    search = data.for_search(chosen, str(tmp_path), SEED)
    final = data.for_final(chosen, str(tmp_path), SEED, On.ALL)

    assert final.valid is None
    assert rows_of(final.train) == rows_of(search.train) | rows_of(search.valid)
    assert rows_of(final.train).isdisjoint(rows_of(final.test))
    assert rows_of(final.train) | rows_of(final.test) == set(range(40))


def test_the_seed_alone_decides_the_splits() -> None:
    first, again, other = (data.for_search(DIGITS, ".", seed) for seed in (0, 0, 1))

    assert torch.equal(raw(first.train), raw(again.train))
    assert not torch.equal(first.train.targets, other.train.targets)


def test_splits_are_stratified() -> None:
    valid = data.for_search(DIGITS, ".", 0).valid

    assert valid is not None
    counts = torch.bincount(valid.targets)
    assert counts.min() >= 26
    assert counts.max() <= 28


@pytest.mark.parametrize(("part", "name"), [(1797, "valid"), (5, "valid"), (0.001, "test")])
def test_rows_that_cannot_be_split_are_refused(part: float, name: str) -> None:
    parts: dict[str, float] = {"valid": 0.2, "test": 0.2, name: part}

    with pytest.raises(DataError, match=rf"^data\.{name}: "):
        data.for_search(section("digits", **parts), ".", 0)


def test_a_class_that_all_groups_keep_out_of_the_training_rows_is_refused_before_the_search(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,g,y", *(f"{i},{i % 4},{'wxyz'[i % 4]}" for i in range(80)))
    chosen = section("csv", path="t.csv", target="y", group="g", valid=0.3, test=0.25)

    with pytest.raises(DataError, match=r"^data: class \w( and \w)* is not among the rows to train on, only in the "):
        data.for_search(chosen, str(tmp_path), 0)


def test_a_class_of_one_group_is_trained_on(tmp_path: Path) -> None:
    labels = ["xy"[i * 5 % 11 % 2] for i in range(72)] + ["z"] * 4
    write(tmp_path / "t.csv", "a,g,y", *(f"{i},{'own' if y == 'z' else i % 9},{y}" for i, y in enumerate(labels)))
    chosen = section("csv", path="t.csv", target="y", group="g", valid=0.3, test=0.3)

    for seed in range(10):
        assert 2 in data.for_search(chosen, str(tmp_path), seed).train.targets


def test_training_rows_of_one_class_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import torch\ndef load():\n"
        "    x, none = torch.randn(8, 1), torch.zeros(8).long()\n"
        "    return {'train': (x, none), 'valid': (x, torch.arange(8) % 2), 'test': (x, none)}\n"
    )

    with pytest.raises(DataError, match="the rows to train on are of one class only: there is nothing to learn"):
        data.for_search(section("own.py:load"), str(tmp_path), 0)


def test_relative_paths_start_at_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbered(tmp_path, *"ab" * 10)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert len(data.for_search(section("csv", path="t.csv", target="y"), str(tmp_path), 0).train) == 12
    with pytest.raises(DataError, match="there is no file"):
        data.for_search(section("csv", path="t.csv", target="y"), ".", 0)


def test_a_dataset_that_does_not_exist_is_refused_with_a_hint() -> None:
    with pytest.raises(DataError, match=r"no dataset MNIS \(did you mean MNIST\?\): it is digits, csv, "):
        list(data.argument_faults(Component("MNIS"), "."))


@pytest.mark.parametrize(
    ("component", "faults"),
    [
        (Component("csv", {"path": "t.csv", "target": "y"}), {}),
        (Component("csv", {"path": "t.csv"}), {"": "csv needs target"}),
        (Component("digits", {"root": "x"}), {"root": "digits takes no argument root"}),
        (
            Component("text", {"path": "t", "targt": "y"}),
            {"targt": "text takes no argument targt (did you mean target?)"},
        ),
        (
            Component("ImageFolder", {"root": "x", "skip_corrupt": "no"}),
            {"skip_corrupt": "skip_corrupt is true or false"},
        ),
        (Component("wine", {"base": "x"}), {"base": "base is filled in by tuner: drop it"}),
    ],
)
def test_arguments_are_checked_before_anything_is_read(component: Component, faults: dict[str, str]) -> None:
    found = dict(data.argument_faults(component, "."))

    assert found.keys() == faults.keys()
    assert all(found[name].startswith(message) for name, message in faults.items())
