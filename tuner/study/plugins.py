"""Samplers and pruners that neither Optuna nor tuner has: from user code, entry points and OptunaHub."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from tuner.errors import BuildError, in_words, listing
from tuner.runtime import user_code

GROUPS = {"sampler": "tuner.samplers", "pruner": "tuner.pruners"}
"""The groups of entry points by which packages offer classes."""


def named_by_code(name: str, kind: str, base_class: type, folder: str) -> type:
    """Return the class that `file.py:Class`, `package:Class` or a name of OptunaHub names. This runs its code.

    Args:
        name: a file is relative to `folder`.
        kind: `sampler` or `pruner`.
        base_class: Optuna's base class of the kind.
        folder: the folder of the space.

    Raises:
        BuildError: it is not there, fails, or is no such class.
    """
    path = f"search.{kind}.type"
    found = _of_hub(name, path, base_class) if name.startswith(user_code.HUB) else user_code.load(name, folder, path)
    return _checked(found, name, path, kind, base_class)


def offered(kind: str) -> list[str]:
    """Return the names that installed packages offer by entry points."""
    return [point.name for point in _points(kind)]


def named_by_package(name: str, kind: str, base_class: type) -> type | None:
    """Return the class that an installed package offers under a name; None if no package does.

    Raises:
        BuildError: importing it fails, or it is no such class.
    """
    point = next((point for point in _points(kind) if point.name == name), None)
    if point is None:
        return None
    path = f"search.{kind}.type"
    try:
        found = point.load()
    except Exception as error:  # whatever the package raises is its own
        raise BuildError(path, f"{name}: importing {point.value} raised {in_words(error)}") from error
    return _checked(found, name, path, kind, base_class)


@functools.cache
def _points(kind: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUPS[kind]))


@functools.cache
def _of_hub(name: str, path: str, base_class: type) -> Any:
    """Return a class of OptunaHub: `optunahub:package`, or `optunahub:package:Class` of several."""
    package, _, wanted = name.removeprefix(user_code.HUB).partition(":")
    if importlib.util.find_spec("optunahub") is None:
        raise BuildError(path, f"{name} needs the package optunahub: pip install optunahub")
    try:
        module = importlib.import_module("optunahub").load_module(package)
    except ModuleNotFoundError as error:
        raise BuildError(path, f"{name} needs the package {error.name}: pip install {error.name}") from None
    except Exception as error:  # of the network, of GitHub, or of the package
        raise BuildError(path, f"{name}: OptunaHub cannot load {package}: {in_words(error)}") from error
    if wanted:
        if not hasattr(module, wanted):
            raise BuildError(path, f"{name}: {package} has no {wanted}; it has {listing(_classes(module, base_class))}")
        return getattr(module, wanted)
    return _only(module, name, path, base_class)


def _only(module: ModuleType, name: str, path: str, base_class: type) -> Any:
    classes = _classes(module, base_class)
    if len(classes) != 1:
        known = listing(sorted(classes)) if classes else "none"
        raise BuildError(path, f"{name}: it has {known}: name one class, as {name}:Class")
    return classes[next(iter(classes))]


def _classes(module: ModuleType, base_class: type) -> dict[str, Any]:
    """Return the classes of a package of OptunaHub, without those of Optuna that it imports."""
    return {name: cls for name, cls in vars(module).items() if _is_own(cls, base_class) and not name.startswith("_")}


def _is_own(found: Any, base_class: type) -> bool:
    return inspect.isclass(found) and issubclass(found, base_class) and found.__module__.partition(".")[0] != "optuna"


def _checked(found: Any, name: str, path: str, kind: str, base_class: type) -> type:
    if not (inspect.isclass(found) and issubclass(found, base_class)):
        base = f"optuna.{kind}s.{base_class.__name__}"
        raise BuildError(path, f"{name} is no {kind}: derive the class from {base}")
    return found
