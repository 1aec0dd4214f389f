"""User code in a run folder: its files are copied there, and later imported only from there.

The files beside it, and in its packages, that it imports are copied too. Installed packages are not copied.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tuner.runtime import packages, user_code
from tuner.runtime.user_code import Code


@dataclass(frozen=True, slots=True)
class Bundle:
    """User code that can move: `name` is its name in the run folder's config, `files` are its paths there."""

    name: str
    files: Mapping[str, Path]

    @classmethod
    def of(cls, code: Code) -> Bundle:
        """Find the files of code that can be loaded; empty for an installed package."""
        where, _, attribute = code.name.rpartition(":")
        base = Path(code.base).resolve()
        if where.endswith(".py"):
            file = Path(base, where).resolve()
            top = packages.top_of(file, base)
            root = file.parent if top is None else top.parent
            place = file.relative_to(root).as_posix()
            return cls(f"{place}:{attribute}", _reached([place], [root, base]))
        places = [_place_of(name, base) for name in _prefixes(where)]
        return cls(code.name, _reached(filter(None, places), [base]))

    def copy_to(self, folder: Path) -> dict[str, str]:
        """Copy the files into a run folder; return a digest of each."""
        for place, file in self.files.items():
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        return {place: digest_of(folder / place) for place in self.files}


def digest_of(file: Path) -> str:
    """Return a digest of a file's content; a missing file counts as empty."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def installed(name: str) -> dict[str, str]:
    """Return a digest by name of a user's module without a copy in a run folder; empty for a file."""
    where = name.rpartition(":")[0]
    file = getattr(sys.modules.get(where), "__file__", None)
    return {} if file is None or where.endswith(".py") else {where: digest_of(Path(file))}


@contextlib.contextmanager
def apart(folder: Path, places: Iterable[str]) -> Iterator[None]:
    """Import what the files at `places` define from `folder`, as a process without imported user code would.

    Other modules of the same names, and the folders of `own`, are hidden meanwhile.
    """
    tops = {PurePosixPath(place).parts[0].removesuffix(".py") for place in places}
    tops |= {name for name in list(sys.modules) if "." not in name and _is_found_by_own(name)}
    hidden = {name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] in tops}
    path = list(sys.path)
    for name in hidden:
        del sys.modules[name]
    sys.path[:] = [str(folder), *(entry for entry in path if entry not in user_code.LOOKED_IN)]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.modules.update(hidden)
        sys.path[:] = path
        if tops and str(folder) not in path:  # a forward may import, too
            sys.path.append(str(folder))
            user_code.LOOKED_IN.add(str(folder))


def _is_found_by_own(name: str) -> bool:
    """Return whether a module was found in a folder that holds only user code."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return False
    place = Path(file)
    return str((place.parent if place.name == "__init__.py" else place).parent) in user_code.LOOKED_IN


def _reached(places: Iterable[str], roots: list[Path]) -> dict[str, Path]:
    """Return the files at `places` and all files that they import, by their places below their roots."""
    found: dict[str, Path] = {}
    waiting: list[str | None] = list(places)
    while waiting:
        place = waiting.pop()
        if place is None or place in found:
            continue
        root = next(root for root in roots if (root / place).is_file())
        found[place] = root / place
        inside, outside = _imported(root / place, PurePosixPath(place))
        waiting += [_file_of(name, root) for name in _with_packages([*_packages_of(place), *inside])]
        waiting += [_place_of(name, each) for name in _with_packages(outside) for each in roots]
    return dict(sorted(found.items()))


def _place_of(name: str, root: Path) -> str | None:
    """Return the place of the module `name` below a root, unless `import` finds another one."""
    top = name.partition(".")[0]
    known = getattr(sys.modules.get(top), "__file__", None)
    if top in sys.stdlib_module_names or (known is not None and not Path(known).resolve().is_relative_to(root)):
        return None
    return _file_of(name, root)


def _file_of(name: str, root: Path) -> str | None:
    path = name.replace(".", "/")
    return next((there for there in (f"{path}/__init__.py", f"{path}.py") if (root / there).is_file()), None)


def _packages_of(place: str) -> list[str]:
    return [".".join(folder.parts) for folder in PurePosixPath(place).parents if folder.parts]


def _with_packages(names: Iterable[str]) -> set[str]:
    return {prefix for name in names for prefix in _prefixes(name)}


def _prefixes(name: str) -> list[str]:
    """Return `a`, `a.b` and `a.b.c` of `a.b.c`: an import runs them all."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _imported(file: Path, place: PurePosixPath) -> tuple[list[str], list[str]]:
    """Return the modules that a file may import, wherever in it, relative to itself and by their full names.

    Some are names in a module.
    """
    inside: list[str] = []
    outside: list[str] = []
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # it was not imported, or that had said so
        return [], []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            outside += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            packages = place.parent.parts
            above = packages[: len(packages) + 1 - node.level] if node.level else ()
            module = [*above, *([node.module] if node.module else [])]
            (inside if node.level else outside).extend(".".join([*module, alias.name]) for alias in node.names)
    return inside, outside
