"""Signatures of classes and functions that a space names, and what is wrong with the arguments that it gives them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from tuner.errors import BuildError, did_you_mean, listing

HOLES = {"float", "int", "choice", "list", "ref"}
"""The keys by which a mapping is a hole; how it is written stands in the space's own parser."""


def named(module: ModuleType, name: str, kind: type, path: str, besides: Iterable[str] = ()) -> Any:
    """The class `name` of a library module.

    Args:
        module: such as `torch.optim`.
        name: a class of the module that derives from `kind`.
        kind: the base class; itself it is not taken.
        path: the config path that the name stands at, for messages.
        besides: names that the caller knows besides the module's, for the hint.

    Raises:
        BuildError: the module has no such class.
    """
    found = getattr(module, name, None)
    if inspect.isclass(found) and issubclass(found, kind) and found is not kind:
        return found
    known = [key for key, value in vars(module).items() if inspect.isclass(value) and issubclass(value, kind)]
    raise BuildError(path, f"there is no {name} in {module.__name__}{did_you_mean(name, [*known, *besides])}")


def argument_faults(
    function: Any, given: Mapping[str, Any], ours: Iterable[str] = (), title: str = ""
) -> Iterator[tuple[str, str]]:
    """What a call of `function` with the keyword arguments `given` would refuse, or take for another.

    Args:
        function: a class or a function.
        given: arguments from the config; a hole stands as its mapping.
        ours: names that the caller passes by itself, whether or not the function takes them.
        title: what messages call it; by default its own name.

    Yields:
        (name, message) of each unknown, reserved, missing or mistaken argument; a missing one under "".
    """
    parameters = parameters_of(function)
    ours = set(ours)
    title = title or getattr(function, "__name__", str(function))
    takes = {name for name, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    open_ended = not parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in sorted(given):
        if name in ours:
            yield name, f"{name} is filled in by tuner: drop it"
        elif name in takes:
            yield from _mistaken(name, given[name], parameters[name].default)
        elif not open_ended:
            hint = did_you_mean(name, takes - ours) or f": it takes {listing(sorted(takes - ours))}"
            yield name, f"{title} takes no argument {name}{hint}"
    missing = sorted(
        name for name in takes - given.keys() - ours if parameters[name].default is inspect.Parameter.empty
    )
    if missing:
        yield "", f"{title} needs {listing(missing)}"


def _mistaken(name: str, value: Any, default: Any) -> Iterator[tuple[str, str]]:
    """`no` is a word in YAML 1.2 and would be true, true is not a number."""
    alternatives = value.get("choice", []) if isinstance(value, dict) else [value]
    if isinstance(default, int | float | str | tuple) and isinstance(value, dict) and not value.keys() & HOLES:
        hole = "{float: [low, high], log: true}"
        yield name, f"{name} is a value or a hole such as {hole}, not a mapping of {listing(value)}"
    elif isinstance(default, int | float) and not isinstance(default, bool) and isinstance(value, list):
        yield name, f"{name} is a number, not a list: to choose from one, write {{choice: [...]}}"
    elif isinstance(default, tuple) and isinstance(value, int | float):
        yield name, f"{name} is a list of {len(default)}, not a number"
    if isinstance(default, bool):
        if any(isinstance(item, str) for item in alternatives):
            yield name, f"{name} is true or false, not a word"
    elif isinstance(default, int | float) and any(isinstance(item, bool) for item in alternatives):
        yield name, f"{name} is a number, not true or false"
    elif isinstance(default, int | float):
        for item in alternatives:
            if isinstance(item, str) and _is_number(item):
                yield name, f"{name} is a number, and {item!r} is text: write it without quotes"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def parameters_of(function: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of a function or class; none for one that does not tell, such as one written in C."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
