from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.data_files import pets, picture, searched, section
from tuner import data
from tuner.config import On
from tuner.data.rows import read
from tuner.data.sources import image_folder
from tuner.errors import DataError
from tuner.goal import Task


def test_a_folder_per_class_gives_its_name_to_the_images_in_it(tmp_path: Path) -> None:
    for label, value in (("dog", 200), ("cat", 10)):
        picture(tmp_path / label / "deep" / "1.png", np.full((3, 4, 3), value, dtype=np.uint8))
    (tmp_path / "cat" / "notes.txt").write_text("not an image, and not called one")
    (tmp_path / ".ipynb_checkpoints").mkdir()

    source = image_folder.load(base=".", root=str(tmp_path))

    assert source.task is Task.CLASSIFICATION
    assert source.classes == ("cat", "dog")
    assert source.pool.targets.tolist() == [0, 1]
    images = read(source.pool.inputs)
    assert (images.shape, images.dtype) == ((2, 3, 3, 4), torch.uint8)
    assert images[:, 0, 0, 0].tolist() == [10, 200]


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 4)])
def test_all_images_have_the_channels_wanted(tmp_path: Path, mode: str, channels: int) -> None:
    chance = np.random.default_rng(0)
    for label in ("a", "b"):
        for stored in ("L", "RGB", "RGBA", "P"):
            picture(tmp_path / label / f"{stored}.png", chance.integers(0, 256, (4, 4), dtype=np.uint8), stored)

    source = image_folder.load(base=".", root=str(tmp_path), mode=mode)

    assert read(source.pool.inputs).shape == (8, channels, 4, 4)


def test_images_of_different_sizes_need_one_size(tmp_path: Path) -> None:
    pets(tmp_path / "pets", each=4)
    picture(tmp_path / "pets" / "cat" / "wide.png", np.zeros((4, 9, 3), dtype=np.uint8))

    with pytest.raises(
        DataError, match=r"2 different shapes, such as \(3, 4, 9\) and \(3, 8, 8\): give data\.image_size"
    ):
        searched(section("ImageFolder", root="pets", test=2), tmp_path)
    dataset = searched(section("ImageFolder", root="pets", image_size=[6, 5], test=2), tmp_path)

    assert dataset.input_shape == (3, 6, 5)


def test_a_corrupt_image_is_named(tmp_path: Path) -> None:
    pets(tmp_path / "pets")
    (tmp_path / "pets" / "dog" / "2.png").write_bytes(b"no image")

    with pytest.raises(DataError, match=r"pets/dog/2\.png is not an image .*; data\.skip_corrupt: true leaves"):
        data.for_search(section("ImageFolder", root="pets"), str(tmp_path), 0)


def test_corrupt_images_are_skipped_on_request_and_counted(tmp_path: Path) -> None:
    pets(tmp_path)
    for name in ("2", "4"):
        (tmp_path / "dog" / f"{name}.png").write_bytes(b"no image")

    source = image_folder.load(base=".", root=str(tmp_path), skip_corrupt=True)

    assert source.pool.targets.tolist() == [0] * 6 + [1] * 4
    assert read(source.pool.inputs).shape == (10, 3, 8, 8)
    assert source.notes == (f"{tmp_path}: skipped 2 files without a readable image",)
    assert image_folder.load(base=".", root=str(tmp_path)).notes == ()


def test_a_test_folder_is_the_test_split_and_is_not_opened_in_a_search(tmp_path: Path) -> None:
    pets(tmp_path / "pets")
    chosen = section("ImageFolder", root="pets", test_root="later")
    (tmp_path / "later" / "dog").mkdir(parents=True)

    search = data.for_search(chosen, str(tmp_path), 0)
    pets(tmp_path / "later", each=2, labels=("dog",))
    final = data.for_final(chosen, str(tmp_path), 0, On.ALL)

    assert search.test is None
    assert len(final.train) == 12
    assert final.test is not None
    assert final.test.targets.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("test_root", "message"),
    [("nowhere", r"^data\.test_root: .*nowhere is no folder"), ("pets", "is the folder of the training rows itself")],
)
def test_a_test_folder_that_is_none_is_refused_before_the_search(tmp_path: Path, test_root: str, message: str) -> None:
    pets(tmp_path / "pets")

    with pytest.raises(DataError, match=message):
        data.for_search(section("ImageFolder", root="pets", test_root=test_root), str(tmp_path), 0)


def test_a_class_only_in_the_test_folder_is_refused_by_name(tmp_path: Path) -> None:
    pets(tmp_path / "pets")
    pets(tmp_path / "later", labels=("dog", "fox"))
    chosen = section("ImageFolder", root="pets", test_root="later")

    with pytest.raises(DataError, match=r"later: class fox is not among those to train on: cat and dog"):
        data.for_final(chosen, str(tmp_path), 0, On.ALL)


def test_a_test_folder_without_images_is_refused(tmp_path: Path) -> None:
    pets(tmp_path / "pets")
    (tmp_path / "later" / "cat").mkdir(parents=True)
    chosen = section("ImageFolder", root="pets", test_root="later")

    with pytest.raises(DataError, match=r"^data\.test_root: .*later has no image \(\.jpg"):
        data.for_final(chosen, str(tmp_path), 0, On.ALL)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"root": "nowhere"}, r"^data\.root: .*nowhere is no folder with a folder of images per class"),
        ({"root": "file"}, r"^data\.root: .*file is no folder with"),
        ({"root": "flat"}, r"^data\.root: .*flat is no folder with"),
        ({"root": "one"}, r"^data\.root: .*one has one class only, cat: there is nothing to learn"),
        ({"root": "pets", "mode": "CMYK"}, r"^data\.mode: is L, RGB, RGBA and F, not CMYK"),
        ({"root": 7}, r"^data\.root: takes the path of a folder, not 7"),
        ({"root": "hollow"}, r"^data\.root: .*hollow/dog has no image"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    pets(tmp_path / "pets", each=1)
    pets(tmp_path / "one", each=1, labels=("cat",))
    pets(tmp_path / "hollow", each=1, labels=("cat",))
    (tmp_path / "hollow" / "dog").mkdir()
    (tmp_path / "file").touch()
    picture(tmp_path / "flat" / "1.png", np.zeros((2, 2), dtype=np.uint8))

    with pytest.raises(DataError, match=message):
        image_folder.load(base=str(tmp_path), **given)
