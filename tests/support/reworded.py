"""Keys in other words, and schemas without their words: what is left must not depend on the words."""

from __future__ import annotations

import dataclasses
from typing import Any

from tuner.space.key import Key

WORDS = ("description", "$comment")


def reworded(value: Any) -> Any:
    """A key or a kind with another meaning and another wording, everywhere inside of it."""
    if isinstance(value, dict):
        return {name: reworded(entry) for name, entry in value.items()}
    if isinstance(value, tuple):
        return tuple(map(reworded, value))
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changed = {field.name: reworded(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
    if isinstance(value, Key):
        changed |= {"meaning": "Another meaning.", "wording": "another wording"}
    elif "wording" in changed:
        changed["wording"] = "something else"
    return dataclasses.replace(value, **changed)


def without_words(schema: Any) -> Any:
    """A schema without what is there for people alone."""
    if isinstance(schema, dict):
        return {
            name: without_words(part) for name, part in schema.items() if not (name in WORDS and isinstance(part, str))
        }
    return [without_words(part) for part in schema] if isinstance(schema, list) else schema
