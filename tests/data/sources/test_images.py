from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.data_files import picture
from tuner.data.sources.image_decoding import open_image
from tuner.data.sources.images import Items, as_array, resized, sides
from tuner.errors import DataError

RAMP = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


class Faulty:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if index == 1:
            raise KeyError("gone")
        return (None, 0) if index == 2 else (np.zeros(2), 0)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_images_of_any_mode_are_read_as_the_mode_wanted(tmp_path: Path, mode: str) -> None:
    black_and_white = np.where(RAMP > 100, np.uint8(255), np.uint8(0))
    file = picture(tmp_path / "x.png", black_and_white, mode)

    read = np.asarray(open_image(file, "RGB"))

    assert np.array_equal(read, np.repeat(black_and_white[:, :, None], 3, axis=2))
    assert np.array_equal(np.asarray(open_image(file, "L")), black_and_white)
    assert np.asarray(open_image(file, "RGBA")).shape == (3, 4, 4)


def test_grey_of_16_bits_is_not_cut_to_white(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(file)

    assert np.array_equal(np.asarray(open_image(file, "L")), RAMP)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"])
def test_a_file_that_is_no_image_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)

    with pytest.raises(DataError, match=r"x\.png is not an image that can be read"):
        open_image(tmp_path / "x.png", "RGB")


def test_an_image_that_ends_too_early_is_named(tmp_path: Path) -> None:
    file = picture(tmp_path / "x.png", np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    file.write_bytes(file.read_bytes()[:2000])

    with pytest.raises(DataError, match=r"x\.png is not an image that can be read"):
        open_image(file, "RGB")


def test_an_image_too_large_to_be_honest_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)

    with pytest.raises(DataError, match=r"x\.png is not an image that can be read"):
        open_image(picture(tmp_path / "x.png", RAMP), "RGB")


def test_resizing_averages_and_leaves_the_right_size_alone() -> None:
    checks = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8).repeat(4, 4).unsqueeze(0)

    assert resized(checks, None) is checks
    assert resized(checks, 8) is checks
    small = resized(checks, [2, 4])
    assert small.shape == (1, 2, 4)
    assert (small.float() - 127.5).abs().max() < 20


@pytest.mark.parametrize("size", [0, -3, 2.5, "8", True, [8], [8, 8, 8], [8, 0], {"a": 1}])
def test_what_is_no_size_is_refused(size: Any) -> None:
    with pytest.raises(DataError, match=r"^data\.image_size: is a side in pixels, or \[height, width\], not "):
        sides(size)


def test_items_are_read_when_they_are_asked_for() -> None:
    faulty = Items(Faulty(), torch.tensor([0, 0, 1]), None)

    assert len(faulty) == 3
    assert faulty[torch.tensor([1, 0])].read().shape == (2, 2)
    with pytest.raises(DataError, match=r"^data: item 1 of Faulty is no input and target: KeyError: 'gone'"):
        faulty.read()


def test_an_item_that_is_no_array_is_refused() -> None:
    with pytest.raises(DataError, match="a NoneType is no array of numbers"):
        Items(Faulty(), torch.tensor([2]), None).read()
    with pytest.raises(DataError, match="a list is no array of numbers"):
        as_array(["a", "b"])


def test_numbers_alone_are_rows_of_one_feature() -> None:
    items = Items([(0.5, 0), (1.5, 1)], torch.tensor([1, 0]), None)

    assert items.read().tolist() == [[1.5], [0.5]]


def test_an_array_that_may_not_be_written_on_is_copied() -> None:
    array = np.arange(6.0)
    array.flags.writeable = False

    as_array(array)[0] = 7

    assert array.tolist() == list(range(6))
