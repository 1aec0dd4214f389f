"""Decoding image files as a viewer shows them: upright, transparent parts on a ground, of any depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from tuner.errors import DataError

MODES = {"L": 1, "RGB": 3, "RGBA": 4, "F": 1}
"""The channels of an image in each mode."""

DEEP = ("I", "F")
"""Prefixes of PIL's modes with pixels of 16 or 32 bits."""

GROUNDS = ((255, 255, 255, 255), (0, 0, 0, 255))
"""White, and black for drawings in white."""

FAINT = 8
"""Largest difference of shades from 255 that nobody sees."""


def open_image(file: str | Path, mode: str) -> Image.Image:
    """Decode a whole file, upright.

    Args:
        file: of any format that PIL reads; of several pages or pictures the first counts.
        mode: `RGB`, `L` or `RGBA` of 8 bits, or `F` for one channel of the file's own numbers, float32.

    Raises:
        DataError: it is no image, or a damaged one; the message names it.
    """
    try:
        with Image.open(file) as image:
            return _as_wanted(ImageOps.exif_transpose(image), mode)
    except Exception as error:  # PIL's readers raise anything for files that are no images
        raise DataError(f"{file} is not an image that can be read: {error}") from None


def is_deep(image: Image.Image) -> bool:
    """Return whether pixels have 16 or 32 bits, without decoding."""
    return image.mode.startswith(DEEP)


def _as_wanted(image: Image.Image, mode: str) -> Image.Image:
    if mode == "F":
        return _own_numbers(image)
    image = _of_8_bits(image)
    return image.convert(mode) if mode == "RGBA" or not image.has_transparency_data else _on_ground(image, mode)


def _own_numbers(image: Image.Image) -> Image.Image:
    if not is_deep(image):
        image = _as_wanted(image, "L")
    pixels = np.asarray(image).astype(np.float32)
    if not np.isfinite(pixels).all():
        raise ValueError("it has pixels that are NaN or infinite")
    return Image.fromarray(pixels)


def _of_8_bits(image: Image.Image) -> Image.Image:
    """Return grey images of 16 or 32 bits with 8 bits, where PIL would cut all above 255 to white."""
    if not is_deep(image):
        return image
    pixels = np.asarray(image).astype(np.float64)
    if not np.isfinite(pixels).all():
        raise ValueError("it has pixels that are NaN or infinite")
    if image.mode.startswith("I;16"):
        return Image.fromarray((pixels / 256).astype(np.uint8))
    return Image.fromarray(_shades(pixels, whole=image.mode.startswith("I")))


def _shades(pixels: npt.NDArray[np.float64], whole: bool) -> npt.NDArray[np.uint8]:
    """Return shades of 8 bits; white is the largest usual number (1, 255 or 65535), or the image's own."""
    low, high = float(pixels.min()), float(pixels.max())
    whites = (255.0, 65535.0) if whole else (1.0, 255.0, 65535.0)
    white = next((white for white in whites if high <= white), None)
    if low < 0 or white is None:
        pixels, white = pixels - low, max(high - low, np.finfo(np.float64).tiny)
    return np.round(pixels * (255 / white)).astype(np.uint8)


def _on_ground(image: Image.Image, mode: str) -> Image.Image:
    """Return an image with transparent parts on white, or on black if white would hide everything."""
    drawn = image.convert("RGBA")
    grounds = [Image.alpha_composite(Image.new("RGBA", drawn.size, ground), drawn).convert(mode) for ground in GROUNDS]
    return next((made for made in grounds if _spread(made) > FAINT), grounds[0])


def _spread(image: Image.Image) -> int:
    extrema = image.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else [extrema]
    return int(max(high - low for low, high in bands))
