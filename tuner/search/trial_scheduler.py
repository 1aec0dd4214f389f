"""The trial scheduler: decides which trial runs next, which one stops, and when a run starts no more.

It asks the study in turns that drivers share. It keeps no files and tells nobody.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from tuner.goal import Goal
from tuner.protocol import AHEAD, Epoch, Outcome, Place, State, Trial, Verdict
from tuner.results.failures import BROKEN
from tuner.search.retries import Retries
from tuner.storage import Turns, in_turn
from tuner.study import AskTell
from tuner.study.drawing import UsedUp


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run starts no more trials, and how many checkpoints it keeps.

    It starts none when the study has `total` trials, or `time.monotonic` passes `deadline`. It also stops after
    `failures` failures in a row, or when `enough` gives a reason. `enough` may be limited to trials below a number. The
    best `keep` of the ended trials keep their checkpoints. Workers with a trial get another one while less than a share
    `ahead` of the total runs, over all drivers.
    """

    total: int
    deadline: float
    failures: int
    keep: int
    enough: Callable[[int | None], str] = lambda below: ""
    ahead: Fraction = AHEAD


@dataclass(frozen=True, slots=True)
class _Stop:
    """Someone stops an attempt of a trial, and why."""

    attempt: int
    cause: str


class TrialScheduler:
    """What runs next, and what stops.

    Args:
        trials: of the study.
        turns: this driver's right to it.
        limits: when no more trials are started.
    """

    def __init__(self, trials: AskTell, turns: Turns, limits: Limits) -> None:
        self._trials = trials
        self._turns = turns
        self._limits = limits
        self._stopped: set[int] = set()
        self._asked: dict[int, _Stop] = {}
        self._failed: list[Outcome] = []
        self.retries = Retries(trials, turns)
        """The trials that people want to run again, also if the search has enough."""
        self.signal: int | None = None
        """The signal that asked for the end, if one did."""

    @property
    def failing(self) -> list[Outcome]:
        """The failures that came in a row, when they are too many to go on."""
        return self._failed if len(self._failed) >= self._limits.failures else []

    @property
    def closing(self) -> bool:
        """Whether nothing more is started, however much there is."""
        return self.signal is not None or bool(self.failing) or time.monotonic() >= self._limits.deadline

    @property
    def over(self) -> bool:
        """Whether the study has its total or enough, the time is up, a signal came or too much failed."""
        return self.closing or self.enough() or self.used_up

    def enough(self, below: int | None = None) -> bool:
        """Return whether the search stops before its total, judged by the trials of numbers `below`."""
        return bool(self._limits.enough(below)) and not self.retries.pending

    @property
    def used_up(self) -> bool:
        """Whether there is nothing left to try; while another driver's trials run, one may still be given back."""
        if self.retries.asked:
            return False
        queue = self._trials.queue
        exhausted = queue.exhausted and not queue.waiting() and not queue.in_progress()
        return exhausted or self._trials.study.finished() >= self._limits.total

    @property
    def upcoming(self) -> int:
        """The number of the trial that is asked for next."""
        return self._trials.queue.upcoming

    @property
    def goal(self) -> Goal:
        """What trials are compared by."""
        return self._trials.study.goal

    def next(self, place: Place, ahead: bool) -> Trial | None:
        """Return the next trial, as long as the study has neither enough nor its total, counted over all drivers."""
        if ahead and self._trials.must_be_alone(place.worker):
            return None
        if ahead and self._trials.queue.in_progress() >= self._limits.ahead * self._limits.total:
            return None
        return None if self.enough() else self.ask(None if ahead else place)

    def ask(self, place: Place | None) -> Trial | None:
        """Return the next trial, which begins at a place or before it is known where it trains."""
        return None if self.closing else in_turn(self._turns, functools.partial(self._ask, place))

    def _ask(self, place: Place | None) -> Trial | None:
        self._trials.recover(self._turns.alive())
        if self._trials.queue.exhausted and not self._trials.queue.waiting():
            return None
        if self._trials.study.finished() + self._trials.queue.in_progress() >= self._limits.total:
            return None
        try:
            return self._trials.ask(place)
        except UsedUp:
            return None

    def judged(self, number: int) -> int:
        """Return the last epoch of a running trial that was judged, in any attempt."""
        return self._trials.running[number].judged

    def report(self, epoch: Epoch) -> Verdict:
        """Record an epoch and judge it."""
        if self._trials.report(epoch):
            self._stopped.add(epoch.trial)
        return self.verdict(epoch.trial)

    def verdict(self, number: int) -> Verdict:
        """Return the latest verdict on a running trial."""
        if number in self._stopped or self._cause(number):
            return Verdict.STOP
        return Verdict.GO if self.signal is None else Verdict.SUSPEND

    def stop(self, number: int, cause: str, attempt: int) -> bool:
        """Stop a trial of this driver at its next epoch. Return whether it stays, since it was retried meanwhile.

        Called from another thread. A trial that is not running here may be another driver's, or begin later.

        Args:
            number: of the trial.
            cause: why, for readers.
            attempt: the one that was to stop. A later one of the trial goes on from it, unless the trial was retried.
        """
        running = self._trials.running.find(number)
        if running is None:
            return False
        if attempt > running.reopened:
            self._asked[number] = _Stop(running.attempt, cause)
        return attempt <= running.reopened

    def _cause(self, number: int) -> str:
        """Return why people stop the present attempt of a trial; empty if they do not."""
        asked, running = self._asked.get(number), self._trials.running.find(number)
        return "" if asked is None or running is None or asked.attempt != running.attempt else asked.cause

    def done(self, outcome: Outcome) -> tuple[Outcome, bool]:
        """Record the outcome of a trial; return it, and whether the trial has ended or resumes later.

        A failure while a signal ends the run does not count: the trial's processes may have got the signal too.
        """
        if self.signal is not None and outcome.state in (State.FAILED, State.LOST):
            outcome = replace(outcome, state=State.SUSPENDED)
        cause = self._cause(outcome.trial)
        if cause and outcome.state is State.PRUNED and outcome.trial not in self._stopped:
            outcome = replace(outcome, cause=outcome.cause or cause)
        ended = in_turn(self._turns, functools.partial(self._trials.tell, outcome))
        self._stopped.discard(outcome.trial)
        self._asked.pop(outcome.trial, None)
        return outcome, ended

    def count(self, outcome: Outcome) -> None:
        """Count the failures in a row, by a trial that has ended."""
        self._failed = [*self._failed, outcome] if outcome.state in BROKEN else []
