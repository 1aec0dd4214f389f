from __future__ import annotations

from typing import Any

import pytest
import torch
from torchvision.transforms import v2

from tuner.config import Component
from tuner.data.preprocessing.transforms import Transforms, argument_faults
from tuner.errors import BuildError

IMAGES = torch.arange(6 * 3 * 8 * 8, dtype=torch.uint8).reshape(6, 3, 8, 8)
SAME = torch.arange(3 * 8 * 8, dtype=torch.uint8).reshape(1, 3, 8, 8).repeat(6, 1, 1, 1)
CROP = Component("RandomCrop", {"size": [8, 8], "padding": 3})


def transforms(*components: Component | str) -> Transforms:
    return Transforms([Component(one) if isinstance(one, str) else one for one in components])


def test_random_transforms_differ_per_sample_and_per_epoch() -> None:
    crop = transforms(CROP)

    first, second = (crop.augmented(SAME, torch.arange(6), seed) for seed in (1, 2))

    assert len({image.numpy().tobytes() for image in first}) > 1
    assert sum(torch.equal(one, other) for one, other in zip(first, second, strict=True)) < 3


def test_what_a_sample_becomes_depends_on_seed_and_row_alone() -> None:
    both = transforms(CROP, "RandomHorizontalFlip", "ColorJitter", Component("RandomErasing", {"p": 0.5}))

    whole = both.augmented(IMAGES, torch.arange(6), seed=3)
    rows = torch.tensor([4, 0, 3])
    part = both.augmented(IMAGES[rows], rows, seed=3)

    assert torch.equal(part, whole[rows])


def test_the_global_generator_is_left_as_it_was() -> None:
    crop = transforms(CROP)
    torch.manual_seed(5)
    before = torch.get_rng_state()

    one = crop.augmented(IMAGES, torch.arange(6), 0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)

    assert torch.equal(crop.augmented(IMAGES, torch.arange(6), 0), one)


def test_random_transforms_are_not_applied_when_scoring_and_fixed_ones_are() -> None:
    grey = transforms(CROP, "RandomHorizontalFlip", "Grayscale")

    assert torch.equal(grey.once(IMAGES), IMAGES)
    assert torch.equal(grey.scored(grey.once(IMAGES)), v2.Grayscale()(IMAGES))
    assert grey.augmented(IMAGES, torch.arange(6), 0).shape == (6, 1, 8, 8)
    assert grey.random
    assert not transforms("Grayscale").random


def test_what_comes_before_the_first_random_transform_runs_once() -> None:
    resized = transforms(Component("Resize", {"size": [4, 4]}), "RandomHorizontalFlip")

    once = resized.once(IMAGES)
    trained = resized.augmented(once, torch.arange(6), 0)

    assert once.shape == (6, 3, 4, 4)
    assert torch.equal(once, v2.Resize([4, 4])(IMAGES))
    assert all(
        torch.equal(image, plain) or torch.equal(image, plain.flip(-1))
        for image, plain in zip(trained, once, strict=True)
    )


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        (Component("ToDtype", {"dtype": "float32", "scale": True}), IMAGES / 255),
        (Component("Resize", {"size": [4, 4], "interpolation": "nearest"}), IMAGES[:, :, ::2, ::2]),
        (Component("Pad", {"padding": 1}), torch.nn.functional.pad(IMAGES, (1, 1, 1, 1))),
        (Component("CenterCrop", {"size": [4, 4]}), IMAGES[:, :, 2:6, 2:6]),
        (Component("Identity"), IMAGES),
    ],
)
def test_arguments_are_those_of_torchvision(component: Component, expected: torch.Tensor) -> None:
    assert torch.allclose(transforms(component).once(IMAGES), expected)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_transforms_may_stand_in_a_transform(p: float) -> None:
    for inner in ("RandomInvert", {"type": "RandomInvert", "p": 1.0}):
        apply = transforms(Component("RandomApply", {"transforms": [inner], "p": p}))

        made = apply.augmented(IMAGES, torch.arange(6), 0)

        if p == 0:
            assert torch.equal(made, IMAGES)
        else:
            assert any(torch.equal(image, 255 - plain) for image, plain in zip(made, IMAGES, strict=True))


