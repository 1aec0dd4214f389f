from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tuner.data.sources import synthetic
from tuner.errors import DataError
from tuner.goal import Task


@pytest.mark.parametrize("features", [1, 3])
def test_the_line_and_the_noise_are_as_promised(features: int) -> None:
    source = synthetic.load(base=".", rows=20_000, features=features, noise=0.5)

    inputs, targets = np.asarray(source.pool.inputs), source.pool.targets.numpy().ravel()
    design = np.column_stack([inputs, np.ones(len(inputs))])
    weights, *_ = np.linalg.lstsq(design, targets, rcond=None)
    assert source.task is Task.REGRESSION
    assert np.allclose(weights, [2.0] * features + [1.0], atol=0.02)
    assert np.std(targets - design @ weights) == pytest.approx(0.5, rel=0.02)
    assert np.allclose([inputs.mean(), inputs.std()], [0, 1], atol=0.03)


def test_the_seed_draws_the_rows() -> None:
    first, again, other = (synthetic.load(base=".", rows=50, seed=seed).pool.targets for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rows": 1}, r"^data\.rows: is a whole number of at least 2, not 1$"),
        ({"rows": 10.5}, r"^data\.rows: is a whole number"),
        ({"rows": "many"}, r"^data\.rows: is a whole number"),
        ({"features": 0}, r"^data\.features: is a whole number of at least 1, not 0$"),
        ({"seed": "x"}, r"^data\.seed: is a whole number"),
        ({"noise": -1}, r"^data\.noise: is a number of at least 0, not -1$"),
        ({"noise": float("nan")}, r"^data\.noise: is a number"),
    ],
)
def test_numbers_that_make_no_rows_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        synthetic.load(base=".", **given)
