from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tuner.data.tensors import Scale

from tuner import data
from tuner.config import Component, Data, On
from tuner.errors import DataError
from tuner.task import Task

DIGITS = Data(Component("digits"), valid=0.2, test=0.25, batch_size=32)


def rows_of(*splits: torch.Tensor) -> list[bytes]:
    return [row.numpy().tobytes() for split in splits for row in split]


def test_digits_come_in_three_splits_that_share_no_row() -> None:
    search = data.for_search(DIGITS, ".", seed=0)
    final = data.for_final(DIGITS, ".", seed=0, on=On.TRAIN)
    assert search.valid is not None
    assert final.test is not None

    assert (len(search.train), len(search.valid), len(final.test)) == (1077, 270, 450)
    rows = rows_of(final.train.inputs, search.valid.inputs, final.test.inputs)
    assert len(set(rows)) > 1790  # of 1,797; some digits were scanned twice


def test_the_search_is_given_no_test_rows() -> None:
    assert data.for_search(DIGITS, ".", seed=0).test is None


def test_final_training_on_train_sees_the_rows_of_the_search_bit_for_bit() -> None:
    search = data.for_search(DIGITS, ".", seed=3)
    final = data.for_final(DIGITS, ".", seed=3, on=On.TRAIN)

    assert torch.equal(search.train.inputs, final.train.inputs)
    assert search.valid is not None
    assert final.valid is not None
    assert torch.equal(search.valid.inputs, final.valid.inputs)


def test_final_training_on_all_rows_adds_the_validation_rows_and_no_test_row() -> None:
    all_rows = data.for_final(DIGITS, ".", seed=0, on=On.ALL)
    train_only = data.for_final(DIGITS, ".", seed=0, on=On.TRAIN)

    assert all_rows.valid is None
    assert train_only.valid is not None
    assert len(all_rows.train) == len(train_only.train) + len(train_only.valid)
    assert all_rows.test is not None
    assert train_only.test is not None
    assert torch.equal(all_rows.test.targets, train_only.test.targets)


def test_the_seed_alone_decides_the_splits() -> None:
    first, again, other = (data.for_search(DIGITS, ".", seed=seed) for seed in (0, 0, 1))

    assert torch.equal(first.train.inputs, again.train.inputs)
    assert not torch.equal(first.train.targets, other.train.targets)


def test_splits_are_stratified() -> None:
    valid = data.for_search(DIGITS, ".", seed=0).valid

    assert valid is not None
    counts = torch.bincount(valid.targets)
    assert counts.min() >= 26
    assert counts.max() <= 28


def test_the_scale_is_fitted_on_the_training_rows_alone() -> None:
    train = data.for_search(DIGITS, ".", seed=0).train.inputs
    valid = data.for_search(DIGITS, ".", seed=0).valid

    assert train.mean().abs() < 1e-5
    assert abs(float(train.std(correction=0)) - 1) < 1e-5
    assert valid is not None
    assert valid.inputs.mean().abs() > 1e-4


def test_a_constant_channel_is_only_shifted() -> None:
    images = torch.stack([torch.full((2, 3, 3), 7.0), torch.full((2, 3, 3), 7.0)])
    images[0, 1] = 1.0

    scaled = Scale.fit(images)(images)

    assert torch.equal(scaled[:, 0], torch.zeros(2, 3, 3))
    assert torch.equal(scaled[:, 1].abs(), torch.ones(2, 3, 3))


@pytest.mark.parametrize(("part", "name"), [(1797, "valid"), (5, "valid"), (0.001, "test")])
def test_rows_that_cannot_be_split_are_refused(part: float, name: str) -> None:
    parts: dict[str, float] = {"valid": 0.2, "test": 0.2, name: part}
    section = Data(Component("digits"), parts["valid"], parts["test"], 32)

    with pytest.raises(DataError, match=f"data.{name}: "):
        data.for_search(section, ".", seed=0)


