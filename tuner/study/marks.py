"""Marks: what people decided about single trials, as attributes of the study.

A trial that has ended takes no attributes any more. So they are the study's, one for each trial and decision, and two
people never overwrite each other's.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from tuner.optuna_internals import trial_id_of
from tuner.storage import WriteBehindStorage, readable_errors
from tuner.study.trial_attributes import attributes_of

LOOK_SECONDS = 0.5
"""Seconds between two looks of a driver at the marks: it sees each within a second."""

IGNORED, RETRIED = "tuner:ignored:", "tuner:retried:"
"""How the names of these attributes begin; the trial's number follows."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A trial is out of the results and of the sampler's view.

    `by` is who wanted that, `at` is when, in seconds since 1970.
    """

    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Retried:
    """A trial that had ended runs again.

    `by` is who wanted that, `at` is when, in seconds since 1970. `attempt` is the number of attempts before.
    `spared` is whether it had been pruned: the pruner judges it no more. `request` is the id of the latest request
    that was met, 0 without one.
    """

    by: str
    at: float
    attempt: int
    spared: bool
    request: int

    def fact(self, number: int) -> dict[str, Any]:
        """Return the attribute of the study, for the trial of that number."""
        return {f"{RETRIED}{number}": asdict(self)}


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a study's trials, by their numbers."""

    ignored: Mapping[int, Ignored] = field(default_factory=dict)
    retried: Mapping[int, Retried] = field(default_factory=dict)

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Marks:
        """Read the attributes of a study. An undone mark is null: Optuna removes no attribute."""
        ignored = {number: Ignored(**facts) for number, facts in _with(IGNORED, attributes) if facts}
        return cls(ignored, {number: Retried(**facts) for number, facts in _with(RETRIED, attributes)})

    def stale(self, trials: Sequence[FrozenTrial]) -> set[int]:
        """Return the ids of trials that were retried after they had been read.

        Args:
            trials: all of the study, by number.
        """
        known = ((trials[number], retried) for number, retried in self.retried.items() if number < len(trials))
        return {trial_id_of(trial) for trial, retried in known if _was_before(trial, retried)}


def _was_before(trial: FrozenTrial, retried: Retried) -> bool:
    return trial.state.is_finished() and (attributes_of(trial).attempt or 0) <= retried.attempt


def _with(prefix: str, attributes: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    """Yield the number of the trial and the fact of each attribute with a prefix."""
    for key, fact in attributes.items():
        if key.startswith(prefix):
            yield int(key.removeprefix(prefix)), fact


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
