"""The arguments of a class as JSON Schema: types by its signature, words by its docstring, else its check."""

from __future__ import annotations

import enum
import inspect
import json
import numbers
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from torch import Tensor

from tuner import signatures
from tuner.config import Component
from tuner.errors import BuildError
from tuner.schema import from_keys
from tuner.schema.docstrings import first_sentence, sentences
from tuner.schema.fragments import Shape, described, mapping, one_of, or_hole, types_of

Faults = Callable[[Component], Iterator[tuple[str, str]]]
"""Returns (argument, message) for each argument that a component's class would refuse."""

PLAIN: Mapping[Any, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    numbers.Number: "number",
    str: "string",
    type(None): "null",
    list: "array",
    tuple: "array",
    Sequence: "array",
    Iterable: "array",
    dict: "object",
    Mapping: "object",
}
"""The YAML type for values of a Python type."""


def shape_of(name: str, function: Any, faults: Faults, holes: bool = True, besides: Iterable[str] = ()) -> Shape:
    """Return the schema of a component that `name` names.

    Args:
        name: the value of `type`.
        function: the class, or a function that makes it.
        faults: its check, which knows the filled-in and the required arguments.
        holes: whether its arguments may be holes.
        besides: further keys of its section; their schemas are elsewhere.
    """
    parameters = signatures.parameters_of(function)
    given = {key: _default(p) for key, p in parameters.items() if key not in ("args", "kwargs", *besides)}
    refused = {argument for argument, _ in faults(Component(name, given))}
    taken = [key for key in given if key not in refused]
    needed = [key for key in taken if _lacks(name, {*taken} - {key}, faults)] if _lacks(name, (), faults) else []
    words = sentences(function)
    hints, kinds = signatures.hints_of(function), signatures.kinds_of(function)
    shapes: dict[str, Shape | bool] = dict.fromkeys(("type", *besides), True)
    for key in taken:
        fixed = key not in kinds and _is_fixed(name, given, key, faults)
        hint = typing.Literal[given[key]] if fixed else hints.get(key)
        shapes[key] = _argument(parameters[key], hint, words.get(key, ""), holes)
    return described(mapping(shapes, needed), first_sentence(function))


def is_known(name: str, faults: Faults) -> bool:
    """Return whether a space may name a class."""
    try:
        list(faults(Component(name)))
    except BuildError:
        return False
    return True


def _default(parameter: inspect.Parameter) -> Any:
    return None if parameter.default is inspect.Parameter.empty else parameter.default


def _lacks(name: str, given: Iterable[str], faults: Faults) -> bool:
    """Return whether the check misses an argument beside the given ones."""
    return any(argument == "" for argument, _ in faults(Component(name, dict.fromkeys(given))))


def _is_fixed(name: str, given: Mapping[str, Any], key: str, faults: Faults) -> bool:
    """Return whether the check takes no other word than the default."""
    if not isinstance(given[key], str):
        return False
    return any(argument == key for argument, _ in faults(Component(name, {**given, key: f"no {given[key]}"})))


def _argument(parameter: inspect.Parameter, hint: Any, words: str, holes: bool) -> Shape:
    default = parameter.default
    told = default is not inspect.Parameter.empty
    shape = typed(hint) if hint is not None else typed(type(default)) if told and default is not None else {}
    if shape and told and default is None and "null" not in types_of(shape):
        shape = one_of([shape, {"type": "null"}])
    shown = {"default": default} if told and default is not None and _is_json(default) else {}
    return described(or_hole(shape) if holes else shape, words, **shown)


def typed(hint: Any) -> Shape:
    """Return the schema of values of an annotated type; a type without YAML values takes anything."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        kind = signatures.kind_of(hint)
        return typed(typing.get_args(hint)[0]) if kind is None else from_keys.kind_shape(kind)
    if origin in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not Tensor]  # no text is one
        shapes = [typed(member) for member in members]
        return one_of(shapes) if all(shapes) and any(shape != {"type": "null"} for shape in shapes) else {}
    if origin is typing.Literal:
        return {"enum": list(typing.get_args(hint))}
    kind = origin or hint
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return {"type": "string"}
    return {"type": PLAIN[kind]} if kind in PLAIN else {}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
