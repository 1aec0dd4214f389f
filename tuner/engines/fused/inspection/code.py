"""Whose code something is: a user's, whose globals and closures may hold state, or a library's."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders of packages that were installed."""

LIBRARY = frozenset({"tuner", "torch", "torchvision", "numpy", "pandas", "sklearn", "scipy", "optuna"})
"""Packages that are a library wherever they lie."""

LOOKUPS = frozenset({"globals", "modules", "eval", "exec", "getattr", "setattr", "vars", "import_module", "__import__"})
"""Names by which code reaches a global that it does not spell out."""


@functools.lru_cache(maxsize=4096)
def is_users(module: str, package: str = "") -> bool:
    """Return whether a module is user code: not Python's, not this project's, not installed.

    An installed package is user code as well where the model comes from it: then `package` is its name.
    """
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in LIBRARY:
        return False
    return module == "__main__" or top == package or not (_is_installed(module) or _file_of(module) is None)


def is_found_by_name(cls: type) -> bool:
    """Return whether a class is found in its module by its name, and is thus one object for all models."""
    found: object = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls


def is_made(function: FunctionType) -> bool:
    """Return whether a function was made by `exec`, with globals that are those of no module."""
    module = sys.modules.get(function.__globals__.get("__name__", ""))
    return module is None or vars(module) is not function.__globals__


def has_many_purposes(module: str) -> bool:
    """Return whether most globals of a module are not for one model: those of a script, a notebook, a package."""
    return module == "__main__" or _is_installed(module)


def title_of(module: str) -> str:
    """Return what people call a module: the name of its file, if it is in no package."""
    file = _file_of(module)
    return module if file is None or "." in module else file.name


def globals_of(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Yield the globals that a function may use, by name, and the modules that it imports itself."""
    used = names_in(function.__code__)
    for name in set(function.__globals__) if used & LOOKUPS else used:
        if name in function.__globals__:
            yield name, function.__globals__[name]
        elif isinstance(found := sys.modules.get(name), ModuleType):
            yield name, found


def names_in(code: CodeType) -> set[str]:
    """Return the names of globals and attributes that code uses, functions inside it included."""
    return set(code.co_names).union(*(names_in(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def digest_of(code: CodeType) -> str:
    """Return a digest that tells code from other code on the same line."""
    parts = [code.co_code.hex(), repr(code.co_names), repr(code.co_varnames)]
    parts += [digest_of(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def _is_installed(module: str) -> bool:
    file = _file_of(module) or _file_of(module.partition(".")[0])
    return file is not None and bool(INSTALLED & set(file.parts))


def _file_of(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return None if file is None else Path(file)