@pytest.mark.parametrize("policy", ["imagenet", "CIFAR10"])
def test_policies_go_by_their_names(policy: str) -> None:
    auto = transforms(Component("AutoAugment", {"policy": policy}))

    assert auto.augmented(IMAGES, torch.arange(6), 0).shape == IMAGES.shape


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (Component("RandomCorp", {"size": 8}), r"there is no RandomCorp in .* \(did you mean RandomCrop\?\)"),
        (Component("Transform"), "there is no Transform"),
        (Component("Compose", {"transforms": []}), "Compose has no place here: data.transforms is a list"),
        (Component("MixUp"), "MixUp has no place here: it mixes targets too"),
        (Component("RandomCrop"), "RandomCrop refuses its arguments: .*size"),
        (Component("Resize", {"size": [8, 8], "interpolation": "cubist"}), "Resize refuses its arguments: .*cubist"),
        (Component("ToDtype", {"dtype": "float33"}), "ToDtype refuses its arguments: .*float33"),
        (Component("RandomApply", {"transforms": ["RandomCorp"]}), "there is no RandomCorp"),
        (Component("RandomApply", {"transforms": [3]}), "a transform is a name, or a mapping with a type, not 3"),
    ],
)
def test_a_transform_that_cannot_be_made_is_said_with_its_place(component: Component, message: str) -> None:
    with pytest.raises(BuildError, match=rf"^data\.transforms\.1: {message}"):
        transforms("RandomHorizontalFlip", component)


def test_a_transform_that_fails_on_the_images_is_said() -> None:
    normalize = transforms(Component("Normalize", {"mean": [0.5], "std": [0.5]}))

    with pytest.raises(
        BuildError, match=r"^data\.transforms: Normalize fails on images of uint8 \(3, 8, 8\): TypeError"
    ):
        normalize.once(IMAGES)


def test_images_of_different_shapes_are_refused() -> None:
    sometimes = transforms(Component("RandomApply", {"transforms": [{"type": "CenterCrop", "size": [4, 4]}], "p": 0.5}))

    with pytest.raises(BuildError, match=r"images of different shapes, such as \(3, 4, 4\) and \(3, 8, 8\)"):
        sometimes.augmented(IMAGES, torch.arange(6), 0)


@pytest.mark.parametrize(
    ("component", "faults"),
    [
        (Component("RandomCrop", {"size": 8}), []),
        (Component("RandomCrop", {"size": 8, "paddin": 1}), ["paddin"]),
        (Component("RandomCrop"), [""]),
        (Component("RandomRotation", {"degrees": {"int": [0, 30]}}), []),
    ],
)
def test_arguments_are_checked_against_the_signature(component: Component, faults: list[str]) -> None:
    assert [name for name, _ in argument_faults(component)] == faults


@pytest.mark.parametrize("name", [name for name in vars(v2) if name[:1].isupper()])
def test_no_transform_of_torchvision_that_draws_is_taken_for_a_fixed_one(name: str) -> None:
    usual: dict[str, dict[str, Any]] = {
        "Resize": {"size": [4, 4]},
        "CenterCrop": {"size": [4, 4]},
        "Pad": {"padding": 1},
        "Normalize": {"mean": [0.0], "std": [1.0]},
        "ToDtype": {"dtype": "float32"},
        "ConvertImageDtype": {"dtype": "float32"},
    }
    try:
        fixed = not transforms(Component(name, usual.get(name, {}))).random
    except BuildError:
        return
    if not fixed:
        return
    before = torch.get_rng_state()

    transforms(Component(name, usual.get(name, {}))).once(IMAGES.float())

    assert torch.equal(torch.get_rng_state(), before)
