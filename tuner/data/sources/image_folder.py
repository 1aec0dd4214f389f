"""Folders of images, one folder per class: `root/<class>/.../<image>`, or such folders for each split."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from PIL import Image

from tuner.data.rows import Rows, Source
from tuner.data.sources import labels
from tuner.data.sources.image_decoding import MODES, open_image
from tuner.data.sources.image_files import ENDINGS, Headers, Skipped, images_in, subfolders
from tuner.data.sources.image_layout import Layout
from tuner.data.sources.images import Items, Size
from tuner.errors import DataError, counted, listing
from tuner.goal import Task

Samples = list[tuple[str, int]]


def load(
    *,
    base: str,
    root: str,
    image_size: Size = None,
    mode: str | None = None,
    test_root: str | None = None,
    skip_corrupt: bool = False,
) -> Source:
    """Find the images of `root/<class>/.../<image>`, or of `root/train/<class>`, `root/val/...` and `root/test/...`.

    Args:
        base: the folder that `root` starts from.
        root: the folder of the class folders, or of one such folder for each split.
        image_size: a side in pixels, or [height, width]; needed where images differ.
        mode: `RGB`, `L` (grey), `RGBA` or `F` (grey, the file's own numbers); by default RGB, F for 16 or 32 bits.
        test_root: a folder of the same classes that is the test split.
        skip_corrupt: leave out files that are no images, and say how many; by default one is an error.

    Raises:
        DataError: the folder is not there, has no images, or has a file that is none.
    """
    if mode is not None and mode not in MODES:
        raise DataError(f"data.mode: is {listing(MODES)}, not {mode}")
    layout = Layout.of(base, root, test_root)
    files, notes = _files(layout.train, layout.classes, skip_corrupt)
    empty = [label for i, label in enumerate(layout.classes) if all(target != i for _, target in files)]
    if empty:
        raise DataError(f"data.root: {layout.train / empty[0]} has no image {_KINDS}")
    held, more = ([], ()) if layout.valid is None else _files(layout.valid, layout.classes, skip_corrupt)
    if layout.valid is not None and not held:
        raise DataError(f"data.root: {layout.valid} has no class folder with an image {_KINDS}")
    pool = [*files, *held]
    headers = Headers.of([file for file, _ in pool])
    chosen = mode or ("F" if headers.deep == headers.looked_at else "RGB")

    def test() -> Rows:
        assert layout.test is not None
        found, _ = _files(layout.test, layout.classes, skip_corrupt)
        if not found:
            raise DataError(f"{layout.test_key}: {layout.test} has no image {_KINDS}")
        return _rows(found, chosen, image_size)

    return Source(
        Task.CLASSIFICATION,
        tuple(layout.classes),
        _rows(pool, chosen, image_size),
        None if layout.test is None else test,
        valid=None if layout.valid is None else torch.arange(len(files), len(pool)),
        white=None if chosen == "F" else 255.0,
        notes=(*layout.notes, *notes, *more, *headers.notes(Path(base, root), chosen)),
    )


_KINDS = f"({', '.join(ENDINGS)})"


class Files:
    """A map-style dataset of (image, class index) over files."""

    def __init__(self, samples: list[tuple[str, int]], mode: str) -> None:
        self._samples = samples
        self._mode = mode

    def __len__(self) -> int:
        return len(self._samples)

    def sizes(self) -> list[int]:
        """Return the size of each file in bytes."""
        return [os.path.getsize(file) for file, _ in self._samples]

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        file, target = self._samples[index]
        try:
            return open_image(file, self._mode), target
        except DataError as error:
            raise DataError(f"{error}; data.skip_corrupt: true leaves such files out") from None


def _rows(samples: list[tuple[str, int]], mode: str, size: Size) -> Rows:
    targets = labels.indices([target for _, target in samples])
    return Rows(Items(Files(samples, mode), torch.arange(len(samples)), size), targets)


def _files(folder: Path, classes: list[str], skip: bool) -> tuple[Samples, tuple[str, ...]]:
    skipped = Skipped()
    there = set(subfolders(folder))
    samples = [
        (file, i) for i, label in enumerate(classes) if label in there for file in images_in(folder / label, skipped)
    ]
    sound = [sample for sample in samples if not skip or _is_sound(sample[0])]
    corrupt = len(samples) - len(sound)
    notes = (
        skipped.note(folder),
        f"{folder}: skipped {counted(corrupt, 'file')} without a readable image" if corrupt else "",
    )
    return sound, tuple(note for note in notes if note)


def _is_sound(file: str) -> bool:
    try:
        open_image(file, "RGB")
    except DataError:
        return False
    return True
