"""The driver: decides which trial runs next and which one stops.

It asks the study, feeds the executor and applies verdicts. It trains nothing and prints nothing; who wants
to see what happens passes `observe`.
"""

from __future__ import annotations

import collections
import functools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

from tuner.errors import StorageError, TunerError
from tuner.goal import Goal
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict, WorkerState
from tuner.results.failures import BROKEN
from tuner.search.events import Ended, Noted, Observer, Reported, SetBack, Started, Stopping, Trouble, WorkerSeen
from tuner.storage import Turns, in_turn
from tuner.storage.checkpoints import Checkpoints
from tuner.study import AskTell, Standing, Study

WRITE_SECONDS = 0.5
"""How long what running trials tell may be unwritten; a driver that dies loses so much of what will come again."""

AHEAD = Fraction(1, 3)
"""What is asked for while others train knows nothing of them: so much of a study at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run starts no more trials, and what it leaves.

    The study has `total` trials, `time.monotonic` passes `deadline`, so many `failures` came in a row, or
    `enough` gives a reason, of trials below a number if it is given one. Of ended trials, the best `keep` keep
    their checkpoints. Workers that have a trial are given another one while less than a part `ahead` of the total
    runs, over all drivers.
    """

    total: int
    deadline: float
    failures: int
    keep: int
    enough: Callable[[int | None], str] = lambda below: ""
    ahead: Fraction = AHEAD


