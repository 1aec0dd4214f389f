"""What was found where the user pointed: the rows, how a space names them, and what was decided on the way."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.data.rows import Source
from tuner.goal import Task

UNEVEN = 0.8
"""A class with more of the rows than this makes accuracy say little."""


LONGEST = 40
"""A class with a longer name is not repeated in a file that people read."""


class Kind(enum.Enum):
    """What the rows are; the value names the template of their space."""

    TABLE = "table"
    IMAGES = "images"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Found:
    """Data that a space can be written for.

    `section` is the `data` section without what is tuned, `decided` one sentence per decision that the
    user may want to know of, `name` what to call a study of them.
    """

    kind: Kind
    name: str
    section: Mapping[str, Any]
    source: Source
    decided: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.source.pool)

    @property
    def regression(self) -> bool:
        """Whether a quantity is to be predicted."""
        return self.source.task is Task.REGRESSION

    @property
    def positive(self) -> str | None:
        """Of two classes the rarer one, of two alike the last: as a rule it is the one that is looked for."""
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