def test_a_dataset_that_does_not_exist_is_refused_with_a_hint() -> None:
    with pytest.raises(DataError, match=r"no dataset MNIS \(did you mean MNIST\?\)"):
        list(data.argument_faults(Component("MNIS")))


def test_arguments_are_checked_against_the_class() -> None:
    faults = dict(data.argument_faults(Component("MNIST", {"rot": "data", "train": True})))

    assert set(faults) == {"rot", "train", ""}
    assert "did you mean root" in faults["rot"]
    assert faults[""] == "MNIST needs root"


def test_data_that_are_not_there_are_said(tmp_path: Path) -> None:
    section = Data(Component("MNIST", {"root": "nowhere"}), 0.2, None, 32)

    with pytest.raises(DataError, match=r"MNIST cannot be read from .*nowhere"):
        data.for_search(section, str(tmp_path), seed=0)


def folders_of_images(root: Path, sizes: list[tuple[int, int]]) -> None:
    for label in ("cat", "dog"):
        (root / "pets" / label).mkdir(parents=True)
        for i, size in enumerate(sizes):
            pixels = np.full((*size, 3), 40 * i + (100 if label == "dog" else 0), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "pets" / label / f"{i}.png")


def test_a_torchvision_dataset_is_read_image_by_image_where_it_keeps_no_array(tmp_path: Path) -> None:
    folders_of_images(tmp_path, [(4, 6)] * 4)
    section = Data(Component("ImageFolder", {"root": "pets"}), valid=2, test=2, batch_size=2)

    dataset = data.for_search(section, str(tmp_path), seed=0)

    assert dataset.task is Task.CLASSIFICATION
    assert dataset.classes == ("cat", "dog")
    assert dataset.input_shape == (3, 4, 6)
    assert len(dataset.train) == 4


def test_images_of_different_sizes_are_refused(tmp_path: Path) -> None:
    folders_of_images(tmp_path, [(4, 6), (5, 6)])
    section = Data(Component("ImageFolder", {"root": "pets"}), valid=2, test=2, batch_size=2)

    with pytest.raises(DataError, match="2 different shapes"):
        data.for_search(section, str(tmp_path), seed=0)


def mnist_files(root: Path, rows: int = 40, test_rows: int = 10) -> None:
    """Random images in MNIST's own file format, where torchvision looks for them."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    chance = np.random.default_rng(0)
    for name, count in (("train", rows), ("t10k", test_rows)):
        images = chance.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        header = np.array([2051, count, 28, 28], dtype=">i4").tobytes()
        (raw / f"{name}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(
            np.array([2049, count], dtype=">i4").tobytes() + labels.tobytes()
        )


def test_a_dataset_with_a_test_split_of_its_own_keeps_it_for_the_end(tmp_path: Path) -> None:
    mnist_files(tmp_path)
    section = Data(Component("MNIST", {"root": str(tmp_path)}), valid=10, test=None, batch_size=4)

    search = data.for_search(section, ".", seed=0)
    final = data.for_final(section, ".", seed=0, on=On.ALL)

    assert search.input_shape == (1, 28, 28)
    assert (len(search.train), len(final.train)) == (30, 40)
    assert final.test is not None
    assert len(final.test) == 10


def test_tuning_does_not_even_read_the_test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import MNIST

    mnist_files(tmp_path)
    section = Data(Component("MNIST", {"root": str(tmp_path)}), valid=10, test=None, batch_size=4)
    asked: list[bool] = []
    init = MNIST.__init__

    def noting(self: MNIST, root: str, train: bool = True, **rest: object) -> None:
        asked.append(train)
        init(self, root, train=train, **rest)

    monkeypatch.setattr(MNIST, "__init__", noting)
    data.for_search(section, ".", seed=0)

    assert asked == [True]


def test_a_share_given_for_test_is_cut_from_the_rows_that_tuning_may_see(tmp_path: Path) -> None:
    mnist_files(tmp_path)
    section = Data(Component("MNIST", {"root": str(tmp_path)}), valid=10, test=10, batch_size=4)

    assert len(data.for_final(section, ".", seed=0, on=On.ALL).train) == 30
