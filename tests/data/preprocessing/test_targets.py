from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.support.data_files import batches, scored, searched, section
from tuner.data import Dataset
from tuner.data.preprocessing.targets import refuse_lost
from tuner.errors import DataError

CHANCE = np.random.default_rng(0)
ROWS = CHANCE.normal(size=(60, 2))
VALUES = 10 * ROWS[:, 0] + CHANCE.normal(size=60)
FAR = {"unix": (1.7e9, 1.0), "nanoseconds": (1.7e18, 1e9), "tiny": (0.0, 1e-30), "huge": (0.0, 1e30)}


def of_csv(folder: Path, shift: float, factor: float) -> Dataset:
    frame = pd.DataFrame(ROWS * factor + shift, columns=["a", "b"]).assign(y=VALUES * factor + shift)
    frame.to_csv(folder / f"{shift}{factor}.csv", index=False, float_format="%.17g")
    return searched(section("csv", path=f"{shift}{factor}.csv", target="y"), folder)


def of_arrays(folder: Path, shift: float, factor: float) -> Dataset:
    np.savez(folder / f"{shift}{factor}.npz", x=ROWS * factor + shift, y=VALUES * factor + shift)
    code = "import numpy\n\n\ndef load(path):\n    kept = numpy.load(path)\n    return kept['x'], kept['y']\n"
    (folder / "own.py").write_text(code)
    return searched(section("own.py:load", path=str(folder / f"{shift}{factor}.npz")), folder)


@pytest.mark.parametrize("place", FAR)
@pytest.mark.parametrize("made", [of_csv, of_arrays])
def test_numbers_far_from_0_and_1_are_trained_on_as_near_ones_are(tmp_path: Path, place: str, made: object) -> None:
    assert callable(made)
    near, far = made(tmp_path, 0.0, 1.0), made(tmp_path, *FAR[place])

    for one, other in zip((*batches(near), scored(near)), (*batches(far), scored(far)), strict=True):
        assert (one.dtype, other.dtype) == (torch.float32, torch.float32)
        assert torch.allclose(one, other, atol=1e-4)


def test_whole_numbers_beyond_float32_keep_their_digits(tmp_path: Path) -> None:
    code = (
        "import numpy\n\n\ndef load():\n"
        "    x = 1_700_000_000_000 + numpy.arange(40)\n    return x, x.astype(float) * 2\n"
    )
    (tmp_path / "own.py").write_text(code)

    dataset = searched(section("own.py:load"), tmp_path)

    inputs, targets = batches(dataset)
    assert len(set(inputs.ravel().tolist())) == len(dataset.train)
    assert torch.allclose(inputs, targets)


def test_targets_keep_their_units_in_float64(tmp_path: Path) -> None:
    dataset = of_csv(tmp_path, 1.7e9, 1.0)

    given = set((VALUES + 1.7e9).tolist())
    assert set(dataset.train.targets.ravel().tolist()) <= given
    assert torch.allclose(dataset.in_units(batches(dataset)[1]), dataset.train.targets, rtol=0, atol=1e-5)


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1)


@pytest.mark.parametrize(
    ("train", "others", "message"),
    [
        (column(*range(1, 10), 1e30), {}, r"^data: 8 of 10 different targets of the training split become equal in"),
        (
            column(0, *(1.7e9 + 0.1 * np.arange(50))),
            {},
            r"of 51 different targets of the training split become equal in float32\. The training .* of 2.3.e\+08",
        ),
        (
            column(0, 1e12),
            {"validation": column(1, 2, 3, 4)},
            r"^data: 3 of 4 different targets of the validation split",
        ),
        (torch.cat([column(1, 2, 3), column(1, 2, 1e20)], 1), {}, r"^data: 1 of 3 different targets in column 1 of"),
        (column(5, 5, 5), {"validation": column(5, 6)}, r"^data: all rows to train on have one target, 5"),
        (column(1e200, 2e200, 5e200), {}, r"^data: the targets reach from 1e\+200 to 5e\+200, whose squared errors"),
        (column(1e-160, 2e-160, 5e-160), {}, r"multiply them by a constant$"),
        (column(1e-200, 2e-200, 5e-200), {}, r"multiply them by a constant$"),
        (column(1e-310, 2e-310, 5e-310), {}, r"multiply them by a constant$"),
    ],
)
def test_targets_that_float32_would_lose_are_refused(
    train: torch.Tensor, others: dict[str, torch.Tensor], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        refuse_lost(train, others)


@pytest.mark.parametrize(
    "train",
    [
        column(*(1.7e9 + 1e-3 * np.arange(50))),
        column(0.1 + 0.2, 0.3, 0.5, 0.25 + 0.25, 1 / 3, 1 - 2 / 3),
        torch.randn(500_000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
        column(0, 0, 0, 0, 1e9),
    ],
    ids=["near each other", "rounded", "many", "repeated"],
)
def test_targets_that_differ_by_rounding_or_chance_alone_are_taken(train: torch.Tensor) -> None:
    refuse_lost(train, {"validation": train})
