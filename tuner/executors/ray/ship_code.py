"""User code for nodes that share no disk with the driver: the files beside a space, and their definitions.

Nothing is sent for a space without user code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.errors import UsageError
from tuner.runtime import user_code
from tuner.runtime.user_code import Code

BESIDES = {".json", ".toml", ".txt", ".yaml", ".yml"}
"""Kinds of files that code reads. Small ones are sent with it."""

SMALL = 2**17
MOST = 2**26
"""Largest size in bytes of a small file, and of everything that is sent."""

NOT_OURS = {"__pycache__", "node_modules", "site-packages"}


@dataclass(frozen=True, slots=True)
class Luggage:
    """User code to send: files by their paths below the space's folder, and the names in them."""

    files: Mapping[str, bytes]
    names: Sequence[Named]
    base: str = ""
    """The space's folder, where the driver is."""

    @classmethod
    def of(cls, code: Sequence[Code]) -> Luggage:
        """Pack the user code of one space.

        Raises:
            UsageError: a file is outside of the space's folder, or the files are too large.
        """
        for one in code:
            _refuse_elsewhere(one)
        files = dict(_files(code[0].base)) if code else {}
        names = [Named(one.name, one.path, tuple(_modules(one.name, one.base))) for one in code]
        return cls(files, names, str(Path(code[0].base).resolve()) if code else "")

    def unpack(self, folder: str) -> None:
        """Write the files and import the names, so that their objects can be unpickled."""
        for file, content in self.files.items():
            target = Path(folder, file)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if self.names:
            _prefer(folder, self.base)
        for named in self.names:
            user_code.load(named.name, folder, named.path)
            for module in _modules(named.name, folder):
                sys.modules.update(dict.fromkeys(named.modules, sys.modules[module]))


@dataclass(frozen=True, slots=True)
class Named:
    """A name of user code, its place in the config, and the module names of its file in the driver."""

    name: str
    path: str
    modules: tuple[str, ...]


def _prefer(folder: str, base: str) -> None:
    """Look for modules in the unpacked files before the driver's own folder, which Ray puts on Python's path.

    User code keeps the name of its file only where `import` finds that file, and its pools need the name.
    """
    theirs = [entry for entry in sys.path if entry and _travels(Path(entry).resolve(), Path(base))]
    unpacked = [str(Path(folder, Path(entry).resolve().relative_to(base))) for entry in theirs]
    sys.path[:] = [entry for entry in sys.path if entry not in theirs] + unpacked + theirs


def _travels(folder: Path, base: Path) -> bool:
    """Return whether the files of a folder are sent: `base`, or below it, neither hidden nor an environment."""
    inside = [each for each in (folder, *folder.parents) if each.is_relative_to(base) and each != base]
    return folder.is_relative_to(base) and not any(_foreign(each) for each in inside)


def _refuse_elsewhere(code: Code) -> None:
    file = Path(code.name.rpartition(":")[0])
    if file.suffix == ".py" and (file.is_absolute() or ".." in file.parts):
        raise UsageError(
            f"{code.path}: {code.name}: only code in {code.base} is sent to Ray nodes. "
            f"Put it there and name it by its path from there"
        )


def _modules(name: str, base: str) -> list[str]:
    """Return the module names of a user's file in this process; a package has one name everywhere."""
    file = str(Path(base, name.rpartition(":")[0]).resolve())
    return [known for known, module in list(sys.modules.items()) if getattr(module, "__file__", None) == file]


def _files(base: str) -> Iterator[tuple[str, bytes]]:
    total = 0
    for file in _worth_sending(base):
        content = file.read_bytes()
        total += len(content)
        if total > MOST:
            raise UsageError(f"{base}: holds more than {MOST >> 20} MB of code: put the space into a folder of its own")
        yield file.relative_to(base).as_posix(), content


def _worth_sending(base: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(base):
        folders[:] = sorted(name for name in folders if not _foreign(Path(folder, name)))
        for file in (Path(folder, name) for name in sorted(names)):
            small = file.suffix in BESIDES and not file.name.startswith(".")
            if file.is_file() and (file.suffix == ".py" or (small and file.stat().st_size <= SMALL)):
                yield file


def _foreign(folder: Path) -> bool:
    """Return whether a folder is hidden or a virtual environment."""
    return folder.name.startswith(".") or folder.name in NOT_OURS or (folder / "pyvenv.cfg").exists()
