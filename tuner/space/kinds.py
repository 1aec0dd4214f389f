"""Kinds of values: what a key of the language takes, as data that the check, the JSON Schema and the page share.

`takes` judges one value. An entry of a mapping or a list may be a hole: then it judges all that the hole can give.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.config import is_number, is_whole
from tuner.settings import seconds
from tuner.space.key import REQUIRED, Key, Kind
from tuner.space.tree import Fixed, Items, Tree, extremes


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
    wording: str = "a number"

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
class Duration:
    """Seconds above 0, or a text such as `1h30m`."""

    wording: str = "a duration such as 90s, 10m or 1h30m"

    def takes(self, value: Any) -> bool:
        """Return whether a value is a duration."""
        return seconds(value) is not None


@dataclass(frozen=True, slots=True)
class Code:
    """A function or class of the user."""

    wording: str = "file.py:function or package.module:function"

    def takes(self, value: Any) -> bool:
        """Return whether a value has the form of one."""
        return isinstance(value, str) and bool(value.strip()) and all(value.rpartition(":"))


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping with a `type` and the arguments of that class; `bare` takes the class's name alone too.

    `name` is that of its classes in `schema.components`.
    """

    name: str
    bare: bool = False
    wording: str = "a mapping"

    def takes(self, value: Any) -> bool:
        """Return whether a value is a mapping, or the name that may stand for one."""
        return isinstance(value, dict) or (self.bare and isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of values of one kind."""

    items: Kind
    wording: str = "a list"

    def takes(self, value: Any) -> bool:
        """Return whether a value is such a list."""
        return isinstance(value, list) and all(_takes_all(self.items, item) for item in value)


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping from any keys to values of one kind."""

    values: Kind
    wording: str = "a mapping"

    def takes(self, value: Any) -> bool:
        """Return whether a value is such a mapping."""
        return isinstance(value, dict) and all(_takes_all(self.values, entry) for entry in value.values())


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping with known keys and no others: at least `fewest`, at most `most` of them."""

    keys: Mapping[str, Key]
    fewest: int = 0
    most: int | None = None
    wording: str = "a mapping"

    @property
    def required(self) -> tuple[str, ...]:
        """The keys that must be given."""
        return tuple(name for name, key in self.keys.items() if key.default is REQUIRED)

    def takes(self, value: Any) -> bool:
        """Return whether a value is such a mapping."""
        return (
            isinstance(value, dict)
            and value.keys() <= self.keys.keys()
            and value.keys() >= set(self.required)
            and len(value) >= self.fewest
            and (self.most is None or len(value) <= self.most)
            and all(_takes_all(self.keys[name], entry) for name, entry in value.items())
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """Pairs of an epoch, rising from 1, and a learning rate."""

    wording: str = "pairs of an epoch, rising from 1, and the learning rate from it, [[1, 0.1], [9, 0.01]]"

    def takes(self, value: Any) -> bool:
        """Return whether a value is a list of such pairs."""
        if not isinstance(value, list):
            return False
        pairs = [pair.items for pair in value if isinstance(pair, Items) and len(pair.items) == 2]
        epochs = [epoch.value for epoch, _ in pairs if isinstance(epoch, Fixed) and is_whole(epoch.value)]
        rates = [rate for _, rate in pairs if isinstance(rate, Fixed) and is_number(rate.value)]
        whole = len(pairs) == len(epochs) == len(rates) == len(value)
        return whole and epochs[:1] == [1] and epochs == sorted(set(epochs))  # type: ignore[type-var]


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


@dataclass(frozen=True, slots=True)
class Later:
    """A value that a later check judges, because it names the part that is wrong."""

    kind: Kind

    @property
    def wording(self) -> str:
        """Complete the sentence `... must be`."""
        return self.kind.wording

    def takes(self, value: Any) -> bool:
        """Return true: what is wrong is reported elsewhere."""
        return True


def _takes_all(kind: Kind | Key, entry: Tree) -> bool:
    """Return whether all that an entry can give is of a kind."""
    return all(kind.takes(value) for _, value in extremes(entry))
