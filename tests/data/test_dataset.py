from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchvision.transforms import v2

from tests.support.data_files import batches, pets, scored, searched, section
from tuner.errors import BuildError
from tuner.goal import Task

LOADERS = pytest.mark.parametrize("loader", ["memory", "stream"])
CROP = {"type": "RandomCrop", "size": [8, 8], "padding": 3}


def test_a_dataset_tells_what_a_model_needs() -> None:
    digits = searched(section("digits"))
    line = searched(section("synthetic_regression", rows=40, features=3))

    assert (digits.task, digits.input_shape, digits.outputs) == (Task.CLASSIFICATION, (1, 8, 8), 10)
    assert digits.classes == tuple("0123456789")
    assert digits.vocab_size is None
    assert (line.task, line.input_shape, line.outputs) == (Task.REGRESSION, (3,), 1)
    assert digits.test is None


def test_targets_of_a_regression_keep_their_units_and_outputs_are_brought_to_them() -> None:
    dataset = searched(section("synthetic_regression", rows=200))

    targets = dataset.train.targets
    outputs = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    expected = targets.mean() + outputs * targets.std(correction=0)
    assert torch.allclose(dataset.in_units(outputs), expected)
    assert targets.mean() == pytest.approx(1, abs=0.5)


def test_outputs_of_a_classification_have_no_units() -> None:
    outputs = torch.randn(3, 10)

    assert searched(section("digits")).in_units(outputs) is outputs


def test_the_scale_of_inputs_is_that_of_the_training_rows_alone() -> None:
    dataset = searched(section("digits"))

    train, valid = batches(dataset)[0], scored(dataset)
    assert train.mean().abs() < 1e-5
    assert train.std(correction=0) == pytest.approx(1, abs=1e-5)
    assert valid.mean().abs() > 1e-4


@LOADERS
def test_training_images_differ_from_epoch_to_epoch_and_repeat_for_a_seed(tmp_path: Path, loader: str) -> None:
    pets(tmp_path)
    dataset = searched(section("ImageFolder", root=str(tmp_path), loader=loader, transforms=[CROP]))

    first, again, other = (batches(dataset, seed)[0] for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@LOADERS
def test_an_image_is_augmented_alike_in_a_batch_of_any_size(tmp_path: Path, loader: str) -> None:
    pets(tmp_path)
    dataset = searched(section("ImageFolder", root=str(tmp_path), loader=loader, transforms=[CROP]))

    assert torch.equal(batches(dataset, size=2)[0], batches(dataset, size=5)[0])


@LOADERS
def test_validation_images_are_never_augmented(tmp_path: Path, loader: str) -> None:
    pets(tmp_path)
    plain = searched(section("ImageFolder", root=str(tmp_path), loader=loader))
    augmented = searched(section("ImageFolder", root=str(tmp_path), loader=loader, transforms=[CROP]))

    assert torch.equal(scored(augmented), scored(plain))
    assert torch.equal(scored(augmented), scored(augmented, size=1))


def test_fixed_transforms_run_once_for_all_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pets(tmp_path)
    runs: Counter[str] = Counter()
    for cls in (v2.Grayscale, v2.RandomHorizontalFlip):
        forward = cls.forward

        def counted(self: v2.Transform, *images: torch.Tensor, forward: Callable[..., object] = forward) -> object:
            runs[type(self).__name__] += 1
            return forward(self, *images)

        monkeypatch.setattr(cls, "forward", counted)
    dataset = searched(
        section("ImageFolder", root=str(tmp_path), loader="memory", transforms=["Grayscale", "RandomHorizontalFlip"])
    )
    runs.clear()

    for epoch in range(3):
        batches(dataset, epoch)

    assert runs == {"RandomHorizontalFlip": 3 * len(dataset.train)}


@LOADERS
def test_a_random_crop_that_changes_the_shape_is_refused(tmp_path: Path, loader: str) -> None:
    pets(tmp_path)
    crop = {"type": "RandomCrop", "size": [6, 6]}

    with pytest.raises(BuildError, match=r"^data\.transforms: images are \(3, 6, 6\) in training and \(3, 8, 8\) when"):
        searched(section("ImageFolder", root=str(tmp_path), loader=loader, transforms=[crop]))


def test_a_random_crop_after_a_resize_to_its_size_is_taken(tmp_path: Path) -> None:
    pets(tmp_path)
    chain = [{"type": "Resize", "size": [6, 6]}, {"type": "RandomCrop", "size": [6, 6], "padding": 1}]

    dataset = searched(section("ImageFolder", root=str(tmp_path), transforms=chain))

    assert dataset.input_shape == (3, 6, 6)
    assert batches(dataset)[0].shape[1:] == (3, 6, 6)
