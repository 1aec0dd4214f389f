"""Kinds of plain values: type, bounds and wording as data, which a check, a message and a JSON Schema share.

Keys of the language have kinds, and so have arguments: `dropout: Annotated[float, Number(minimum=0, below=1)]`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_same(label: Any, value: Any) -> bool:
    """Return whether two labels are one; true is not 1, and NaN is NaN."""
    return type(label) is type(value) and bool(label == value or (label != label and value != value))


def is_number(value: Any) -> bool:
    """Return whether a value is a number and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@runtime_checkable
class Kind(Protocol):
    """What values a key takes."""

    @property
    def wording(self) -> str:
        """Complete the sentence `... must be`."""

    def takes(self, value: Any) -> bool:
        """Return whether a value is of this kind."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value."""

    wording: str = "any value"

    def takes(self, value: Any) -> bool:
        """Return true."""
        return True


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `minimum` on."""

    minimum: int

    @property
    def wording(self) -> str:
        """Complete the sentence `... must be`."""
        return f"a whole number of at least {self.minimum}"

    def takes(self, value: Any) -> bool:
        """Return whether a value is such a number."""
        return is_whole(value) and value >= self.minimum


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `minimum` on, or above and below two others; None is no bound."""

    minimum: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def wording(self) -> str:
        """Complete the sentence `... must be`."""
        ends = (("of at least", self.minimum), ("above", self.above), ("below", self.below))
        bounds = " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)
        return f"a number {bounds}".rstrip()

    def takes(self, value: Any) -> bool:
        """Return whether a value is a number within the bounds."""
        return (
            is_number(value)
            and (self.minimum is None or value >= self.minimum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    wording: str = "true or false"

    def takes(self, value: Any) -> bool:
        """Return whether a value is a boolean."""
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Null:
    """Null, for a key whose default is something else."""

    wording: str = "null"

    def takes(self, value: Any) -> bool:
        """Return whether a value is null."""
        return value is None


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is not blank unless it may be; with `longest`, one line of at most that many characters.

    `examples` are what an editor offers.
    """

    longest: int | None = None
    examples: tuple[str, ...] = ()
    blank: bool = False
    wording: str = "a text"

    def takes(self, value: Any) -> bool:
        """Return whether a value is such a text."""
        if not isinstance(value, str) or not (self.blank or value.strip()):
            return False
        return self.longest is None or (value.isprintable() and len(value) <= self.longest)


@dataclass(frozen=True, slots=True)
class Words:
    """One of a few words."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, members: type[enum.Enum]) -> Words:
        """Return the kind whose words are the values of an enum."""
        return cls(tuple(member.value for member in members))

    @property
    def wording(self) -> str:
        """Complete the sentence `... must be`."""
        return " or ".join(self.words)

    def takes(self, value: Any) -> bool:
        """Return whether a value is one of the words."""
        return value in self.words


@dataclass(frozen=True, slots=True)
class Either:
    """A value of one of several kinds."""

    kinds: tuple[Kind, ...]

    @property
    def wording(self) -> str:
        """Complete the sentence `... must be`."""
        return " or ".join(kind.wording for kind in self.kinds)

    def takes(self, value: Any) -> bool:
        """Return whether one of the kinds takes the value."""
        return any(kind.takes(value) for kind in self.kinds)
