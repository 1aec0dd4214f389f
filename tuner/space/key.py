"""A key of the language and a section: one object each, with all that the language says of it.

The check of a file, its messages, the JSON Schema and the page of the language are made of these objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.runtime.kinds import Kind

REQUIRED = object()
"""The default of a key or section that must be given."""

OPTIONAL = object()
"""The default of a key that may be left out, and that null cannot stand for."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section, or of a mapping within one: all that the language says of it.

    Attributes:
        kind: what values it takes; null too, where that is the default.
        default: its value where it is left out.
        meaning: what it is for, as a sentence.
        wording: completes the sentence `... must be`, where the kind's own words do not do.
        tuned: whether a hole may stand there although its section is closed to holes.
    """

    kind: Kind
    default: Any = OPTIONAL
    meaning: str = ""
    wording: str = ""
    tuned: bool = False

    @property
    def wants(self) -> str:
        """Complete the sentence `... must be`."""
        return self.wording or self.kind.wording

    def takes(self, value: Any) -> bool:
        """Return whether the key can have that value."""
        return (value is None and self.default is None) or self.kind.takes(value)


@dataclass(frozen=True, slots=True)
class Section:
    """A top-level mapping.

    `meaning` is what it is about. `open` takes any further key as an argument of the class that `type` names.
    `closed` is why no hole may stand in it. `listed` may be a list of such mappings too.
    """

    meaning: str
    keys: Mapping[str, Key]
    default: Any = REQUIRED
    open: bool = False
    closed: str = ""
    listed: bool = False

    @property
    def required(self) -> bool:
        """Whether a file without it is no space."""
        return self.default is REQUIRED
