"""Images as PIL's viewer and numpy have them, whatever their file keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from tuner.data.sources.image_decoding import open_image
from tuner.errors import DataError

CHANCE = np.random.default_rng(0)
HALVES = np.repeat(np.array([[30, 220]], dtype=np.uint8), 6, axis=0).repeat([3, 5], axis=1)
"""(6, 8), dark on the left."""


@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_stands_as_its_camera_said(tmp_path: Path, ending: str, orientation: int) -> None:
    pixels = CHANCE.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / f"x.{ending}"
    Image.fromarray(pixels).save(file, exif=exif, lossless=True)

    shown = np.asarray(open_image(file, "RGB"))

    with Image.open(file) as image:
        if ending == "tiff":  # which PIL turns by itself when it decodes
            image.load()
        assert np.array_equal(shown, np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
    assert shown.shape[:2] == ((6, 8) if orientation < 5 else (8, 6))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("colour", [0, 255, 128])
@pytest.mark.parametrize("kept", ["RGBA", "LA", "P", "PA"])
def test_a_shape_that_stands_in_the_alpha_channel_is_seen(tmp_path: Path, mode: str, colour: int, kept: str) -> None:
    alpha = np.zeros((8, 8), dtype=np.uint8)
    alpha[2:5, 3:7] = 255
    drawn = Image.fromarray(np.dstack([np.full((8, 8, 3), colour, dtype=np.uint8), alpha]))
    if kept == "P":
        drawn = Image.fromarray((alpha > 0).astype(np.uint8), "P")
        drawn.putpalette([colour] * 6)
        drawn.info["transparency"] = 0
    file = tmp_path / "x.png"
    (drawn.convert("LA") if kept in ("LA", "PA") else drawn).save(file)

    shown = np.asarray(open_image(file, mode).convert("L"))

    ground = 0 if colour == 255 else 255
    assert np.array_equal(shown, np.where(alpha > 0, colour, ground))


def test_half_seen_parts_are_mixed_with_the_ground(tmp_path: Path) -> None:
    pixels = CHANCE.integers(0, 256, (5, 5, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")

    shown = np.asarray(open_image(tmp_path / "x.png", "RGB")).astype(float)

    share = pixels[..., 3:] / 255
    assert np.abs(shown - (pixels[..., :3] * share + 255 * (1 - share))).max() <= 1
    assert np.array_equal(np.asarray(open_image(tmp_path / "x.png", "RGBA")), pixels)


@pytest.mark.parametrize(
    "pixels",
    [
        CHANCE.normal(0, 1000, (6, 8)).astype(np.float32),
        CHANCE.random((6, 8)).astype(np.float32),
        CHANCE.integers(-(2**30), 2**30, (6, 8), dtype=np.int32),
        CHANCE.integers(0, 2**16, (6, 8), dtype=np.uint16),
        CHANCE.integers(0, 256, (6, 8), dtype=np.uint8),
    ],
)
def test_a_file_s_own_numbers_are_kept_on_request(tmp_path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(tmp_path / "x.tiff")

    shown = np.asarray(open_image(tmp_path / "x.tiff", "F"))

    assert shown.dtype == np.float32
    assert np.array_equal(shown, pixels.astype(np.float32))


@pytest.mark.parametrize(
    ("pixels", "ending"),
    [
        (HALVES.astype(np.float32) / 255, "tiff"),
        (HALVES.astype(np.float32), "tiff"),
        (HALVES.astype(np.int32), "tiff"),
        (HALVES.astype(np.int32) * 257, "tiff"),
        (HALVES.astype(np.uint16) * 257, "tiff"),
        (HALVES.astype(np.uint16) * 257, "png"),
    ],
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_deep_images_are_brought_to_8_bits_by_the_usual_range(
    tmp_path: Path, pixels: np.ndarray, ending: str, mode: str
) -> None:
    Image.fromarray(pixels).save(tmp_path / f"x.{ending}")

    assert np.array_equal(np.asarray(open_image(tmp_path / f"x.{ending}", mode).convert("L")), HALVES)


def test_other_ranges_are_stretched(tmp_path: Path) -> None:
    Image.fromarray(np.array([[-51.0, 0.0, 204.0]], dtype=np.float32)).save(tmp_path / "x.tiff")

    assert np.asarray(open_image(tmp_path / "x.tiff", "L")).tolist() == [[0, 51, 255]]


@pytest.mark.parametrize("mode", ["L", "F"])
def test_pixels_that_are_no_numbers_are_refused_by_file(tmp_path: Path, mode: str) -> None:
    Image.fromarray(np.array([[np.nan, 1.0]], dtype=np.float32)).save(tmp_path / "x.tiff")

    with pytest.raises(DataError, match=r"x\.tiff is not an image that can be read: it has pixels that are NaN"):
        open_image(tmp_path / "x.tiff", mode)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    Image.fromarray(CHANCE.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "x.jpg")
    (tmp_path / "x.jpg").write_bytes((tmp_path / "x.jpg").read_bytes()[:900])

    with pytest.raises(DataError, match=r"x\.jpg is not an image that can be read: .*truncated"):
        open_image(tmp_path / "x.jpg", "RGB")
