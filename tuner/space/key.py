"""A key of the language, and a section: one object each, with everything about it.

These objects make the check of a file, its messages, the JSON Schema and the page of the language.
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
    """One key of a section, or of a mapping inside a section, with everything about it.

    Attributes:
        kind: the values that it takes; also null, if that is the default.
        default: its value if it is left out.
        meaning: its purpose, as a sentence.
        wording: completes the sentence `... must be` in place of the kind's wording.
        tuned: whether a hole may stand there although its section takes no holes.
        closed: why no hole may stand there although its section takes holes.
    """

    kind: Kind
    default: Any = OPTIONAL
    meaning: str = ""
    wording: str = ""
    tuned: bool = False
    closed: str = ""

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

    `meaning` is its subject. `open` allows further keys, as arguments of the class in `type`. `closed` is the reason
    why it takes no holes. `listed` allows a list of such mappings too.
    """

    meaning: str
    keys: Mapping[str, Key]
    default: Any = REQUIRED
    open: bool = False
    closed: str = ""
    listed: bool = False

    @property
    def required(self) -> bool:
        """Whether a file must have it."""
        return self.default is REQUIRED
