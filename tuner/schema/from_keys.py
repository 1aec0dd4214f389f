"""A key of a section as JSON Schema: its type and bounds, its default and its meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tuner.runtime import kinds
from tuner.runtime.kinds import Kind
from tuner.schema.fragments import Shape, defined, described, mapping, one_of, or_hole
from tuner.space import nested_kinds
from tuner.space.key import OPTIONAL, REQUIRED, Key

Filled: TypeAlias = Callable[[Shape], Shape]
"""Adds the holes that may replace a value inside a mapping or a list."""

BARE = " name"
"""Ending of the definition with the class names of a part, for classes that stand by name alone."""

DURATIONS = r"^ *\d[\d.dhms ]*$"
NAMED = r".:[^\\/]"
VISIBLE = r"\S"


def shape_of(key: Key, holes: bool) -> Shape:
    """Return the schema of a key of a section; its words end in the sentence that refuses a value.

    Args:
        key: of a section.
        holes: whether a hole may stand there.
    """
    shape = _nullable(key, or_hole if holes else plain)
    words = f"{key.meaning} {key.wants[0].upper()}{key.wants[1:]}."
    return described(or_hole(shape, ref=False) if holes else shape, words.lstrip(), **_default(key))


def entry_of(key: Key, filled: Filled = or_hole) -> Shape:
    """Return the schema of a key within a mapping.

    Args:
        key: of a mapping that is no section.
        filled: adds the holes that may stand there.
    """
    return described(filled(_nullable(key, filled)), key.meaning, **_default(key))


def kind_shape(kind: Kind) -> Shape:
    """Return the schema of a kind, where no hole may stand inside."""
    return one_of(_shapes(kind, plain))


def plain(shape: Shape) -> Shape:
    """Return the shape unchanged: no hole may stand there."""
    return shape


def _default(key: Key) -> dict[str, Any]:
    return {} if key.default in (REQUIRED, OPTIONAL, None) else {"default": key.default}


def _nullable(key: Key, filled: Filled) -> Shape:
    null: list[Shape] = [{"type": "null"}] if key.default is None else []
    return one_of([*null, *_shapes(key.kind, filled)])


def _shapes(kind: Kind, filled: Filled) -> list[Shape]:
    """Return the alternatives of a kind."""
    match kind:
        case nested_kinds.Later(judged):
            return _shapes(judged, filled)
        case kinds.Either(several):
            return [shape for one in several for shape in _shapes(one, filled)]
        case nested_kinds.Duration():
            return [*_shapes(kinds.Number(above=0), filled), {"type": "string", "pattern": DURATIONS}]
        case nested_kinds.Part(name, bare):
            return [defined(name), *([defined(name + BARE)] if bare else [])]
        case nested_kinds.Sequence() | nested_kinds.Table() | nested_kinds.Entries() | nested_kinds.Rates():
            return [_nested(kind, filled)]
        case _:
            return [_scalar(kind)]


def _scalar(kind: Kind) -> Shape:
    match kind:
        case kinds.Anything():
            return {}
        case kinds.Null():
            return {"type": "null"}
        case kinds.Flag():
            return {"type": "boolean"}
        case kinds.Whole(minimum):
            return {"type": "integer", "minimum": minimum}
        case kinds.Number(minimum, above, below):
            bounds = {"minimum": minimum, "exclusiveMinimum": above, "exclusiveMaximum": below}
            return {"type": "number", **_given(bounds)}
        case kinds.Text(longest, examples, blank):
            more = {"pattern": None if blank else VISIBLE, "maxLength": longest, "examples": list(examples) or None}
            return {"type": "string", **_given(more)}
        case kinds.Words(words):
            return {"enum": list(words)}
        case nested_kinds.Address():
            return {"type": "string", "format": "uri", "pattern": f"^{nested_kinds.WEB}$"}
        case nested_kinds.Code():
            return {"type": "string", "pattern": NAMED}
        case _:
            raise NotImplementedError(f"no JSON Schema for {kind}")


def _given(bounds: dict[str, Any]) -> Shape:
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _nested(
    kind: nested_kinds.Sequence | nested_kinds.Table | nested_kinds.Entries | nested_kinds.Rates, filled: Filled
) -> Shape:
    match kind:
        case nested_kinds.Sequence(items):
            return {"type": "array", "items": filled(one_of(_shapes(items, filled)))}
        case nested_kinds.Table(values):
            further = filled(one_of(_shapes(values, filled)))
            return {"type": "object", **({"additionalProperties": further} if further else {})}
        case nested_kinds.Entries(keys):
            bounds = {"minProperties": kind.fewest or None, "maxProperties": kind.most}
            return mapping({name: entry_of(key, filled) for name, key in keys.items()}, kind.required, **_given(bounds))
        case nested_kinds.Rates():
            pair = [_scalar(kinds.Whole(1)), _scalar(kinds.Number())]
            return {
                "type": "array",
                "minItems": 1,
                "items": {"type": "array", "items": pair, "minItems": 2, "maxItems": 2},
            }
