"""Files of packages, imported as modules of their package, so that their relative imports work."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from tuner.runtime.seeds import derive

_loaded: dict[Path, tuple[int, ModuleType]] = {}
"""The module of each file, and the file's time of change."""


def top_of(file: Path, base: Path) -> Path | None:
    """Return the outermost package that a file belongs to.

    Args:
        file: resolved.
        base: the folder that user code is looked up from.

    Returns:
        The outermost folder with an `__init__.py` above the file; None for a module by itself. Relative imports
        may need more. Without such a folder, all folders between the file and `base` are packages, as for `import`.
        So is any folder that the file's own imports reach.
    """
    top, folder = None, file.parent
    while (folder / "__init__.py").is_file():
        top, folder = folder, folder.parent
    level = _level(file, file.stat().st_mtime_ns)
    if not level:
        return top
    base = base.resolve()
    if top is None:
        inside = file.parent.is_relative_to(base) and file.parent != base
        top = base / file.relative_to(base).parts[0] if inside else file.parent
    reached = file.parents[min(level, len(file.parents) - 1) - 1]
    return min(top, reached, key=lambda folder: len(folder.parts))


def load(file: Path, top: Path) -> ModuleType:
    """Import a file under its name in a package. This runs its code and that of the packages around it.

    If `import` finds it, it has the same name. Else its name is unique, so that two packages of one name stay apart.

    Args:
        file: resolved.
        top: as `top_of` gives it; the folder above it is on Python's path.

    Raises:
        Exception: whatever the code raises.
    """
    changed = file.stat().st_mtime_ns
    if file in _loaded and _loaded[file][0] == changed:
        return _loaded[file][1]
    inner = [part for part in file.relative_to(top).with_suffix("").parts if part != "__init__"]
    if _is_found(top):
        name = ".".join([top.name, *inner])
        if file in _loaded:
            sys.modules.pop(name, None)  # or the file as it was would come back
        module = importlib.import_module(name)
    else:
        module = _under_another_name(f"tuner_own_{top.name}_{derive(changed, str(file)):x}", top, inner)
    _loaded[file] = changed, module
    return module


def _under_another_name(name: str, top: Path, inner: list[str]) -> ModuleType:
    try:
        if name not in sys.modules:
            _make(name, top)
        return importlib.import_module(".".join([name, *inner]))
    except BaseException:
        for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
            del sys.modules[known]
        raise


def _make(name: str, top: Path) -> None:
    """Put a package into `sys.modules` whose modules are the files of a folder."""
    init = top / "__init__.py"
    if not init.is_file():
        package = ModuleType(name)
        package.__path__ = [str(top)]
        sys.modules[name] = package
        return
    spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(top)])
    assert spec is not None, init
    assert spec.loader is not None, init
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)


def _is_found(top: Path) -> bool:
    """Return whether `import` finds this package by its name, as processes of user code then do."""
    init = top / "__init__.py"
    if top.name in sys.modules:
        origin = getattr(sys.modules[top.name], "__file__", None)
    else:
        spec = importlib.util.find_spec(top.name) if top.name.isidentifier() else None
        origin = None if spec is None else spec.origin
    return origin is not None and Path(origin).resolve() == init


@functools.lru_cache(256)
def _level(file: Path, changed: int) -> int:
    """Return the dots of the farthest relative import in a file; 0 without any. Each version of it is parsed once."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # importing the file says what is wrong
        return 0
    return max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)
