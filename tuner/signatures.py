"""Signatures of the classes and functions of a space, and faults of their arguments."""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Annotated, Any

from tuner.errors import BuildError, did_you_mean, listing
from tuner.runtime.kinds import Either, Kind, Null

HOLES = {"float", "int", "choice", "list", "ref"}
"""Keys that make a mapping a hole. The space's parser knows their form."""


def named(module: ModuleType, name: str, kind: type, path: str, besides: Iterable[str] = ()) -> Any:
    """Return the class `name` of a library module.

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
    """Yield the arguments in `given` that a call of `function` would refuse or mistake.

    Args:
        function: a class or a function.
        given: arguments from the config; a hole stands as its mapping.
        ours: names that the caller passes by itself, whether or not the function takes them.
        title: what messages call it; by default its own name.

    Yields:
        (name, message) of each unknown, reserved, missing or mistaken argument; a missing one under "".
    """
    parameters, kinds = parameters_of(function), kinds_of(function)
    ours = set(ours)
    title = title or getattr(function, "__name__", str(function))
    takes = {name for name, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    open_ended = not parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in sorted(given):
        if name in ours:
            yield name, f"{name} is filled in by tuner: drop it"
        elif name in takes:
            mistaken = list(_mistaken(name, given[name], parameters[name].default))
            yield from mistaken or _outside(name, given[name], kinds.get(name), parameters[name].default)
        elif not open_ended:
            hint = did_you_mean(name, takes - ours) or f": it takes {listing(sorted(takes - ours))}"
            yield name, f"{title} takes no argument {name}{hint}"
    missing = sorted(
        name for name in takes - given.keys() - ours if parameters[name].default is inspect.Parameter.empty
    )
    if missing:
        yield "", f"{title} needs {listing(missing)}"


def _mistaken(name: str, value: Any, default: Any) -> Iterator[tuple[str, str]]:
    """Yield values of a wrong kind: `no` is a word in YAML 1.2, true is not a number."""
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


def _outside(name: str, value: Any, kind: Kind | None, default: Any) -> Iterator[tuple[str, str]]:
    """Yield a fault for a value, or an end of a hole, beyond the bounds of an argument."""
    if kind is None or (value is None and default is inspect.Parameter.empty):
        return
    for one in _ends(value):
        if not kind.takes(one):
            shown = json.dumps(one) if one is None or isinstance(one, bool) else one
            yield name, f"{name} is {kind.wording}, not {shown}"
            return


def _ends(value: Any) -> Iterator[Any]:
    """Yield the extreme values of a plain value or of a hole's mapping."""
    match value:
        case {"float": [low, high]} | {"int": [low, high]}:
            yield from (end for end in (low, high) if not isinstance(end, dict))  # a ref
        case {"choice": list(branches)}:
            for branch in branches:
                yield from _ends(branch)
        case {"list": _} | {"ref": _}:
            pass
        case _:
            yield value


def kinds_of(function: Any) -> dict[str, Kind]:
    """Return the kinds of arguments whose annotations have one: `Annotated[int, Whole(1)]`, or that or None."""
    return {name: kind for name, hint in hints_of(function).items() if (kind := kind_of(hint)) is not None}


def kind_of(hint: Any) -> Kind | None:
    """Return the kind that an annotation has, or None."""
    if typing.get_origin(hint) is Annotated:
        return next((part for part in hint.__metadata__ if isinstance(part, Kind)), None)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        known = [Null() if member is type(None) else kind_of(member) for member in typing.get_args(hint)]
        kinds = [kind for kind in known if kind is not None]
        return Either(tuple(kinds)) if len(kinds) == len(known) else None
    return None


def hints_of(function: Any) -> dict[str, Any]:
    """Return the annotations of the arguments, as far as they can be read.

    Some name what is imported for type checks alone, and those of user code may raise anything.
    """
    written = {
        name: parameter.annotation
        for name, parameter in parameters_of(function).items()
        if parameter.annotation is not inspect.Parameter.empty and not isinstance(parameter.annotation, str)
    }
    try:
        read = typing.get_type_hints(function.__init__ if inspect.isclass(function) else function, include_extras=True)
    except Exception:
        read = {}
    return {**read, **written}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def parameters_of(function: Any) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function or class; empty if it has no signature, as in C."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
