"""The image files of a folder: which files are images, which are skipped, and notes about them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from torchvision.datasets.folder import IMG_EXTENSIONS

from tuner.data.sources import image_decoding
from tuner.errors import counted, listing

ENDINGS = (
    *IMG_EXTENSIONS, ".jfif", ".jpe", ".jif", ".jp2", ".gif", ".apng", ".avif", ".avifs", ".dib", ".pbm", ".pnm",
    ".pfm", ".tga", ".pcx",
)  # fmt: skip
"""Endings of image files, in small letters."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF", "JPEG2000")
"""Formats that a file without such an ending may have, by its first bytes."""

HIDDEN = (
    "__MACOSX", "__pycache__", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "#recycle", "lost+found",
)  # fmt: skip
"""Folders that a system makes. Names that begin with a dot are hidden too."""

LOOKED_AT = 5_000
"""Largest number of files whose headers are read, evenly spread over all."""


@dataclass(slots=True)
class Skipped:
    """Files that are no images, or hidden, by how their names end."""

    endings: Counter[str] = field(default_factory=Counter)

    def note(self, where: str | Path) -> str:
        """Return a note about the skipped files; empty if there are none."""
        if not self.endings:
            return ""
        told = [f"{ending} {count}" for ending, count in self.endings.most_common(4)]
        others = self.endings.total() - sum(count for _, count in self.endings.most_common(4))
        kinds = listing([*told, *([f"others {others}"] if others else [])])
        return f"{where}: {counted(self.endings.total(), 'file')} skipped, no images by their names or hidden ({kinds})"


def is_hidden(name: str) -> bool:
    """Return whether a file or folder belongs to a system or a tool."""
    return name.startswith(".") or name in HIDDEN


def subfolders(folder: str | Path) -> list[str]:
    """Return the names of the folders in a folder, in order, without hidden ones.

    Raises:
        OSError: `folder` is no folder.
    """
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not is_hidden(entry.name))


def images_in(folder: str | Path, skipped: Skipped) -> Iterator[str]:
    """Yield the image files in a folder and the folders below it, in order; `skipped` counts the others."""
    for path, names in sorted(_folders(folder)):
        hidden = any(map(is_hidden, Path(path).relative_to(folder).parts))
        for name in sorted(names):
            file = os.path.join(path, name)
            if hidden or is_hidden(name):
                if Path(name).suffix.lower() in ENDINGS:
                    skipped.endings["hidden"] += 1
            elif is_image(file):
                yield file
            else:
                skipped.endings[Path(name).suffix.lower() or "no ending"] += 1


def _folders(folder: str | Path) -> Iterator[tuple[str, list[str]]]:
    """Yield a folder and those below it with the names of their files; links upwards are not followed."""
    for path, inner, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(path)
        inner[:] = [name for name in inner if not _leads_back(os.path.join(path, name), real)]
        yield path, names


def _leads_back(link: str, folder: str) -> bool:
    return os.path.islink(link) and Path(folder).is_relative_to(os.path.realpath(link))


def loose(folder: Path) -> int:
    """Return the number of images in a folder itself, beside its folders."""
    return sum(entry.is_file() and not is_hidden(entry.name) and is_image(entry.path) for entry in os.scandir(folder))


def is_image(file: str | Path) -> bool:
    """Return whether a file is an image, by its name or its first bytes."""
    if Path(file).suffix.lower() in ENDINGS:
        return True
    try:
        with Image.open(file, formats=FORMATS):
            return True
    except Exception:  # PIL's readers raise anything for files that are no images
        return False


@dataclass(frozen=True, slots=True)
class Headers:
    """Facts from the headers of some image files; nothing is decoded.

    `looked_at` is their number. `deep` have pixels of 16 or 32 bits. `see_through` have transparent parts. `turned`
    must be turned upright. `several` have more than one picture or page.
    """

    looked_at: int
    deep: int = 0
    see_through: int = 0
    turned: int = 0
    several: int = 0

    @classmethod
    def of(cls, files: Sequence[str]) -> Headers:
        """Read the headers of some files; a file that cannot be opened counts for none."""
        some = files[:: -(-len(files) // LOOKED_AT) or 1]
        counts: Counter[str] = Counter()
        for file in some:
            counts.update(_kinds(file))
        return cls(len(some), counts["deep"], counts["see-through"], counts["turned"], counts["several"])

    def notes(self, where: str | Path, mode: str) -> Iterable[str]:
        """Yield what reading in a mode does to such images."""
        deep, flat = (0, self.looked_at - self.deep) if mode == "F" else (self.deep, 0)
        told = (
            (deep, "have 16 or 32 bits and are brought to 8; data.mode: F keeps their numbers"),
            (flat if self.deep else 0, "have 8 bits, and the others 16 or 32"),
            (self.see_through if mode != "RGBA" else 0, "have see-through parts, which are put on white or black"),
            (self.turned, "are turned upright, as their EXIF says"),
            (self.several, "have several pictures or pages, of which the first is read"),
        )
        yield from (f"{where}: {count} of {self.looked_at} images {what}" for count, what in told if count)


def _kinds(file: str) -> Iterator[str]:
    try:
        with Image.open(file) as image:
            if image_decoding.is_deep(image):
                yield "deep"
            if image.has_transparency_data:
                yield "see-through"
            if image.getexif().get(0x0112, 1) not in (0, 1):
                yield "turned"
            if getattr(image, "n_frames", 1) > 1:
                yield "several"
    except Exception:  # whoever decodes it names it
        return
