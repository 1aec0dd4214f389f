"""What a key of a section takes, as JSON Schema: its own rule is asked about values of every kind.

A rule is a function; asked, it needs no second list of what it allows, and a new key has its schema at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tuner.schema.fragments import Shape, mapping, one_of, or_hole
from tuner.space import validation
from tuner.space.sections import REQUIRED, Key
from tuner.space.validators import extremes

Accepts = Callable[[Any], bool]

WORD = "a word"
DURATION = "77s"
CODE = "file.py:name"
DURATIONS = r"^ *\d[\d.dhms ]*$"
NAMED = r".:[^\\/]"
WITNESSES: tuple[Any, ...] = (1, 2, 0.5, True, WORD)
"""Values of which an entry of a mapping takes one, if there is any that it takes."""


def shape_of(key: Key, holes: bool, meaning: str = "") -> Shape:
    """The schema of a key.

    Args:
        key: of a section.
        holes: whether a hole may stand there.
        meaning: what it is for, as a sentence.
    """
    shape = _shape(lambda value: _keeps(key, value), key.wants, holes)
    if not shape:
        shape = _like_default(key.default)
    takes = f"{key.wants[0].upper()}{key.wants[1:]}."
    described = {"description": f"{meaning} {takes}".lstrip(), **_default(key.default)}
    return {**(or_hole(shape, ref=False) if holes and shape else shape), **described}


def _keeps(key: Key, value: Any) -> bool:
    return all(key.rule(one) for _, one in extremes(validation.constant(value)))


def _default(value: Any) -> Shape:
    return {} if value is REQUIRED or value is None else {"default": value}


def _like_default(default: Any) -> Shape:
    """What a rule that takes anything is meant for."""
    return {"type": "array", "items": {"type": "object"}} if isinstance(default, list) else {}


def _shape(accepts: Accepts, wants: str, holes: bool) -> Shape:
    if all(accepts(value) for value in (*WITNESSES, None, [], {})):
        return {}
    parts = [{"type": "null"}] if accepts(None) else []
    parts += [{"type": "boolean"}] if accepts(True) else []
    parts += [*_numbers(accepts), *_texts(accepts, wants)]
    parts += [{"type": "array"}] if accepts([]) else []
    parts += [{"type": "object"}] if accepts({WORD: None}) else _entries(accepts, wants, holes)
    return one_of(parts)


def _numbers(accepts: Accepts) -> list[Shape]:
    """Whole numbers from the least that is taken; fractions, below 1 where larger ones are not."""
    whole = next((low for low in (-1, 0, 1, 2) if accepts(low)), None)
    least: Shape = {} if whole in (None, -1) else {"minimum": whole}
    if not accepts(0.5):
        return [] if whole is None else [{"type": "integer", **least}]
    low: Shape = {} if accepts(-0.5) else {"minimum": 0} if accepts(0.0) else {"exclusiveMinimum": 0}
    if accepts(1.5):
        return [{"type": "number", **low}]
    return [
        *([] if whole is None else [{"type": "integer", **least}]),
        {"type": "number", **low, "exclusiveMaximum": 1},
    ]


def _texts(accepts: Accepts, wants: str) -> list[Shape]:
    if accepts(WORD):
        return [{"type": "string", "minLength": 0 if accepts("") else 1}]
    if accepts(DURATION):
        return [{"type": "string", "pattern": DURATIONS}]
    if accepts(CODE):
        return [{"type": "string", "pattern": NAMED}]
    words = [word for word in re.findall(r"\w+", wants) if accepts(word)]
    return [{"enum": words}] if words else []


def _entries(accepts: Accepts, wants: str, holes: bool) -> list[Shape]:
    """A mapping with the keys that the sentence names between braces, as far as the rule takes them."""
    names = list(dict.fromkeys(re.findall(r"(\w+):", " ".join(re.findall(r"\{.*?\}", wants)))))
    witnesses = (*re.findall(r"\w+", wants), *WITNESSES)
    alone = {name: {name: value} for name in names for value in reversed(witnesses) if accepts({name: value})}
    around = {name: _around(name, alone, accepts) for name in names}
    known = {name: base for name, base in around.items() if base is not None}
    if not known:
        return []
    plain = {name: _shape(_entry(accepts, base, name), wants, holes) for name, base in known.items()}
    shapes = {name: or_hole(shape) if holes else shape for name, shape in plain.items()}
    needed = [name for name in known if not accepts({}) and not any(other != name for other in alone)]
    together = accepts({key: value for base in alone.values() for key, value in base.items()})
    least: Shape = {} if accepts({}) else {"minProperties": 1}
    return [mapping(shapes, needed, **least, **({} if together else {"maxProperties": 1}))]


def _around(name: str, alone: Mapping[str, Shape], accepts: Accepts) -> Mapping[str, Any] | None:
    """What must stand beside an entry for the mapping to be taken; None when nothing helps."""
    if name in alone:
        return {}
    return next((base for base in alone.values() if any(accepts({**base, name: value}) for value in WITNESSES)), None)


def _entry(accepts: Accepts, base: Mapping[str, Any], name: str) -> Accepts:
    return lambda value: accepts({**base, name: value})
