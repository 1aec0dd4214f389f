"""A folder as a zip file, which is sent while it is made. No copy of it lies on the disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tuner.service.schemas import FileView

CHUNK = 2**20
"""Bytes of a file that are read at once."""


def zipped(folder: Path, files: Sequence[FileView]) -> Iterator[bytes]:
    """Yield a zip file with these files, without compression: weights hardly shrink."""
    out = _Passage()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as made:
        for file in files:
            info = zipfile.ZipInfo.from_file(folder / file.path, file.path, strict_timestamps=False)
            with made.open(info, "w", force_zip64=True) as entry, (folder / file.path).open("rb") as content:
                while chunk := content.read(CHUNK):
                    entry.write(chunk)
                    yield out.taken()
    yield out.taken()


class _Passage(io.RawIOBase):
    """A file that can only be written, and whose content is taken out in between."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # a buffer
        self._written += piece
        return len(piece)

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        found = bytes(self._written)
        self._written.clear()
        return found
