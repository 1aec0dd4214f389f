"""A folder of images per class: the size of its images, and whether they have colours."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tuner.data.sources import image_folder
from tuner.data.sources.bundled import load
from tuner.data.sources.image_decoding import open_image
from tuner.data.sources.image_files import Skipped, images_in
from tuner.data.sources.image_layout import Layout
from tuner.errors import DataError
from tuner.scaffold.findings import Found, Kind

SAMPLE = 200
"""Number of images that are read, spread over the folder."""

LARGEST = 64
"""Largest side of images. Larger ones cost a small network more than they gain."""

ALIKE = 8
"""Largest difference of the channels of a grey image in colours, of 255: JPEG rounds."""


def look(base: str, root: str) -> Found:
    """Look at the images of a folder of images per class.

    If a read image is corrupt, the space leaves out all corrupt files, and a note has their number.

    Raises:
        DataError: it is no such folder, or has no readable image.
    """
    folder = Path(base, root)
    source = image_folder.load(base=base, root=root)
    layout = Layout.of(base, root, None)
    files = [file for label in layout.classes for file in images_in(layout.train / label, Skipped())]
    images, broken = _read(files[:: -(-len(files) // SAMPLE)])
    grey = all(_is_grey(image) for image in images)
    deep = source.white is None
    section: dict[str, Any] = {"type": "ImageFolder", "root": root, "mode": "F" if deep else "L" if grey else "RGB"}
    sizes = sorted({image.size for image in images})
    if broken:
        section["skip_corrupt"] = True
        source = image_folder.load(base=base, root=root, skip_corrupt=True)
    told = f"{len(source.pool)} images of {_shown(sizes)}, {'grey' if grey else 'in colours'}"
    if len(sizes) > 1 or max(sizes[0]) > LARGEST:
        section["image_size"] = _side(images)
        told += f"; brought to {section['image_size']} pixels a side"
    loaded = image_folder.load(base=base, **{key: value for key, value in section.items() if key != "type"})
    assert len(loaded.pool) == len(source.pool), root
    return Found(
        Kind.IMAGES, folder.resolve().name, section, loaded, (told, *(note.partition(": ")[2] for note in loaded.notes))
    )


def _read(files: Sequence[str]) -> tuple[list[Image.Image], list[DataError]]:
    """Read image files; return the images, and why the others cannot be read.

    Raises:
        DataError: no file can be read.
    """
    images, broken = list[Image.Image](), list[DataError]()
    for file in files:
        try:
            images.append(open_image(file, "RGB"))
        except DataError as error:
            broken.append(error)
    if not images:
        raise broken[0]
    return images, broken


def bundled() -> Found:
    """Return scikit-learn's handwritten digits, for users without data at hand."""
    source = load(base="")
    told = "1797 handwritten digits of 8x8 pixels, which scikit-learn carries"
    return Found(Kind.IMAGES, "digits", {"type": "digits"}, source, (told,))


def shortest(found: Found) -> int:
    """Return the shorter side, in pixels, of the images as the model receives them."""
    first = found.source.pool.at(found.source.pool.targets.new_tensor([0])).inputs
    images = first if not hasattr(first, "read") else first.read()
    return int(min(images.shape[-2:]))


def _is_grey(image: Image.Image) -> bool:
    channels = np.asarray(image).astype(np.int16)
    return bool((channels.max(axis=2) - channels.min(axis=2)).max() <= ALIKE)


def _side(images: Sequence[Image.Image]) -> int:
    usual = statistics.median(min(image.size) for image in images)
    return int(min(LARGEST, max(8, usual)))


def _shown(sizes: Sequence[tuple[int, int]]) -> str:
    (width, height), *others = sizes
    return f"{len(sizes)} sizes" if others else f"{width}x{height} pixels"
