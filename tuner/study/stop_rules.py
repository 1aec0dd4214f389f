"""The end of a search before its total: `search.stop`, by a target or by patience.

The rule reads the ended trials in the order in which they ended. So every run decides the same, and the same command
again starts nothing. Another rule decides anew over all trials. A larger total continues a stopped study. Its trials so
far are then ignored: a target that they reached stops it no more, and patience starts again. The trials that a fork
begins with are ignored too.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Set
from dataclasses import asdict, dataclass, replace

from tuner.errors import counted
from tuner.goal import Goal
from tuner.space import Space
from tuner.study import Record, Study
from tuner.study.drawing import NOTHING_FOUND, NOTHING_LEFT, USED_UP
from tuner.study.fork import Fork
from tuner.study.study import note, noted

STOP = "stop"
"""The study's attribute with the rule, the total of the run, and the reason of the stop."""


@dataclass(frozen=True, slots=True)
class StopRule:
    """The rule; None leaves a part out. The first `passed` ended trials stop nothing."""

    target: float | None
    patience: int | None
    passed: int = 0

    @classmethod
    def of(cls, space: Space, goal: Goal) -> StopRule | None:
        """Return the rule of a space, if it has one.

        Raises:
            SpaceError: there are several objectives, and a target.
        """
        stop = space.search.stop
        if stop is None:
            return None
        if stop.target is not None and not goal.single:
            message = "several objectives have a front and no best value: drop it, patience counts changes of the front"
            raise space.faulty([("search.stop.target", message)])
        return cls(stop.target, stop.patience)

    def reason(self, study: Study, records: Iterable[Record]) -> str:
        """Return why the search is enough after these trials; empty if it is not."""
        every = sorted(filter(lambda record: record.finished, records), key=_when)
        passed = sum(record.ignored is None for record in every[: self.passed])
        ended = [record for record in every if record.ignored is None]
        front = study.front(ended)
        if not front:
            return ""
        if self._reached(study, front) and not self._reached(study, study.front(ended[:passed])):
            return f"{study.goal.title} {front[0].value:.6g} has reached the target {self.target:g}"
        if self.patience is None or len(ended) - passed < self.patience:
            return ""
        before = study.front(ended[: -self.patience])
        if {record.values for record in before} != {record.values for record in front}:
            return ""
        better = f"better {study.goal.title} than {front[0].value:.6g}" if study.goal.single else "change of the front"
        return f"the last {counted(self.patience, 'trial')} brought no {better}"

    def _reached(self, study: Study, front: list[Record]) -> bool:
        value = front[0].value if front else None
        if self.target is None or value is None:
            return False
        return value == self.target or study.goal.direction.better(value, self.target)


class StopMonitor:
    """Judges a running study whenever it is asked.

    Args:
        study: a study opened for its space.
        stop: the rule; None never stops it.
        total: the total of trials of this run.
    """

    def __init__(self, study: Study, stop: StopRule | None, total: int) -> None:
        known = noted(study, STOP)
        same = stop is not None and (known.get("target"), known.get("patience")) == (stop.target, stop.patience)
        self._study = study
        self._total = max(total, known["total"]) if same else total
        self._seen: tuple[int, int | None, Set[int]] | None = None
        self._reason = ""
        self._stop = stop
        if stop is not None and (fork := Fork.read(study)) is not None:
            self._stop = replace(stop, passed=fork.kept)
        if stop is not None and same:
            self._stop = replace(stop, passed=known["passed"])
            if total > known["total"] and self.reason():
                self._stop, self._seen = replace(stop, passed=study.finished()), None
        self._note(self.reason())

    def reason(self, below: int | None = None) -> str:
        """Return why the search is enough; empty if it is not.

        Args:
            below: only trials of lower numbers count; None counts all.
        """
        if self._stop is None:
            return ""
        seen = self._study.finished(), below, self._study.marks.look().ignored.keys()
        if seen != self._seen:
            self._reason = self._stop.reason(self._study, self._study.records()[:below])
            self._seen = seen
        return self._reason

    def close(self) -> str:
        """Store and return why the search has stopped; empty if it has not."""
        reason = self.reason()
        self._note(reason)
        return reason

    def _note(self, reason: str) -> None:
        if self._stop is not None:
            note(self._study, STOP, {**asdict(self._stop), "total": self._total, "reason": reason})
        elif noted(self._study, STOP):
            note(self._study, STOP, {})


def stop_reason(study: Study) -> str:
    """Return why the search stopped in its last run; empty if it did not, or while it runs."""
    if not study.made_here:
        return ""
    reason: str = noted(study, STOP).get("reason", "") or noted(study, USED_UP).get("reason", "")
    return reason


def way_on_after(reason: str) -> str:
    """Return how a search that stopped for a reason goes on."""
    used_up = reason in (NOTHING_LEFT, NOTHING_FOUND)
    return "search.repeats: true tries configs again" if used_up else "a larger --n-trials goes on with it"


def _when(record: Record) -> tuple[datetime.datetime, int]:
    return record.ended or datetime.datetime.min, record.number
