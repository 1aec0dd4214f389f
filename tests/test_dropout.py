from __future__ import annotations

import pytest
import torch

from tuner import dropout
from tuner.dropout import Dropout


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("size", [(4000, 25), (3333, 31)])
def test_of_the_numbers_a_share_is_dropped_and_the_mean_is_kept(rate: float, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    outputs = Dropout(rate)(torch.ones(size))

    off = 4 * (rate * (1 - rate) / outputs.numel()) ** 0.5  # a chance in some ten thousands
    assert float((outputs == 0).float().mean()) == pytest.approx(rate, abs=off)
    assert float(outputs.mean()) == pytest.approx(1, abs=off / (1 - rate))
    assert len(outputs.unique()) == 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_numbers_keep_their_type_as_in_torch(dtype: torch.dtype) -> None:
    outputs = Dropout(0.3)(torch.ones(1000, dtype=dtype))

    assert outputs.dtype is dtype
    torchs = torch.nn.Dropout(0.3)(torch.ones(1000, dtype=dtype))
    assert float(outputs.max()) == pytest.approx(float(torchs.max()), rel=1 / dropout.LEVELS)


def test_gradients_are_dropped_where_numbers_are() -> None:
    inputs = torch.ones(1000, requires_grad=True)
    outputs = Dropout(0.5)(inputs)

    (gradient,) = torch.autograd.grad(outputs.sum(), inputs)

    assert torch.equal(gradient, outputs.detach())


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_where_nothing_is_left_to_chance_nothing_is_drawn(rate: float) -> None:
    before = torch.get_rng_state()

    outputs = Dropout(rate)(torch.ones(10))

    assert torch.equal(outputs, torch.full((10,), 1 - rate))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_that_is_scored_drops_nothing() -> None:
    inputs = torch.randn(10)

    assert torch.equal(Dropout(0.5).eval()(inputs), inputs)
