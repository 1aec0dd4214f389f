"""Classes by name: of a library module, or of the user's own code."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from tuner.errors import BuildError, did_you_mean, ends_the_run, in_words
from tuner.runtime import packages
from tuner.runtime.seeds import derive


@dataclass(frozen=True, slots=True)
class Code:
    """User code that a config names: `name` as for `load`, the folder `base`, its place in the config."""

    name: str
    base: str
    path: str

    def load(self) -> Any:
        """Import the code, like the function `load`."""
        return load(self.name, self.base, self.path)


HUB = "optunahub:"
"""The beginning of names of OptunaHub, such as `optunahub:samplers/auto_sampler`, which it downloads."""


def is_own(name: str) -> bool:
    """Return whether `name` is `file.py:Class` or `package.module:Class` and not the name of a built-in."""
    return ":" in name


def codes(section: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield (path, name) of the user code in the `type` of a plain section and of those in its arguments."""
    if isinstance(section, dict):
        name = section.get("type")
        if isinstance(name, str) and is_own(name):
            yield f"{path}.type", name
        for key, value in section.items():
            yield from codes(value, f"{path}.{key}")


def load(name: str, base: str, path: str) -> Any:
    """Import what `file.py:Name` or `package.module:Name` names. This runs that code.

    Args:
        name: the file is relative to `base`; a package is one that is installed, or lies in `base`.
        base: a folder.
        path: the config path that the name stands at, for messages.

    Raises:
        BuildError: there is no such file, module or name, or its code fails when imported.
    """
    where, _, attribute = name.rpartition(":")
    if not where or (where.startswith(".") and not where.endswith(".py")) or not attribute.isidentifier():
        raise BuildError(path, f"{name} names no code: write file.py:Name or package.module:Name")
    try:
        module = _from_file(Path(base, where), Path(base)) if where.endswith(".py") else _from_package(where, base)
    except FileNotFoundError:
        raise BuildError(path, f"{name}: there is no file {Path(base, where)}") from None
    except ModuleNotFoundError as error:
        raise BuildError(path, f"{name}: there is no module {error.name} in {base} or among the packages") from None
    except BaseException as error:  # whatever the user's code raises is theirs to mend
        if ends_the_run(error):
            raise
        raise BuildError(path, f"{name}: {_import_failure(error, where, base)}") from error
    if not hasattr(module, attribute):
        names = [known for known, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        raise BuildError(path, f"{name}: {where} has no {attribute}{did_you_mean(attribute, names)}")
    return getattr(module, attribute)


def _import_failure(error: BaseException, where: str, base: str) -> str:
    if not isinstance(error, SystemExit):
        return f"importing it raised {in_words(error)}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(Path(base).resolve())] or frames
    line = f"{Path(own[-1].filename).name} line {own[-1].lineno}, `{own[-1].line}`"
    way_on = 'put what only a script does under `if __name__ == "__main__":`'
    return f"importing it ended in {line}: {in_words(error)}; {way_on}"


_loaded: dict[Path, tuple[int, ModuleType]] = {}
"""The module of each file, and the time of the file's last change."""


def _from_file(file: Path, base: Path) -> ModuleType:
    file = file.resolve()
    if not file.is_file():
        raise FileNotFoundError(file)
    if (top := packages.top_of(file, base)) is not None:
        _look_in(str(top.parent))
        with _arguments(str(file)):
            return packages.load(file, top)
    changed = file.stat().st_mtime_ns
    if file in _loaded and _loaded[file][0] == changed:
        return _loaded[file][1]
    _look_in(str(file.parent))
    always = f"tuner_own_{file.stem}_{derive(changed, str(file)):x}"  # the same in every process
    name = file.stem if _finds(file) else always
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, file
    assert spec.loader is not None, file
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and pickling look a class's module up while it is being made
    try:
        with _arguments(str(file)):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    sys.modules[always] = module
    _loaded[file] = changed, module
    return module


def _finds(file: Path) -> bool:
    """Return whether `import` finds a file by its name, so that processes of user code can import it too."""
    if file.stem in sys.modules:
        return file in _loaded and sys.modules[file.stem] is _loaded[file][1]
    spec = None if "." in file.stem else importlib.util.find_spec(file.stem)
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == file


def _from_package(name: str, base: str) -> ModuleType:
    _look_in(base)
    with _arguments(name):
        return importlib.import_module(name)


@contextlib.contextmanager
def _arguments(script: str) -> Iterator[None]:
    """Give imported code the command line of a script without arguments, not this program's."""
    before = sys.argv
    sys.argv = [script]
    try:
        yield
    finally:
        sys.argv = before


LOOKED_IN: set[str] = set()
"""Folders that are on Python's path for user code alone."""


def _look_in(folder: str) -> None:
    if folder not in sys.path:
        LOOKED_IN.add(folder)
        sys.path.append(folder)  # last, so that a types.py of the user's replaces no library


def forget(folder: Path) -> None:
    """Drop the modules that were imported from a folder before it is deleted.

    Args:
        folder: resolved.
    """
    for file in [file for file in _loaded if file.is_relative_to(folder)]:
        del _loaded[file]
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if isinstance(origin, str) and origin.startswith(f"{folder}{os.sep}"):  # of thousands: a Path each takes 0.1 s
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if not Path(entry).is_relative_to(folder)]
    LOOKED_IN.difference_update({entry for entry in LOOKED_IN if Path(entry).is_relative_to(folder)})
