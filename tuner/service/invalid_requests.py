"""What is wrong with a request, in plain sentences: pydantic's faults of bodies, paths and queries."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tuner.errors import counted, did_you_mean
from tuner.service.schemas import Body

MOST_SHOWN = 40
"""Characters of a wrong number that a message repeats."""

_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_SHAPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
_ALTERNATIVE = re.compile(r"(list|dict|literal|str-enum|function-\w+)\[.*\]|constrained-\w+|int|float|str|bool")
_NUMBERS = ("int_", "float_", "finite_")


def sentences(errors: Iterable[Mapping[str, Any]], endpoint: Callable[..., Any] | None) -> str:
    """Return what is wrong with a request.

    Args:
        errors: of pydantic.
        endpoint: the function of the route, whose bodies say which fields there are.
    """
    told: dict[str, dict[str, None]] = {}
    for error in errors:
        where = "the body" if error["type"] == "json_invalid" else ".".join(_parts(error["loc"])) or "the body"
        told.setdefault(where, {})[_wrong(error, where, endpoint)] = None
    return "; ".join(f"{where}: {', or '.join(wrong)}" for where, wrong in told.items())


def _parts(place: Sequence[Any]) -> Iterator[str]:
    """Yield a place within its body, path or query, without the names of a type's alternatives."""
    for i, part in enumerate(place[1:]):
        if i == 0 or not _ALTERNATIVE.fullmatch(str(part)):
            yield str(part)


def _wrong(error: Mapping[str, Any], where: str, endpoint: Callable[..., Any] | None) -> str:
    kind, place, context = error["type"], tuple(error["loc"]), error.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return f"there is no such field{did_you_mean(str(place[-1]), _fields(place, endpoint))}"
        case "missing":
            return "is missing; give it a value"
        case "string_too_long" if where == "space":
            return "a space has at most 1 MiB; move data and code to files beside it"
        case "string_too_long":
            return f"must have at most {counted(context['max_length'], 'character')}"
        case "string_too_short":
            return f"must have at least {counted(context['min_length'], 'character')}"
        case "too_long":
            return f"must have at most {context['max_length']} entries"
        case "too_short":
            return "must not be empty" if context["min_length"] == 1 else "has too few entries"
        case "string_pattern_mismatch":
            return f"must fit the pattern {context['pattern']}"
        case "literal_error" | "enum":
            return f"must be {context['expected']}"
        case "json_invalid":
            return f"is not JSON: {context['error']}"
        case _ if kind in _BOUNDS:
            words, name = _BOUNDS[kind]
            return f"must be {words} {context[name]}{_shown(error)}"
        case _ if kind in _SHAPES:
            return f"must be {_SHAPES[kind]}{_shown(error) if kind.startswith(_NUMBERS) else ''}"
        case _:
            return str(error["msg"])


def _shown(error: Mapping[str, Any]) -> str:
    """Return the wrong value for the end of a message; a long one, or none, is not shown."""
    given = error.get("input")
    text = repr(given) if isinstance(given, str | int | float) else ""
    return f", not {text}" if 0 < len(text) <= MOST_SHOWN else ""


def _fields(place: Sequence[Any], endpoint: Callable[..., Any] | None) -> Sequence[str]:
    """Return the fields that there are beside the unknown one at a place."""
    if endpoint is None:
        return ()
    bodies = [body for hint in typing.get_type_hints(endpoint).values() for body in _bodies(hint)]
    for part in place[1:-1]:
        if isinstance(part, str):
            fields = [body.model_fields[part] for body in bodies if part in body.model_fields]
            bodies = [body for field in fields for body in _bodies(field.annotation)]
    return [name for body in bodies for name in body.model_fields]


def _bodies(hint: Any) -> Iterator[type[Body]]:
    """Yield the bodies within the type of an argument or a field."""
    if isinstance(hint, type) and issubclass(hint, Body):
        yield hint
    for each in typing.get_args(hint):
        yield from _bodies(each)
