"""The same study for the same seed, whatever trains it: trials in batches, their epochs in one order.

A batch is sampled at once and ends before the next one begins. So the sampler has the same results for any number of
workers. Its epochs reach the study in the order of (epoch, number), whenever they arrive. A trial trains on ahead of
its verdicts, and later epochs than its verdict are dropped.
"""

from __future__ import annotations

from pathlib import Path

from tuner.engines.outcomes import interrupted
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict, WorkerState
from tuner.search.driver import Driver
from tuner.search.trial_batch import Member, Save, TrialBatch


class DeterministicDispatcher:
    """A dispatcher that puts a driver's trials into one order.

    Args:
        driver: the only driver of the study.
        batch: the number of trials that are sampled at once, at least 1.
    """

    def __init__(self, driver: Driver, batch: int) -> None:
        self._driver = driver
        self._scheduler = driver.scheduler
        self._size = batch
        self._batch = TrialBatch()

    @property
    def over(self) -> bool:
        """Whether the run closes, or the driver has no more trials and the batch has ended."""
        return self._scheduler.closing or (not self._batch and (self._scheduler.used_up or self._enough))

    @property
    def _enough(self) -> bool:
        """Whether the search stops; only whole batches count, because a batch ends in varying order."""
        return self._scheduler.enough(self._scheduler.upcoming // self._size * self._size)

    def next(self, place: Place, ahead: bool = False) -> Trial | None:
        """Return a trial of the batch that nobody trains, or of the next batch when this one has ended."""
        if self._scheduler.closing:
            return None
        if not self._batch:
            self._driver.retry()
        if not self._batch and not self._enough:
            self._ask_batch()
        if self._scheduler.closing:  # a signal came meanwhile, and the batch is not whole
            return None
        trial = self._batch.start_next()
        if trial is not None:
            self._driver.start(trial, place)
        return trial

    def _ask_batch(self) -> None:
        """Ask for a batch: a fixed range of trial numbers from 0; an interrupted batch is completed."""
        batch = self._scheduler.upcoming // self._size
        while self._scheduler.upcoming // self._size == batch and self._ask():
            pass

    def _ask(self) -> bool:
        trial = self._driver.ask()
        if trial is not None:
            self._batch.add(trial, self._scheduler.judged(trial.number))
        return trial is not None

    def report(self, epoch: Epoch) -> Verdict:
        """Store an epoch, and return the verdict that is known by now."""
        member = self._batch.find(epoch.trial, epoch.attempt)
        if member is None:
            return Verdict.STOP
        if epoch.epoch <= member.applied:  # an earlier attempt got further than its checkpoint
            return self._driver.report(epoch)
        member.told.append(epoch)
        self._apply()
        return self.verdict(member.trial)

    def begin(self, trial: int) -> None:
        """Pass it on, for a trial that has not ended in the study."""
        if trial in self._batch:
            self._driver.begin(trial)

    def verdict(self, trial: Trial) -> Verdict:
        """Return the latest verdict on a trial; one that has ended in the study may still train."""
        member = self._batch.find(trial.number, trial.attempt)
        return Verdict.STOP if member is None else self._driver.verdict(trial)

    def load(self, trial: int) -> bytes | None:
        """Return the checkpoint to resume from, which is never ahead of the study."""
        return self._driver.load(trial)

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Save a checkpoint as soon as the study has its epoch; while one waits, later ones are dropped."""
        member = self._batch.find(trial)
        if member is not None:
            member.add_save(Save(state, best))
            self._save_what_is_due(member)

    def done(self, outcome: Outcome) -> None:
        """Store the outcome of a trial; an interruption is no part of the order."""
        member = self._batch.find(outcome.trial, outcome.attempt)
        if member is None:
            return
        if outcome.state in (State.SUSPENDED, State.LOST):
            self._interrupted(member, outcome)
            return
        member.told.append(outcome)
        self._apply()

    def log(self, trial: int) -> Path:
        """Return the file for a trial's output."""
        return self._driver.log(trial)

    def note(self, text: str) -> None:
        """Pass a note on."""
        self._driver.note(text)

    def saw(self, worker: str, state: WorkerState, cause: str = "") -> None:
        """Pass a worker's state on."""
        self._driver.saw(worker, state, cause)

    def _interrupted(self, member: Member, outcome: Outcome) -> None:
        """Ask for a waiting trial again at once: it belongs to this batch.

        If the run closes, no trial is asked for any more, and the trial blocks the order for the others.
        """
        if self._driver.done(outcome):
            self._batch.drop(outcome.trial)
            self._apply()
        elif not self._scheduler.closing:
            self._batch.drop(outcome.trial)
            self._ask()
        else:
            member.told.clear()

    def _apply(self) -> None:
        """Apply to the study what is next in the order, as far as it is known."""
        while (told := self._batch.next_told()) is not None:
            match told:
                case member, Epoch() as epoch:
                    self._tell_epoch(member, epoch)
                case _, Outcome() as outcome:
                    self._batch.drop(outcome.trial)
                    self._driver.done(outcome)

    def _tell_epoch(self, member: Member, epoch: Epoch) -> None:
        member.applied = epoch.epoch
        if self._driver.report(epoch) is Verdict.STOP:
            self._batch.drop(epoch.trial)
            self._driver.done(interrupted(member.trial, State.PRUNED, self._scheduler.goal, epoch.metrics, epoch.epoch))
        else:
            self._save_what_is_due(member)

    def _save_what_is_due(self, member: Member) -> None:
        for save in member.due_saves():
            self._driver.save(member.trial.number, save.state, save.best)
