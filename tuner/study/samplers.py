"""Samplers and pruners by their class names, Optuna's or our own, with the defaults and the seeds of this project."""

from __future__ import annotations

import importlib.util
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner
from optuna.samplers import BaseSampler

from tuner import signatures
from tuner.config import Component
from tuner.errors import BuildError
from tuner.optuna_internals import SeededHyperband
from tuner.settings import Search
from tuner.study.sampler_traits import own_classes, traits_of

_TPE = "TPESampler"
_KINDS: Mapping[str, tuple[Any, type]] = {
    "sampler": (optuna.samplers, BaseSampler),
    "pruner": (optuna.pruners, BasePruner),
}


def sampler_learns(search: Search) -> bool:
    """Return whether results of trials influence the parameters of others."""
    return traits_of(search.sampler.type).learns


def learns(search: Search) -> bool:
    """Return whether results of trials influence others: their parameters, their length, or whether they begin."""
    return sampler_learns(search) or search.pruner is not None or search.stop is not None


def sampler(component: Component, seed: int, single: bool) -> BaseSampler:
    """Make a sampler.

    Args:
        component: the class and its arguments; one that is a mapping with a `type` is made too.
        seed: at least 0.
        single: whether there is one objective.

    Raises:
        BuildError: Optuna has no such class, or it refuses its arguments.
    """
    built: BaseSampler = _build(component, "sampler", lambda cls: _sampler_defaults(cls, component, seed, single))
    return built


def pruner(component: Component | None, epochs: int, seed: int) -> BasePruner:
    """Make a pruner; None prunes nothing.

    Args:
        component: the class and its arguments; one that is a mapping with a `type` is made too.
        epochs: the most that a trial may train.
        seed: decides what of it is up to chance.

    Raises:
        BuildError: Optuna has no such class, or it refuses its arguments.
    """
    if component is None:
        return NopPruner()
    built: BasePruner = _build(component, "pruner", lambda cls: _pruner_defaults(cls, epochs, seed))
    return built


def argument_faults(section: Any, kind: str) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each argument that a sampler's or pruner's class would refuse.

    Raises:
        BuildError: Optuna has no such class, or the section names none.
    """
    cls = _class(section.get("type") if isinstance(section, dict) else None, kind)
    yield from signatures.argument_faults(
        cls, {key: value for key, value in section.items() if key != "type"}, ours=("seed",)
    )


def _sampler_defaults(cls: type, component: Component, seed: int, single: bool) -> dict[str, Any]:
    """Return the defaults of a sampler: a seed, and groups for TPE's joint sampling.

    Without groups it samples jointly only what all trials have in common. With several objectives it samples each
    parameter independently, conditional ones included.
    """
    takes_seed = "seed" in signatures.parameters_of(cls)
    grouped = cls.__name__ == _TPE and component.args.get("multivariate", single)
    return {**({"seed": seed % 2**32} if takes_seed else {}), **({"group": True} if grouped else {})}


def _pruner_defaults(cls: type, epochs: int, seed: int) -> dict[str, Any]:
    """Return Hyperband's arguments; its own default would change its brackets on resume."""
    return {"max_resource": epochs, "seed": seed} if cls is HyperbandPruner else {}


def _build(component: Component, kind: str, defaults: Callable[[type], dict[str, Any]]) -> Any:
    cls = _class(component.type, kind)
    package = traits_of(component.type).package
    if package and importlib.util.find_spec(package) is None:
        raise BuildError(f"search.{kind}.type", f"{cls.__name__} needs the package {package}: pip install {package}")
    arguments = {**defaults(cls), **component.args}
    for key, value in arguments.items():
        if isinstance(value, dict) and "type" in value:
            arguments[key] = _build(Component.of(value), kind, defaults)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return (SeededHyperband if cls is HyperbandPruner else cls)(**arguments)
    except Exception as error:  # a constructor may raise anything for a bad argument
        raise BuildError(f"search.{kind}", f"{cls.__name__} refuses its arguments: {error}") from None


def _class(name: Any, kind: str) -> type:
    if not isinstance(name, str):
        raise BuildError(f"search.{kind}", f"name one of Optuna's {kind}s, such as {{type: ...}}")
    module, base = _KINDS[kind]
    own = own_classes(base)
    found: type = own.get(name) or signatures.named(module, name, base, f"search.{kind}.type", besides=own)
    if inspect.isabstract(found):
        raise BuildError(f"search.{kind}.type", f"{name} is only a base of {kind}s: name one that is made of it")
    return found
