from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tests.support.data_files import section, write
from tuner import data
from tuner.config import On
from tuner.data import groups
from tuner.errors import DataError


def drawn(sizes: list[int], wanted: int, seed: int = 0) -> np.ndarray:
    rows = np.repeat(np.arange(len(sizes)), sizes)
    held = groups.chosen(rows, wanted, None, np.random.default_rng(seed))
    assert all(len(set(held[rows == group])) == 1 for group in range(len(sizes)))
    return held


def nearest(sizes: list[int], wanted: int) -> int:
    """By trying every set of groups but none and all."""
    sums = [sum(some) for count in range(1, len(sizes)) for some in combinations(sizes, count)]
    return min(abs(total - wanted) for total in sums)


@pytest.mark.parametrize("seed", range(20))
def test_the_rows_are_as_near_to_the_number_as_whole_groups_can_be(seed: int) -> None:
    chance = np.random.default_rng(seed)
    sizes = (chance.pareto(1, size=chance.integers(2, 12)) * 10 + 1).astype(int).tolist()
    wanted = int(chance.integers(1, sum(sizes)))

    held = drawn(sizes, wanted, seed)

    assert abs(int(held.sum()) - wanted) == nearest(sizes, wanted)


def test_groups_of_one_size_are_drawn_alike() -> None:
    sizes = [5] * 8
    times = np.zeros(8)

    for seed in range(800):
        times += drawn(sizes, 10, seed)[::5]

    assert times.sum() == 1600
    assert np.all(np.abs(times / 800 - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 800))


def test_so_many_groups_that_all_sums_take_too_much_memory_are_filled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "TABLE", 0)
    sizes = [*[3] * 40, 500, 2, 1]

    assert int(drawn(sizes, 50).sum()) in (49, 50)


def test_among_draws_of_one_size_the_classes_keep_their_shares() -> None:
    rows = np.repeat(np.arange(40), 10)
    classes = (np.arange(40) % 4 == 0).astype(int)[rows]  # a quarter of the groups are of class 1 throughout

    shares = [classes[groups.chosen(rows, 80, classes, np.random.default_rng(seed))].mean() for seed in range(10)]

    assert shares == [0.25] * 10


def test_a_class_keeps_a_group_to_train_on_where_the_groups_allow_it() -> None:
    rows = np.repeat(np.arange(4), [10, 11, 12, 60])
    classes = np.array([1, 0, 0, 0])[rows]

    held = groups.chosen(rows, 10, classes, np.random.default_rng(0))

    assert set(rows[held]) == {1}


def patients(folder: Path) -> Path:
    """A patient with 800 of 1,000 rows, and nine others."""
    names = [f"p{0 if i < 800 else 1 + i % 9}" for i in range(1000)]
    return write(folder / "t.csv", "patient,x,y", *(f"{name},{i * 7 % 100},{i % 2}" for i, name in enumerate(names)))


def test_a_number_of_rows_is_of_rows_and_what_it_became_is_said(tmp_path: Path) -> None:
    patients(tmp_path)
    chosen = section("csv", path="t.csv", target="y", group="patient", valid=50, test=100)

    for seed in range(5):
        search = data.for_search(chosen, str(tmp_path), seed)
        final = data.for_final(chosen, str(tmp_path), seed, On.TRAIN)
        assert search.valid is not None
        assert final.test is not None
        assert 88 <= len(final.test) <= 112  # patients of 22 and 23 rows
        assert 44 <= len(search.valid) <= 46
        told = [note for note in search.source.notes if note.startswith("data.")]
        assert len(told) == 2
        assert f"100 rows were asked for, and 4 whole groups of {len(final.test)} rows come nearest" in told[0]
        assert f"50 rows were asked for, and 2 whole groups of {len(search.valid)} rows come nearest" in told[1]


def test_a_share_is_of_rows_too(tmp_path: Path) -> None:
    patients(tmp_path)
    chosen = section("csv", path="t.csv", target="y", group="patient", valid=0.09, test=0.045)

    search = data.for_search(chosen, str(tmp_path), 0)

    assert search.valid is not None
    assert 88 <= len(search.valid) <= 91
    assert 1000 - len(search.train) - len(search.valid) in (44, 45, 46)


def test_groups_that_come_nowhere_near_are_refused(tmp_path: Path) -> None:
    patients(tmp_path)
    chosen = section("csv", path="t.csv", target="y", group="patient", valid=0.2, test=0.4)

    with pytest.raises(
        DataError, match=r"^data\.test: 1000 rows cannot be split by 0\.4: whole groups come no nearer to "
    ):
        data.for_search(chosen, str(tmp_path), 0)
    with pytest.raises(DataError, match=r"The largest of 10 has 800 rows and the smallest 22. Ask for another number"):
        data.for_search(section("csv", path="t.csv", target="y", group="patient", test=5), str(tmp_path), 0)


def test_groups_that_come_to_what_was_asked_for_need_no_word(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "g,x,y", *(f"{i // 5},{i * 7 % 100},{i % 2}" for i in range(100)))
    chosen = section("csv", path="t.csv", target="y", group="g", valid=20, test=0.2)

    search = data.for_search(chosen, str(tmp_path), 0)

    assert (len(search.train), len(search.valid or ())) == (60, 20)
    assert not [note for note in search.source.notes if note.startswith("data.")]
