from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import MNIST

from tests.support.data_files import searched, section
from tuner import data
from tuner.config import Component, On
from tuner.data.rows import read
from tuner.data.sources import torchvision_dataset
from tuner.errors import DataError


def mnist_files(root: Path, rows: int = 40, test_rows: int = 10) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Random images in MNIST's own file format, where torchvision looks for them; those to train on."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    chance = np.random.default_rng(0)
    made = []
    for name, count in (("train", rows), ("t10k", test_rows)):
        images = chance.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10
        header = np.array([2051, count, 28, 28], dtype=">i4").tobytes()
        (raw / f"{name}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(
            np.array([2049, count], dtype=">i4").tobytes() + labels.tobytes()
        )
        made.append(images)
    return made[0]


def test_images_that_a_class_keeps_as_an_array_have_their_channels_first(tmp_path: Path) -> None:
    images = mnist_files(tmp_path)

    source = torchvision_dataset.loader("MNIST")(base=str(tmp_path.parent), root=tmp_path.name)

    assert isinstance(source.pool.inputs, torch.Tensor)
    assert np.array_equal(source.pool.inputs.numpy(), images[:, None])
    assert source.pool.targets.tolist() == [i % 10 for i in range(40)]
    assert source.classes[:2] == ("0 - zero", "1 - one")


def test_colour_images_have_their_channels_first_too(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (10, 3072), dtype=np.uint8)
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        (folder / name).write_bytes(pickle.dumps({"data": pixels, "labels": list(range(10))}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)

        source = torchvision_dataset.loader("CIFAR10")(base=".", root=str(tmp_path), image_size=None)

    assert source.classes == tuple("abcdefghij")
    images = read(source.pool.inputs)
    assert np.array_equal(images.numpy(), np.tile(pixels.reshape(10, 3, 32, 32), (5, 1, 1, 1)))


def test_images_are_brought_to_the_size_wanted(tmp_path: Path) -> None:
    mnist_files(tmp_path)

    dataset = searched(section("MNIST", root=str(tmp_path), image_size=[14, 7], valid=10), ".")

    assert dataset.input_shape == (1, 14, 7)


def test_a_split_of_its_own_is_kept_for_the_end(tmp_path: Path) -> None:
    mnist_files(tmp_path)
    chosen = section("MNIST", root=str(tmp_path), valid=10)

    search = data.for_search(chosen, ".", seed=0)
    final = data.for_final(chosen, ".", seed=0, on=On.ALL)

    assert (len(search.train), search.test, len(final.train)) == (30, None, 40)
    assert final.test is not None
    assert len(final.test) == 10


def test_tuning_does_not_even_read_the_test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mnist_files(tmp_path)
    asked: list[bool] = []
    init = MNIST.__init__

    def noting(self: MNIST, root: str, train: bool = True, **rest: object) -> None:
        asked.append(train)
        init(self, root, train=train, **rest)

    monkeypatch.setattr(MNIST, "__init__", noting)
    data.for_search(section("MNIST", root=str(tmp_path), valid=10), ".", seed=0)

    assert asked == [True]


def test_a_share_given_for_test_is_cut_from_the_rows_that_tuning_may_see(tmp_path: Path) -> None:
    mnist_files(tmp_path)

    assert len(data.for_final(section("MNIST", root=str(tmp_path), valid=10, test=10), ".", 0, On.ALL).train) == 30


def test_arguments_are_checked_against_the_class() -> None:
    faults = dict(data.argument_faults(Component("MNIST", {"rot": "data", "train": True}), "."))

    assert set(faults) == {"rot", "train", ""}
    assert "did you mean root" in faults["rot"]
    assert faults[""] == "MNIST needs root"


@pytest.mark.parametrize("name", torchvision_dataset.names())
def test_every_dataset_of_torchvision_tells_its_arguments(name: str) -> None:
    faults = dict(data.argument_faults(Component(name, {"no_such_argument": 1}), "."))

    assert "no_such_argument" in faults


def test_a_dataset_that_makes_its_images_is_read_one_by_one() -> None:
    chosen = section("FakeData", size=12, num_classes=2, image_size=6, valid=3, test=3)

    dataset = searched(chosen)

    assert dataset.input_shape == (3, 6, 6)
    assert len(dataset.train) == 6


def test_data_that_are_not_there_are_said_with_a_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"MNIST cannot be read from .*nowhere: .*`data\.download: true` fetches it"):
        data.for_search(section("MNIST", root="nowhere"), str(tmp_path), seed=0)


def test_arguments_that_the_class_refuses_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^data: EMNIST refuses its arguments: ValueError: Unknown value 'words'"):
        data.for_search(section("EMNIST", root=str(tmp_path), split="words"), ".", seed=0)
    with pytest.raises(DataError, match=r"^data\.root: takes the path of a folder, not 7"):
        data.for_search(section("MNIST", root=7), ".", seed=0)
