"""What is submitted of a space: its text, and the files beside it that it needs, such as user code."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.config import CODE_VALUES, FILE_VALUES
from tuner.errors import UsageError
from tuner.runtime.user_bundle import Bundle
from tuner.runtime.user_code import HUB, Code, codes, is_own
from tuner.space import Space
from tuner.space.edit import Settings, pairs_of

MOST_BYTES = 2**26
"""Largest size in bytes of the files that travel with a space."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A space on its way: its text, the name of its file, settings, and files by their paths beside it."""

    text: str
    file: str
    settings: Mapping[str, Any]
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, space: Space | str | Path, settings: Settings = (), files: Iterable[str | Path] = ()) -> Parcel:
        """Pack a space, the code that it names with all that this imports, and a table that lies beside it.

        Args:
            space: a file, or a space that was read already.
            settings: values in place of those of the file, by their paths.
            files: further files or folders, as paths from the folder of the space.

        Raises:
            SpaceError: the space has faults.
            UsageError: a file is outside of the space's folder, cannot be read, or all are too large.
        """
        opened = space if isinstance(space, Space) else Space.load(space)
        base = Path(opened.base)
        changes = {path: _from_base(path, value, base) for path, value in pairs_of(settings)}
        changed = opened.with_settings(changes)
        found = {**_code_of(changed), **_tables_of(changed), **_below(base, files)}
        if (size := sum(file.stat().st_size for file in found.values())) > MOST_BYTES:
            raise UsageError(
                f"{opened.file}: its files have {size / 1e6:.0f} MB, and at most {MOST_BYTES >> 20} MB are sent with "
                "a space; upload data with `tuner upload`"
            )
        contents = {place: file.read_bytes() for place, file in sorted(found.items())}
        return cls(opened.text, Path(opened.file).name, changes, contents)

    @property
    def body(self) -> dict[str, Any]:
        """The fields of a request."""
        return {"space": self.text, "file": self.file, "settings": dict(self.settings)}


def _from_base(path: str, value: Any, base: Path) -> Any:
    """Return a setting's value; an absolute path of a file below the space's folder becomes relative to it."""
    if not isinstance(value, str):
        return value
    file, colon, name = value.rpartition(":") if path in CODE_VALUES else (value, "", "")
    is_path = path in FILE_VALUES or (path in CODE_VALUES and file.endswith(".py"))
    if not is_path or not os.path.isabs(file) or not Path(file).is_relative_to(base):
        return value
    return f"{Path(file).relative_to(base).as_posix()}{colon}{name}"


def _code_of(space: Space) -> dict[str, Path]:
    """Return the files of the user code that a space names, by their paths from its folder."""
    found: list[Path] = []
    for place, name in _named_code(space):
        file = name.rpartition(":")[0]
        if file.endswith(".py") and not Path(space.base, file).is_file():
            raise UsageError(f"{space.file}: {place}: {name}: there is no file {Path(space.base, file)}")
        found += Bundle.of(Code(name, space.base, place)).files.values()
    return _below(Path(space.base), found)


def _named_code(space: Space) -> Iterator[tuple[str, str]]:
    for kind in ("sampler", "pruner"):
        named = codes(space.fixed["search"][kind], f"search.{kind}")
        yield from ((place, name) for place, name in named if not name.startswith(HUB))
    if (function := space.objective.function) is not None:
        yield "objective.function", function
    if space.objective.own_training:
        return
    for place, name in (*space.types("data"), *space.types("model")):
        if is_own(name):
            yield place, name


def _tables_of(space: Space) -> dict[str, Path]:
    """Return the data files that a space names by relative paths, where they are there."""
    if space.objective.own_training:
        return {}
    named = [Path(space.base, path) for path in _relative_files(space)]
    return _below(Path(space.base), [file for file in named if file.is_file()])


def _relative_files(space: Space) -> Iterator[str]:
    data = space.fixed.get("data") or {}
    for path in ("path", "test_path"):
        value = data.get(path)
        if isinstance(value, str) and not os.path.isabs(value):
            yield value


def _below(base: Path, files: Iterable[str | Path]) -> dict[str, Path]:
    """Return files, and those of folders, by their paths from `base`.

    Raises:
        UsageError: one is not there, or not below `base`.
    """
    found: dict[str, Path] = {}
    root = base.resolve()
    for named in files:
        place = (root / named).resolve()
        if not place.is_relative_to(root):
            raise UsageError(f"{named}: only files in {root} are sent with a space: put it there")
        if not place.exists():
            raise UsageError(f"{place}: there is no such file")
        inside = [each for each in place.rglob("*") if each.is_file()] if place.is_dir() else [place]
        found |= {each.relative_to(root).as_posix(): each for each in inside}
    return found
