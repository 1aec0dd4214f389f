"""Values as JSON Schema, and the holes that may stand in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from tuner.space.parse import COMPANIONS

Shape: TypeAlias = dict[str, Any]
"""A JSON Schema; an empty one takes anything."""

NUMBERS = {"integer", "number"}
RANGES = ("float", "int")
_OR = " or "
_TYPES = {"array", "boolean", "integer", "null", "number", "object", "string"}


def one_of(shapes: Iterable[Shape]) -> Shape:
    """Return the union of shapes; mere types become one list of types."""
    different: list[Shape] = []
    types: list[str] = []
    for shape in shapes:
        if shape.keys() == {"type"}:
            types += [shape["type"]] if isinstance(shape["type"], str) else shape["type"]
        elif shape not in different:
            different.append(shape)
    if types:
        known = sorted(set(types))
        different.insert(0, {"type": known[0] if len(known) == 1 else known})
    return different[0] if len(different) == 1 else {"anyOf": different}


def defined(name: str) -> Shape:
    """Return a reference to the definition with that name."""
    return {"$ref": f"#/definitions/{name}"}


def described(shape: Shape, words: str, **more: Any) -> Shape:
    """Return a shape with a description and more; draft-07 would ignore them beside a bare reference."""
    said = {**({"description": words} if words else {}), **more}
    return {"allOf": [shape], **said} if "$ref" in shape else {**shape, **said}


def mapping(properties: Mapping[str, Shape | bool], required: Iterable[str] = (), **more: Any) -> Shape:
    """Return a mapping with these keys and no others."""
    needed = {"required": sorted(required)} if required else {}
    return {"type": "object", "properties": dict(properties), **needed, "additionalProperties": False, **more}


def choice_of(branch: Shape) -> Shape:
    """Return a choice of branches."""
    branches = {"type": "array", "minItems": 1, "items": branch, "description": "One of these."}
    return mapping({"choice": branches, "prior": defined("prior")}, ["choice"])


def or_hole(shape: Shape, ref: bool = True) -> Shape:
    """Return a value of that shape, or a hole that gives one.

    Args:
        shape: of plain values; an empty one has every hole in it already.
        ref: whether it may be the value that stands elsewhere.
    """
    if not shape:
        return defined("value")
    if ref and shape.keys() == {"type"}:
        return defined(_OR.join(sorted(types_of(shape))))
    return _or_hole(shape, ref)


def _or_hole(shape: Shape, ref: bool) -> Shape:
    kinds = types_of(shape)
    holes = [name for name, gives in (("float", {"number"}), ("int", NUMBERS), ("list", {"array"})) if kinds & gives]
    named = [defined(f"named {hole}") for hole in holes if hole in RANGES]
    plain = {key: value for key, value in shape.items() if key != "description"}
    branch = defined("branch") if "object" in kinds else one_of([plain, *named])
    names = [*holes, *(["ref"] if ref else [])]
    return one_of([shape, *(defined(name) for name in names), choice_of(branch)])


def definitions_in(schema: Any) -> dict[str, Shape]:
    """Return the definitions of types that a schema refers to, as `or_hole` writes them."""
    match schema:
        case {"$ref": str(path)}:
            types = path.removeprefix("#/definitions/").split(_OR)
            shape: Shape = {"type": types[0] if len(types) == 1 else types}
            return {_OR.join(types): _or_hole(shape, ref=True)} if set(types) <= _TYPES else {}
        case dict():
            nested = [definitions_in(value) for value in schema.values()]
        case list():
            nested = [definitions_in(value) for value in schema]
        case _:
            nested = []
    return {name: shape for each in nested for name, shape in each.items()}


def definitions() -> dict[str, Shape]:
    """Return the definitions of the holes, and of any value."""
    log = {"type": "boolean", "description": "Drawn evenly between the logarithms of its ends."}
    numbers = {"type": "array", "minItems": 2, "maxItems": 2, "description": "[low, high], both included."}
    ranges: dict[str, tuple[Shape, str, int]] = {
        "float": ({"float": {**numbers, "items": _end("number")}, "log": log, "prior": defined("prior")}, "number", 0),
        "int": ({"int": {**numbers, "items": _end("integer")}, "log": log, "prior": defined("prior")}, "integer", 1),
    }
    return {
        **{kind: _ranged(*ranges[kind]) for kind in RANGES},
        **{f"named {kind}": _ranged(*ranges[kind], named=True) for kind in RANGES},
        "list": mapping(
            {"list": defined("value"), "length": one_of([_count(), defined("int"), choice_of(_count())])},
            ["list", "length"],
            description="A list of tuned length, each element filled for itself.",
        ),
        "ref": mapping(
            {"ref": {"type": "string", "description": "A config path, such as optimizer.lr."}},
            ["ref"],
            description="The value that stands elsewhere; no parameter of its own.",
        ),
        "choice": choice_of(defined("branch")),
        "prior": mapping({"around": {}}, ["around"], description="Where good values are expected, by experience."),
        "branch": _branch(),
        "value": {
            "if": {"type": "object", "anyOf": [{"required": [kind]} for kind in COMPANIONS]},
            "then": {"anyOf": [defined(kind) for kind in COMPANIONS]},
            "else": {"items": defined("value"), "additionalProperties": defined("value")},
        },
    }


def _end(number: str) -> Shape:
    """Return the end of a range: a number, or the value that stands elsewhere."""
    return {"anyOf": [{"type": number}, defined("ref")]}


def _count() -> Shape:
    return {"type": "integer", "minimum": 0}


def _ranged(properties: Mapping[str, Shape], number: str, lowest: int, named: bool = False) -> Shape:
    """Return a range. A log range has no step and starts above 0, or at 1 for whole numbers."""
    kind = next(iter(properties))
    name = {"name": {"type": "string", "description": "What the study calls it."}} if named else {}
    step = {"type": number, "exclusiveMinimum": 0, "description": "It divides the range; not with log."}
    low = {"minimum": lowest} if lowest else {"exclusiveMinimum": 0}
    return {
        **mapping({**properties, "step": step, **name}, [kind, *name], description=f"A tuned {number} in a range."),
        "if": {"properties": {"log": {"const": True}}, "required": ["log"]},
        "then": {"properties": {kind: {"items": low}, "step": False}},
    }


def _branch() -> Shape:
    """Return a branch of a choice: a plain value, a list, or a mapping with a name."""
    named = {"anyOf": [{"required": ["type"]}, {"required": ["name"]}]}
    return {"if": {"type": "object"}, "then": {"additionalProperties": defined("value"), **named}}


def types_of(shape: Shape) -> set[str]:
    """Return the JSON types that a shape takes."""
    if "anyOf" in shape:
        return set().union(*(types_of(part) for part in shape["anyOf"]))
    named = shape.get("type", [])
    return {named} if isinstance(named, str) else set(named)
