"""Samplers and pruners by their names in a space: of Optuna, of our own, of packages, of user code."""

from __future__ import annotations

import importlib.util
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, HyperbandPruner
from optuna.samplers import BaseSampler

from tuner import signatures
from tuner.config import Component
from tuner.errors import BuildError
from tuner.optuna_internals import SeededHyperband
from tuner.runtime.user_code import is_own
from tuner.study import plugins
from tuner.study.sampler_traits import own_classes, traits_of

_KINDS: Mapping[str, tuple[Any, type]] = {
    "sampler": (optuna.samplers, BaseSampler),
    "pruner": (optuna.pruners, BasePruner),
}


def argument_faults(section: Any, kind: str, folder: str = "") -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each argument that a sampler's or pruner's class would refuse.

    Args:
        section: names the class and its arguments.
        kind: `sampler` or `pruner`.
        folder: the folder of the space, where its files of user code are.

    Raises:
        BuildError: there is no such class, or the section names none.
    """
    cls = _class(section.get("type") if isinstance(section, dict) else None, kind, folder)
    yield from signatures.argument_faults(
        cls, {key: value for key, value in section.items() if key != "type"}, ours=("seed", "dimensions")
    )


def build(component: Component, kind: str, defaults: Callable[[type], dict[str, Any]], folder: str = "") -> Any:
    """Make a sampler or pruner, and those that its arguments describe.

    Args:
        component: the class and its arguments; one that is a mapping with a `type` is made too.
        kind: `sampler` or `pruner`.
        defaults: gives the arguments of a class that the component may leave out.
        folder: the folder of the space, where its files of user code are.

    Raises:
        BuildError: there is no such class, its package is not installed, or it refuses its arguments.
    """
    cls = _class(component.type, kind, folder)
    package = traits_of(component.type).package
    if package and importlib.util.find_spec(package) is None:
        raise BuildError(f"search.{kind}.type", f"{cls.__name__} needs the package {package}: pip install {package}")
    arguments = {**defaults(cls), **component.args}
    for key, value in arguments.items():
        if isinstance(value, dict) and "type" in value:
            arguments[key] = build(Component.of(value), kind, defaults, folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return (SeededHyperband if cls is HyperbandPruner else cls)(**arguments)
    except Exception as error:  # a constructor may raise anything for a bad argument
        raise BuildError(f"search.{kind}", f"{cls.__name__} refuses its arguments: {error}") from None


def _class(name: Any, kind: str, folder: str) -> type:
    if not isinstance(name, str):
        raise BuildError(f"search.{kind}", f"name one of Optuna's {kind}s, such as {{type: ...}}")
    module, base = _KINDS[kind]
    found = plugins.named_by_code(name, kind, base, folder) if is_own(name) else _installed(name, kind, module, base)
    if inspect.isabstract(found):
        raise BuildError(f"search.{kind}.type", f"{name} is only a base of {kind}s: name one that is made of it")
    return found


def _installed(name: str, kind: str, module: ModuleType, base: type) -> type:
    own = own_classes(base)
    if (found := own.get(name)) is not None:
        return found
    if not hasattr(module, name) and (offered := plugins.named_by_package(name, kind, base)) is not None:
        return offered
    known: type = signatures.named(module, name, base, f"search.{kind}.type", besides=[*own, *plugins.offered(kind)])
    return known
