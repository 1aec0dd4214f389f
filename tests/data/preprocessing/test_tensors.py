from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tuner.config import Component
from tuner.data.preprocessing.tensors import Numbers
from tuner.errors import BuildError, DataError

IMAGES = torch.randint(0, 256, (9, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
FLIP = Component("RandomHorizontalFlip")
GREY = Component("Grayscale")


def test_images_are_standardised_per_channel() -> None:
    made = Numbers.fit([], [IMAGES[:4], IMAGES[4:]], 255)(IMAGES).numpy()

    raw = IMAGES.numpy().astype(np.float64)
    expected = (raw - raw.mean((0, 2, 3), keepdims=True)) / raw.std((0, 2, 3), keepdims=True)
    assert made.dtype == np.float32
    assert np.allclose(made, expected, atol=1e-5)


def test_the_scale_is_measured_after_the_fixed_transforms() -> None:
    made = Numbers.fit([GREY], [IMAGES], 255)(IMAGES)

    assert made.shape == (9, 1, 8, 8)
    assert made.mean().abs() < 1e-5
    assert made.std(correction=0) == pytest.approx(1, abs=1e-5)


def test_training_rows_are_the_scored_ones_but_for_chance() -> None:
    numbers = Numbers.fit([GREY, FLIP], [IMAGES], 255)

    trained = numbers.augmented(numbers.once(IMAGES), torch.arange(9), 0)

    plain = numbers(IMAGES)
    assert numbers.random
    assert torch.equal(numbers.scored(numbers.once(IMAGES)), plain)
    assert all(
        torch.equal(image, same) or torch.equal(image, same.flip(-1))
        for image, same in zip(trained, plain, strict=True)
    )


def test_other_rows_are_scaled_by_the_training_rows() -> None:
    numbers = Numbers.fit([], [torch.tensor([[0.0], [2.0]])], 255)

    assert numbers(torch.tensor([[5.0]])).tolist() == [[4.0]]


def test_transforms_of_what_is_no_image_are_refused() -> None:
    with pytest.raises(BuildError, match=r"^data\.transforms: they are for images, and the inputs have shape \(4,\)"):
        Numbers.fit([FLIP], [torch.randn(5, 4)], 255)


def test_inputs_that_are_not_finite_are_refused() -> None:
    for wrong in (torch.nan, torch.inf):
        with pytest.raises(DataError, match="the inputs to train on have values that are NaN or infinite"):
            Numbers.fit([], [torch.randn(5, 4), torch.full((1, 4), wrong)], 255)


@pytest.mark.parametrize("rows", [IMAGES, IMAGES.float() / 255])
def test_its_facts_survive_json_bit_for_bit(rows: torch.Tensor) -> None:
    resize = Component("Resize", {"size": [5, 5], "interpolation": "bilinear"})
    numbers = Numbers.fit([resize, FLIP], [rows], 16)

    again = Numbers.of(json.loads(json.dumps(numbers.facts())))

    assert torch.equal(again(rows), numbers(rows))
    positions = torch.arange(9)
    trained = [one.augmented(one.once(rows), positions, 4) for one in (numbers, again)]
    assert torch.equal(*trained)
    assert (again.shape, again.whole, again.white) == ((3, 8, 8), rows.dtype is torch.uint8, 16)
