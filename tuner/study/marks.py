"""Marks: what people decided about single trials, as attributes of the study.

A trial that has ended takes no attributes any more. So they are the study's, one for each trial and decision, and two
people never overwrite each other's.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import optuna

from tuner.storage import WriteBehindStorage, readable_errors

LOOK_SECONDS = 0.5
"""Seconds between two looks of a driver at the marks: it sees each within a second."""

IGNORED = "tuner:ignored:"
"""How the names of these attributes begin; the trial's number follows."""

_KEY = re.compile(r"tuner:ignored:(\d+)")


@dataclass(frozen=True, slots=True)
class Ignored:
    """A trial is out of the results and of the sampler's view.

    `by` is who wanted that, `at` is when, in seconds since 1970.
    """

    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a study's trials, by their numbers."""

    ignored: Mapping[int, Ignored] = field(default_factory=dict)

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Marks:
        """Read the attributes of a study. An undone mark is null: Optuna removes no attribute."""
        found = {int(match[1]): facts for key, facts in attributes.items() if (match := _KEY.fullmatch(key))}
        return cls({number: Ignored(**facts) for number, facts in found.items() if facts})


class MarkReader:
    """Reads the marks of a study.

    Args:
        study: as Optuna has it.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._latest = Marks()
        self._read_at: float | None = None

    def read(self) -> Marks:
        """Return the marks as the database has them."""
        with readable_errors():
            self._latest = Marks.of(self._study.user_attrs)
        self._read_at = time.monotonic()
        return self._latest

    def look(self) -> Marks:
        """Return the marks as they were at most `LOOK_SECONDS` ago."""
        if self._read_at is None or time.monotonic() - self._read_at > LOOK_SECONDS:
            return self.read()
        return self._latest


def mark_ignored(study: optuna.Study, number: int, ignored: Ignored | None) -> None:
    """Write that a trial is ignored; None undoes that."""
    with readable_errors():
        study.set_user_attr(f"{IGNORED}{number}", None if ignored is None else asdict(ignored))


@contextlib.contextmanager
def hidden(marks: Marks, storage: WriteBehindStorage) -> Iterator[None]:
    """Hide ignored trials from samplers and pruners, which run inside the context."""
    storage.hidden = marks.ignored.keys()
    try:
        yield
    finally:
        storage.hidden = frozenset()
