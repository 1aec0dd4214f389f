"""The same study for the same seed, whatever trains it: trials in batches, their epochs in one order.

A batch is asked for at once and ends before the next one begins, so that the sampler knows the same of
it however many workers there are. Its epochs reach the study in the order of (epoch, number), whenever
they arrive: a trial trains on ahead of its verdicts, and what it trained beyond one is thrown away.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from tuner.engines.outcomes import interrupted
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict, WorkerState
from tuner.search.driver import Driver


@dataclass(frozen=True, slots=True)
class _Save:
    """A checkpoint that waits for the epoch before it."""

    state: bytes
    best: bool


@dataclass(slots=True)
class _Member:
    """A trial of the batch, with what it has told and the study does not know yet.

    `applied` is the last epoch that the study knows.
    """

    trial: Trial
    applied: int
    started: bool = False
    told: deque[Epoch | _Save | Outcome] = field(default_factory=deque)

    @property
    def due(self) -> tuple[int, int]:
        """Its place in the order: the epoch that it tells of next, at the earliest."""
        head = self.told[0] if self.told else None
        return head.epoch if isinstance(head, Epoch) else self.applied + 1, self.trial.number


class DeterministicDispatcher:
    """A dispatcher that puts a driver's trials into one order.

    Args:
        driver: of the study, which it has for itself.
        batch: how many trials are asked for at once, at least 1.
    """

    def __init__(self, driver: Driver, batch: int) -> None:
        self._driver = driver
        self._scheduler = driver.scheduler
        self._batch = batch
        self._members: dict[int, _Member] = {}

    @property
    def over(self) -> bool:
        """Whether the run closes, or the driver has no more and the batch has ended."""
        return self._scheduler.closing or (not self._members and (self._scheduler.used_up or self._enough))

    @property
    def _enough(self) -> bool:
        """Whole batches tell whether the search is to stop: how one comes to its end is a matter of chance."""
        return self._scheduler.enough(self._scheduler.upcoming // self._batch * self._batch)

    def next(self, place: Place, ahead: bool = False) -> Trial | None:
        """A trial of the batch that nobody trains, or of the next batch when this one has ended."""
        if self._scheduler.closing:
            return None
        if not self._members and not self._enough:
            self._ask_batch()
        if self._scheduler.closing:  # a signal came meanwhile, and the batch is not whole
            return None
        for member in self._members.values():
            if not member.started:
                member.started = True
                self._driver.start(member.trial, place)
                return member.trial
        return None

    def _ask_batch(self) -> None:
        """Trials count from 0, and each batch is so many numbers; one that was cut short goes on as it was."""
        batch = self._scheduler.upcoming // self._batch
        while self._scheduler.upcoming // self._batch == batch and self._ask():
            pass

    def _ask(self) -> bool:
        trial = self._driver.ask()
        if trial is not None:
            self._members[trial.number] = _Member(trial, self._scheduler.judged(trial.number))
        return trial is not None

    def report(self, epoch: Epoch) -> Verdict:
        """Take an epoch, and give the verdict that is known by now."""
        member = self._member(epoch.trial, epoch.attempt)
        if member is None:
            return Verdict.STOP
        if epoch.epoch <= member.applied:  # an earlier attempt got further than its checkpoint
            return self._driver.report(epoch)
        member.told.append(epoch)
        self._apply()
        return self.verdict(member.trial)

    def begin(self, trial: int) -> None:
        """Pass it on, of a trial that has not ended in the study."""
        if trial in self._members:
            self._driver.begin(trial)

    def verdict(self, trial: Trial) -> Verdict:
        """The latest verdict on a trial; one that has ended in the study may still be in training."""
        member = self._member(trial.number, trial.attempt)
        return Verdict.STOP if member is None else self._driver.verdict(trial)

    def load(self, trial: int) -> bytes | None:
        """The checkpoint to go on from, which is never ahead of the study."""
        return self._driver.load(trial)

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Keep a checkpoint as soon as the study knows its epoch; while one waits, later ones are dropped."""
        member = self._members.get(trial)
        if member is None or any(isinstance(told, _Save) and told.best == best for told in member.told):
            return
        member.told.append(_Save(state, best))
        self._save_what_is_due(member)

    def done(self, outcome: Outcome) -> None:
        """Take how a trial ended; what cuts it short is no part of the order."""
        member = self._member(outcome.trial, outcome.attempt)
        if member is None:
            return
        if outcome.state in (State.SUSPENDED, State.LOST):
            self._interrupted(outcome)
            return
        member.told.append(outcome)
        self._apply()

    def log(self, trial: int) -> Path:
        """The file that keeps what a trial prints."""
        return self._driver.log(trial)

    def note(self, text: str) -> None:
        """Pass it on."""
        self._driver.note(text)

    def saw(self, worker: str, state: WorkerState, cause: str = "") -> None:
        """Pass a worker's state on."""
        self._driver.saw(worker, state, cause)

    def _member(self, number: int, attempt: int) -> _Member | None:
        member = self._members.get(number)
        return member if member is not None and member.trial.attempt == attempt else None

    def _interrupted(self, outcome: Outcome) -> None:
        """A trial that waits is asked for again at once: it belongs to this batch.

        Where the run closes nothing is asked for any more, and the trial blocks the order for the others.
        """
        if self._driver.done(outcome):
            del self._members[outcome.trial]
            self._apply()
        elif not self._scheduler.closing:
            del self._members[outcome.trial]
            self._ask()
        else:
            self._members[outcome.trial].told.clear()

    def _apply(self) -> None:
        """Tell the study what is next in the order, as far as it is known."""
        while self._members:
            member = min(self._members.values(), key=lambda each: each.due)
            if not member.told:
                return
            match member.told.popleft():
                case Epoch() as epoch:
                    self._tell_epoch(member, epoch)
                case Outcome() as outcome:
                    del self._members[outcome.trial]
                    self._driver.done(outcome)

    def _tell_epoch(self, member: _Member, epoch: Epoch) -> None:
        member.applied = epoch.epoch
        if self._driver.report(epoch) is Verdict.STOP:
            del self._members[epoch.trial]
            self._driver.done(interrupted(member.trial, State.PRUNED, self._scheduler.goal, epoch.metrics, epoch.epoch))
        else:
            self._save_what_is_due(member)

    def _save_what_is_due(self, member: _Member) -> None:
        while member.told and isinstance(saved := member.told[0], _Save):
            member.told.popleft()
            self._driver.save(member.trial.number, saved.state, saved.best)