class Driver:
    """The dispatcher of a study.

    Args:
        study: opened for its space.
        turns: this driver's right to it.
        limits: when no more trials are started, and what is kept.
        folder: the study's, for checkpoints and logs.
        observe: is told of every event.
    """

    def __init__(self, study: Study, turns: Turns, limits: Limits, folder: Path, observe: Observer) -> None:
        self._study = study
        self._trials = AskTell(study, turns, WRITE_SECONDS)
        self._standing = Standing(study, limits.keep)
        self._turns = turns
        self._limits = limits
        self._checkpoints = Checkpoints(folder / "checkpoints")
        self._logs = folder / "logs"
        self._observe = observe
        self._failed: list[Outcome] = []
        self._ended: set[int] = set()
        self._states: collections.Counter[str] = collections.Counter()
        self._stopped: set[int] = set()
        self._noted: set[str] = set()
        self._signal: int | None = None

    def recover(self) -> int:
        """Set back the trials of drivers that have died; how many there were, some of which `tell_of_lost` tells of."""
        return in_turn(self._turns, lambda: self._trials.recover(self._turns.alive()))

    def tell_of_lost(self) -> None:
        """Pass on which trials have failed since they died with their driver too often."""
        lost, self._trials.lost = self._trials.lost, []
        self._pass_on(lost)

    def stop(self, signal: int) -> None:
        """Start no more trials and suspend the running ones at their epoch's end.

        Called from a signal handler, which may have interrupted the observer in mid-line: another thread
        tells it, and waits for its turn.
        """
        self._signal = signal
        self._turns.patience.hurry()
        threading.Thread(target=self._observe, args=(Stopping(signal),), daemon=True).start()

    @property
    def stopped_by(self) -> int | None:
        """The signal that asked for the end, if one did."""
        return self._signal

    @property
    def failing(self) -> list[Outcome]:
        """The failures that came in a row, when they are too many to go on."""
        return self._failed if len(self._failed) >= self._limits.failures else []

    @property
    def ended(self) -> frozenset[int]:
        """The numbers of the trials that ended under this driver."""
        return frozenset(self._ended)

    @property
    def closing(self) -> bool:
        """Whether nothing more is started, however much there is."""
        return self._signal is not None or bool(self.failing) or time.monotonic() >= self._limits.deadline

    @property
    def over(self) -> bool:
        """Whether the study has its total or enough, the time is up, a signal came or too much failed."""
        return self.closing or self.enough() or self.used_up

    def enough(self, below: int | None = None) -> bool:
        """Whether the search is to stop before its total, as far as trials of numbers `below` tell."""
        return bool(self._limits.enough(below))

    @property
    def used_up(self) -> bool:
        """Whether there is nothing left to try; while another driver's trials run, one may still be given back."""
        exhausted = self._trials.exhausted and not self._trials.waiting() and not self._trials.in_progress()
        return exhausted or self._study.finished() >= self._limits.total

    def next(self, place: Place, ahead: bool = False) -> Trial | None:
        """The next trial, as long as the study has neither enough nor its total, counted over all drivers."""
        if ahead and self._trials.must_be_alone(place.worker):
            return None
        if ahead and self._trials.in_progress() >= self._limits.ahead * self._limits.total:
            return None
        if not self.enough() and (trial := self.ask(None if ahead else place)) is not None:
            self.start(trial, place)
            return trial
        return None

    def ask(self, place: Place | None = None) -> Trial | None:
        """The next trial, which begins at a place or before it is known where it trains."""
        if self.closing:
            return None
        trial = in_turn(self._turns, functools.partial(self._ask, place))
        self.tell_of_lost()
        return trial

    def _ask(self, place: Place | None) -> Trial | None:
        self._trials.recover(self._turns.alive())
        if self._trials.exhausted and not self._trials.waiting():
            return None
        if self._study.finished() + self._trials.in_progress() >= self._limits.total:
            return None
        return self._trials.ask(None if place is None else asdict(place))

    @property
    def upcoming(self) -> int:
        """The number of the trial that is asked for next."""
        return self._trials.upcoming

    def judged(self, number: int) -> int:
        """The last epoch of a running trial that was judged, in any attempt."""
        return self._trials.judged(number)

    @property
    def goal(self) -> Goal:
        """What trials are compared by."""
        return self._study.goal

    def start(self, trial: Trial, place: Place) -> None:
        """Note where a trial trains."""
        self._trials.place(trial.number, asdict(place))
        self._observe(Started(trial, place))

    def begin(self, trial: int) -> None:
        """Write down that a trial's code runs from now on."""
        self._trials.begin(trial)

    def report(self, epoch: Epoch) -> Verdict:
        """Record an epoch and judge it."""
        if self._trials.report(epoch):
            self._stopped.add(epoch.trial)
        verdict = self._verdict(epoch.trial)
        self._observe(Reported(epoch, verdict))
        return verdict

    def verdict(self, trial: Trial) -> Verdict:
        """The latest verdict on a running trial."""
        return self._verdict(trial.number)

    def _verdict(self, number: int) -> Verdict:
        if number in self._stopped:
            return Verdict.STOP
        return Verdict.GO if self._signal is None else Verdict.SUSPEND

    def load(self, trial: int) -> bytes | None:
        """The trial's checkpoint, if an earlier attempt left one."""
        try:
            return self._checkpoints.load(trial)
        except OSError as error:
            self._observe(Trouble(f"trial {trial} begins anew: its checkpoint cannot be read: {error.strerror}"))
            return None

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Write a checkpoint whole or not at all; without one, a trial that is cut short is run again.

        What goes on from it must find its epochs in the study, so these are written first.
        """
        self._trials.flush()
        try:
            self._checkpoints.save(trial, state, best)
        except TunerError as error:
            self._observe(Trouble(f"trial {trial} goes on without a new checkpoint: {error}"))

    def done(self, outcome: Outcome) -> bool:
        """Record how a trial ended, and say whether it has; one that goes on later keeps its checkpoint.

        What fails while a signal ends the run may have failed by that: a terminal sends it to what the trial started.
        """
        if self._signal is not None and outcome.state in (State.FAILED, State.LOST):
            outcome = replace(outcome, state=State.SUSPENDED)
        ended = in_turn(self._turns, functools.partial(self._trials.tell, outcome))
        self._stopped.discard(outcome.trial)
        if not ended:
            self._observe(SetBack(outcome))
            return False
        self._pass_on([outcome])
        return True

    def _pass_on(self, outcomes: Sequence[Outcome]) -> None:
        """Tell of trials that have ended."""
        if not outcomes:
            return
        records = self._trials.ended()
        self._standing.take(records)
        self._states.update(record.state for record in records)
        self._clear()
        for outcome in outcomes:
            self._ended.add(outcome.trial)
            self._failed = [*self._failed, outcome] if outcome.state in BROKEN else []
            record = next(record for record in records if record.number == outcome.trial)
            self._observe(Ended(outcome, record, self._standing.front, dict(self._states)))

    def _clear(self) -> None:
        """Delete the checkpoints of ended trials but the best; those that wait or run keep theirs."""
        best = [record.number for record in self._standing.best]
        try:
            self._checkpoints.keep({*best, *self._trials.unfinished})
        except OSError as error:
            self._observe(Trouble(f"checkpoints that are of no use cannot be deleted: {error}"))

    def log(self, trial: int) -> Path:
        """The file that keeps what a trial prints."""
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._observe(Trouble(f"what trial {trial} prints is not kept: {self._logs}: {error.strerror}"))
        return self._logs / f"{trial}.log"

    def note(self, text: str) -> None:
        """Pass it on, once: each worker finds out for itself."""
        if text not in self._noted:
            self._noted.add(text)
            self._observe(Noted(text))

    def saw(self, worker: str, state: WorkerState, cause: str = "") -> None:
        """Pass a worker's state on."""
        self._observe(WorkerSeen(worker, state, cause))

    def leave(self) -> None:
        """Set back what still runs, for whoever goes on with the study; who does also finds what could not be."""
        try:
            for number in self._trials.running:
                in_turn(self._turns, functools.partial(self._trials.leave, number))
        except StorageError as error:
            self._observe(Trouble(f"trials are left as running, until the next run: {error}"))
        finally:
            self._trials.close()
