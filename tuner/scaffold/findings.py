"""The findings about data: the rows, the `data` section for them, and the decisions."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.data.rows import Source
from tuner.goal import Task

UNEVEN = 0.8
"""A class with more than this share of the rows makes accuracy a weak metric."""


LONGEST = 40
"""Largest number of letters of a class's name in a file for readers."""


class Kind(enum.Enum):
    """The kind of the rows. Its value names the template of their space."""

    TABLE = "table"
    IMAGES = "images"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Found:
    """Data that a space can be written for.

    `section` is the `data` section without tuned keys. `decided` has one sentence per decision for the user. `name` is
    the name of a study of the data.
    """

    kind: Kind
    name: str
    section: Mapping[str, Any]
    source: Source
    decided: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.source.pool)

    @property
    def regression(self) -> bool:
        """Whether the target is a quantity."""
        return self.source.task is Task.REGRESSION

    @property
    def positive(self) -> str | None:
        """The rarer of two classes, else the last: usually the class to find."""
        if len(self.source.classes) != 2:
            return None
        counts = Counter(self.source.pool.targets.tolist())
        rarer = self.source.classes[0 if counts[0] < counts[1] else 1]
        return rarer if len(rarer) <= LONGEST else None

    @property
    def uneven(self) -> bool:
        """Whether one class has nearly all rows."""
        if self.regression:
            return False
        counts = Counter(self.source.pool.targets.tolist())
        return max(counts.values()) > UNEVEN * self.rows
