from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tuner.errors import DataError
from tuner.scaffold import image_folder_space


def images(folder: Path, *sizes: tuple[int, int], colours: bool = False) -> Path:
    """Two classes with an image of each size, noise of three channels or of one."""
    random = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (folder / label).mkdir()
        for i, (width, height) in enumerate(sizes):
            pixels = random.integers(0, 256, (height, width, 3 if colours else 1)).repeat(1 if colours else 3, axis=2)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / label / f"{i}.png")
    return folder


def test_small_images_of_one_size_are_left_as_they_are(tmp_path: Path) -> None:
    found = image_folder_space.look(str(images(tmp_path, (12, 16), (12, 16))), ".")

    assert "image_size" not in found.section
    assert found.decided == ("4 images of 12x16 pixels, grey",)
    assert image_folder_space.shortest(found) == 12


def test_images_of_several_sizes_are_brought_to_one(tmp_path: Path) -> None:
    found = image_folder_space.look(str(images(tmp_path, (20, 30), (24, 40), (28, 28))), ".")

    assert found.section["image_size"] == 24


def test_large_images_are_made_smaller(tmp_path: Path) -> None:
    found = image_folder_space.look(str(images(tmp_path, (200, 100))), ".")

    assert found.section["image_size"] == image_folder_space.LARGEST
    assert image_folder_space.shortest(found) == image_folder_space.LARGEST


@pytest.mark.parametrize(("colours", "mode"), [(True, "RGB"), (False, "L")])
def test_images_that_are_saved_in_colours_may_be_grey(colours: bool, mode: str, tmp_path: Path) -> None:
    found = image_folder_space.look(str(images(tmp_path, (12, 12), colours=colours)), ".")

    assert found.section["mode"] == mode


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder with a folder of images per class"):
        image_folder_space.look(str(tmp_path), ".")


def test_files_that_are_no_image_are_left_out_and_said(tmp_path: Path) -> None:
    (images(tmp_path, (12, 12)) / "cat" / "broken.png").write_text("no image")

    found = image_folder_space.look(str(tmp_path), ".")

    assert found.section["skip_corrupt"] is True
    assert any("skipped 1 file without a readable image" in line for line in found.decided)


def test_a_folder_without_one_readable_image_is_refused_with_the_name_of_a_file(tmp_path: Path) -> None:
    for file in images(tmp_path, (12, 12)).rglob("*.png"):
        file.write_text("no image")

    with pytest.raises(DataError, match=r"\.png is not an image"):
        image_folder_space.look(str(tmp_path), ".")
