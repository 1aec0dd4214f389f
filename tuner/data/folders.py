"""Folders of images, one folder per class, as torchvision's ImageFolder reads them."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torchvision.datasets.folder import IMG_EXTENSIONS, find_classes, make_dataset

from tuner.data import labels
from tuner.data.pictures import Items, Size, open_image
from tuner.data.rows import Rows, Source
from tuner.errors import DataError, listing
from tuner.task import Task

MODES = {"L": 1, "RGB": 3, "RGBA": 4}


def load(
    *,
    base: str,
    root: str,
    image_size: Size = None,
    mode: str = "RGB",
    test_root: str | None = None,
    skip_corrupt: bool = False,
) -> Source:
    """Find the images of `root/<class>/.../<image>`.

    Args:
        base: the folder that `root` starts from.
        root: the folder of the class folders.
        image_size: a side in pixels, or [height, width]; needed where images differ.
        mode: `RGB`, `L` (grey) or `RGBA`.
        test_root: a folder of the same classes that is the test split.
        skip_corrupt: leave out files that are no images, and say how many; by default one is an error.

    Raises:
        DataError: the folder is not there, has no images, or has a file that is none.
    """
    if mode not in MODES:
        raise DataError(f"data.mode: is {listing(MODES)}, not {mode}")
    classes = _classes(base, root, "root")
    if len(classes) < 2:
        raise DataError(f"data.root: {Path(base, root)} has one class only, {classes[0]}: there is nothing to learn")
    files, notes = _files(Path(base, root), classes, skip_corrupt)
    empty = [label for i, label in enumerate(classes) if all(target != i for _, target in files)]
    if empty:
        raise DataError(f"data.root: {Path(base, root, empty[0])} has no image ({', '.join(IMG_EXTENSIONS)})")

    if test_root is not None:
        _refuse_as_test(base, root, test_root, classes)

    def test() -> Rows:
        assert test_root is not None
        folder = Path(base, test_root)
        held, _ = _files(folder, classes, skip_corrupt)
        if not held:
            raise DataError(f"data.test_root: {folder} has no image ({', '.join(IMG_EXTENSIONS)})")
        return _rows(held, mode, image_size)

    own_test = None if test_root is None else test
    return Source(Task.CLASSIFICATION, tuple(classes), _rows(files, mode, image_size), own_test, notes=notes)


def _refuse_as_test(base: str, root: str, test_root: str, classes: list[str]) -> None:
    """Look at the names of the test split's folders; its images are left alone."""
    folder = Path(base, test_root)
    unknown = sorted(set(_classes(base, test_root, "test_root")) - set(classes))
    if unknown:
        raise DataError(f"{folder}: class {listing(unknown)} is not among those to train on: {listing(classes)}")
    if folder.samefile(Path(base, root)):
        raise DataError("data.test_root: is the folder of the training rows itself")


class Files:
    """A map-style dataset of (image, class index) over files."""

    def __init__(self, samples: list[tuple[str, int]], mode: str) -> None:
        self._samples = samples
        self._mode = mode

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        file, target = self._samples[index]
        return open_image(file, self._mode), target


def _rows(samples: list[tuple[str, int]], mode: str, size: Size) -> Rows:
    targets = labels.indices([target for _, target in samples])
    return Rows(Items(Files(samples, mode), torch.arange(len(samples)), size), targets)


def _classes(base: str, root: str, key: str) -> list[str]:
    """The class folders in order; hidden ones, such as a notebook's checkpoints, are none."""
    if not isinstance(root, str):
        raise DataError(f"data.{key}: takes the path of a folder, not {root}")
    folder = Path(base, root)
    try:
        classes = [name for name in find_classes(folder)[0] if not name.startswith(".")]
    except OSError:
        classes = []
    if not classes:
        raise DataError(f"data.{key}: {folder} is no folder with a folder of images per class")
    return classes


def _files(folder: Path, classes: list[str], skip: bool) -> tuple[list[tuple[str, int]], tuple[str, ...]]:
    position = {label: i for i, label in enumerate(classes)}
    samples: list[tuple[str, int]] = make_dataset(str(folder), position, IMG_EXTENSIONS, allow_empty=True)
    sound = [sample for sample in samples if not skip or _is_sound(sample[0])]
    skipped = len(samples) - len(sound)
    return sound, (f"{folder}: {skipped} files are no images and are left out",) if skipped else ()


def _is_sound(file: str) -> bool:
    try:
        open_image(file, "RGB")
    except DataError:
        return False
    return True
