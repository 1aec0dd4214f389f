from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tuner.data.preprocessing import standardize
from tuner.data.preprocessing.standardize import Scale, chunks_of


@pytest.mark.parametrize(
    ("shape", "axes", "kept"),
    [
        ((50, 4), (0,), (4,)),
        ((50, 7, 4), (0, 1), (4,)),
        ((50, 3, 5, 6), (0, 2, 3), (3, 1, 1)),
        ((20, 3, 4, 5, 6), (0, 2, 3, 4), (3, 1, 1, 1)),
    ],
)
def test_features_of_tables_and_sequences_and_channels_of_images_have_a_scale_each(
    shape: tuple[int, ...], axes: tuple[int, ...], kept: tuple[int, ...]
) -> None:
    rows = np.random.default_rng(0).normal(3, 2, shape).astype(np.float32)

    fitted = Scale.fit([torch.from_numpy(rows)])

    assert fitted.mean.shape == kept
    assert np.allclose(fitted.mean.numpy().ravel(), rows.astype(np.float64).mean(axes), atol=1e-6)
    assert np.allclose(fitted.std.numpy().ravel(), rows.astype(np.float64).std(axes), atol=1e-6)
    expected = (rows - fitted.mean.numpy()) / fitted.std.numpy()
    assert np.allclose(fitted(torch.from_numpy(rows)).numpy(), expected, atol=1e-6)


def test_chunks_tell_the_same_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) * 1e-3 + 1e4
    monkeypatch.setattr(standardize, "CHUNK", 7)

    whole, parts = Scale.fit([rows]), Scale.fit(chunks_of(rows))

    assert len(list(chunks_of(rows))) == 143
    assert torch.allclose(whole.std, parts.std, rtol=1e-6)
    assert torch.allclose(whole.std.double(), rows.double().std(0, correction=0), rtol=1e-6)


def test_whole_numbers_have_a_scale_too() -> None:
    fitted = Scale.fit([torch.tensor([[0], [255]], dtype=torch.uint8)])

    assert fitted(torch.tensor([[255]], dtype=torch.uint8)).tolist() == [[1.0]]
    assert fitted(torch.tensor([[255.0]], dtype=torch.float64)).dtype is torch.float32


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1e10, -1e-10])
def test_a_constant_channel_is_only_shifted(value: float) -> None:
    images = torch.full((2, 2, 3, 3), value)
    images[:, 1, 0] += 2 * abs(value) + 1

    scaled = Scale.fit([images])(images)

    assert scaled[:, 0].abs().max() == 0
    assert scaled[:, 1].std(correction=0) == pytest.approx(1, rel=1e-4)


def test_small_numbers_are_not_taken_for_constant_ones() -> None:
    rows = torch.tensor([[1e-20], [3e-20]])

    assert Scale.fit([rows])(rows).ravel().tolist() == pytest.approx([-1, 1])


@pytest.mark.parametrize("factor", [1e-300, 1e-170, 1e170, 1e300])
@pytest.mark.parametrize("first", [0.0, 1e-3])
def test_numbers_whose_squares_leave_float64_are_measured_too(factor: float, first: float) -> None:
    rows = torch.randn(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    rows[:20, 1] *= first

    scaled = Scale.fit(torch.split(rows * factor, 20))(rows * factor)

    assert torch.allclose(scaled, ((rows - rows.mean(0)) / rows.std(0, correction=0)).float(), atol=1e-6)


def test_undoing_gives_the_rows_back() -> None:
    rows = torch.randn(30, 2, generator=torch.Generator().manual_seed(1)) * 40 + 100
    fitted = Scale.fit([rows])

    assert torch.allclose(fitted.undo(fitted(rows)), rows.double(), atol=1e-4)


def test_the_facts_of_a_scale_survive_json_bit_for_bit() -> None:
    rows = torch.randn(30, 3, 2, 2, generator=torch.Generator().manual_seed(2)) / 3
    fitted = Scale.fit([rows])

    again = Scale.of(json.loads(json.dumps(fitted.facts())))

    assert torch.equal(again(rows), fitted(rows))
    assert again.mean.shape == fitted.mean.shape


def test_whole_numbers_beyond_float64_keep_their_last_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standardize, "CHUNK", 7)
    steps = np.random.default_rng(0).integers(0, 100, (50, 2))
    rows = torch.from_numpy(steps + np.array([17 * 10**17, 5]))

    fitted = Scale.fit(chunks_of(rows))
    again = Scale.of(json.loads(json.dumps(fitted.facts())))

    expected = (steps - steps.mean(0)) / steps.std(0)
    for scale in (fitted, again, fitted.to(torch.device("cpu"))):
        assert np.allclose(scale(rows).numpy(), expected, atol=1e-6)
    assert float(fitted(torch.tensor([[-(2**63), 5]]))[0, 0]) < -1e15
    assert fitted.undo(fitted.exact(rows)).tolist() == rows.double().tolist()
