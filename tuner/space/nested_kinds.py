"""Kinds of values with parts: mappings, lists and text with a form, which may hold holes.

`takes` judges one value. An entry of a mapping or a list may be a hole. Then it judges every value of the hole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.runtime.kinds import Kind, is_number, is_whole
from tuner.settings import seconds
from tuner.space.key import REQUIRED, Key
from tuner.space.tree import Fixed, Items, Tree, extremes

WEB = r"https?://[A-Za-z0-9._-]+(:[0-9]{1,5})?(/[!-~]*)?"
"""The form of an address of the web."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds above 0, or a text such as `1h30m`."""

    wording: str = "a duration such as 90s, 10m or 1h30m"

    def takes(self, value: Any) -> bool:
        """Return whether a value is a duration."""
        return seconds(value) is not None


@dataclass(frozen=True, slots=True)
class Address:
    """An address of the web."""

    wording: str = "an address that begins with http:// or https://"

    def takes(self, value: Any) -> bool:
        """Return whether a value is one."""
        return isinstance(value, str) and re.fullmatch(WEB, value) is not None


@dataclass(frozen=True, slots=True)
class Code:
    """A function or class of the user."""

    wording: str = "file.py:function or package.module:function"

    def takes(self, value: Any) -> bool:
        """Return whether a value has the form of one."""
        return isinstance(value, str) and bool(value.strip()) and all(value.rpartition(":"))


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping with a `type` and arguments of that class; `bare` also takes the class's name alone.

    `name` is the name of its classes in `schema.components`.
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
    """A mapping with known keys only: at least `fewest`, at most `most` of them."""

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
        # every epoch is a whole number
        return whole and epochs[:1] == [1] and epochs == sorted(set(epochs))  # type: ignore[type-var]


@dataclass(frozen=True, slots=True)
class Later:
    """A value that a later check judges, which names the wrong part."""

    kind: Kind

    @property
    def wording(self) -> str:
        """Complete the sentence `... must be`."""
        return self.kind.wording

    def takes(self, value: Any) -> bool:
        """Return True: a later check reports faults."""
        return True


def _takes_all(kind: Kind | Key, entry: Tree) -> bool:
    """Return whether all values of an entry are of a kind."""
    return all(kind.takes(value) for _, value in extremes(entry))
