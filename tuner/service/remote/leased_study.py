"""A study of remote workers: what each of their calls does. All calls come from one thread.

It is a `Driver` without an executor. A worker asks for a trial and gets a lease. It reports epochs and is told whether
to go on. A worker whose lease expires has lost its attempt, and another worker goes on from its last checkpoint.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from tuner.engines.outcomes import divergence
from tuner.protocol import Epoch, Outcome, Place, State, Verdict
from tuner.search.driver import Driver
from tuner.search.open_search import OpenSearch
from tuner.service.problems import Refused
from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.remote.attendance import Attendance
from tuner.service.remote.job_terms import TimeLimit, halt_of, is_paused
from tuner.service.remote.leased_views import LeasedViews
from tuner.service.remote.remote_leases import Lease, Leases, ended
from tuner.service.remote.reported_epochs import refusal_of_repeated, refuse_other_names, refuse_unfit_names
from tuner.service.remote.trained_outcome import completed
from tuner.service.schemas import AskBody, EndView, EpochBody, TaskView
from tuner.storage import in_turn
from tuner.storage.checkpoints import Checkpoints

RETRY_SECONDS = 2
"""Seconds after which a worker asks again when there is no trial now."""

PAUSED_SECONDS = 10
"""Seconds after which a worker asks again when the study is suspended."""


class NoneNow(NamedTuple):
    """There is no trial now; a worker asks again after some seconds."""

    seconds: int


class LeasedStudy:
    """An open study.

    Args:
        search: the study, opened.
        driver: of the study.
        leases: those that an earlier server gave, if it did.
        owner: the user whose study it is.
    """

    def __init__(self, search: OpenSearch, driver: Driver, leases: Leases, owner: str) -> None:
        self._study = search.study
        self.name = search.study.name
        self.owner = owner
        self._goal = search.study.goal
        self._turns = search.turns
        self._driver = driver
        self._workers = Attendance(driver.saw)
        self._limit = TimeLimit(search.study.space.search.timeout)
        self.leases = leases
        self._checkpoints = Checkpoints(search.folder / "checkpoints")
        self._views = LeasedViews(driver.trials, self._checkpoints)
        self.halt = ""
        """Why workers are to give their trials back, such as `is suspended`; empty if they are not."""
        self._is_paused = False

    def follow(self, job: JobRecord) -> None:
        """Let workers have trials as the job of the study says."""
        self.halt, self._is_paused = halt_of(job), is_paused(job)
        self._limit.follow(job)

    def adopt(self) -> int:
        """Go on with the trials whose workers go on; set the others back, and return their number."""
        for lease in self.leases:
            adopt = functools.partial(self._driver.trials.adopt, lease.trial, lease.attempt)
            if not in_turn(self._turns, adopt):
                self.leases.end(lease.trial)
        return self._driver.recover()

    def batch(self) -> contextlib.AbstractContextManager[None]:
        """Write what calls do inside with one commit; after an exception, open the study anew.

        Raises:
            StorageError: nothing of it is written, on SQLite.
        """
        return self._driver.trials.batch()

    def flush(self, everything: bool = False) -> None:
        """Write everything that was reported, and new leases.

        Args:
            everything: whether also leases that ended or were renewed.

        Raises:
            StorageError: the database cannot be used; a later call writes the same.
        """
        self._driver.trials.flush()
        self.leases.write(everything)

    def ask(self, body: AskBody, owner: str, key: str) -> TaskView | NoneNow:
        """Lease the next trial to a worker.

        Args:
            body: who asks.
            owner: the user of the worker.
            key: of the request; the same key gives the same trial again, while its lease holds.

        Raises:
            Refused: the study is over.
        """
        if (again := self.leases.of_request(owner, key)) is not None:
            again.renew()
            return self._views.task(again)
        if self._is_paused or self._driver.scheduler.signal is not None:
            return NoneNow(PAUSED_SECONDS)
        if why := self.why_over:
            raise Refused(HTTPStatus.GONE, f"study {self.name} {why}; stop asking")
        self._workers.asks(body.worker)
        trial = self._driver.next(Place(body.worker, body.host, body.device, 1))
        if trial is None:
            return NoneNow(RETRY_SECONDS)
        lease = Lease(trial.number, trial.attempt, body.worker, owner, body.lease_seconds, key)
        self.leases.give(lease)
        return self._views.task(lease)

    def report(self, number: int, attempt: int, epochs: Sequence[EpochBody]) -> Verdict:
        """Record epochs and return the verdict on the trial; after `STOP` it has ended.

        Raises:
            Refused: the attempt is over, or the epochs do not follow.
        """
        lease = self._lease(number, attempt)
        if lease is None:
            if self.halt and self._views.waits(number, attempt):
                return Verdict.SUSPEND
            record = self._views.ended(number, attempt)
            if record.state in (State.PRUNED, State.DIVERGED):
                return Verdict.STOP
            raise Refused(HTTPStatus.CONFLICT, f"trial {number} has ended as {record.state}; ask for the next trial")
        since = lease.renew()
        for each in epochs:
            seconds = since / len(epochs) if each.seconds is None else each.seconds
            if self._report(lease, each, seconds) is Verdict.STOP:
                return Verdict.STOP
        return Verdict.SUSPEND if self.halt else self._driver.scheduler.verdict(number)

    def complete(self, number: int, attempt: int, values: Mapping[str, float] | None) -> EndView:
        """End a trial that was trained to its end, and return it.

        Raises:
            Refused: the attempt is over, or it has no value.
        """
        lease = self._lease(number, attempt)
        if lease is None:
            return self._views.end_by(number, attempt)
        return self._end(lease, completed(self._goal, lease, self._driver.trials.epochs(number), values))

    def fail(self, number: int, attempt: int, cause: str, traceback: str) -> EndView:
        """End a trial by an exception of its worker, and return it.

        Raises:
            Refused: the attempt is over.
        """
        lease = self._lease(number, attempt)
        if lease is None:
            return self._views.end_by(number, attempt)
        return self._end(lease, Outcome(number, attempt, State.FAILED, cause=cause, traceback=traceback))

    def release(self, number: int, attempt: int) -> EndView:
        """Set a trial back, so that a worker goes on with it later, and return it.

        Raises:
            Refused: another attempt has the trial.
        """
        lease = self._lease(number, attempt)
        if lease is not None:
            return self._end(lease, Outcome(number, attempt, State.SUSPENDED))
        if self._views.waits(number, attempt):
            return self._views.end(number)
        return self._views.end_by(number, attempt)

    def hold(self, number: int, attempt: int) -> Checkpoints:
        """Renew a lease, and return the checkpoints, for one that follows from what was reported.

        Raises:
            Refused: the attempt is over.
        """
        lease = self._lease(number, attempt)
        if lease is None:
            record = self._views.ended(number, attempt)
            raise Refused(HTTPStatus.CONFLICT, f"trial {number} has ended as {record.state}; ask for the next trial")
        lease.renew()
        return self._checkpoints

    def keep(self, number: int, attempt: int, staged: Path) -> None:
        """Renew a lease, and let the next attempt go on from a checkpoint that is staged.

        Raises:
            Refused: the attempt is over: another worker may have the trial.
            TunerError: the checkpoint cannot be written.
        """
        self.hold(number, attempt).put(number, staged)

    def expire(self) -> None:
        """Set back the trials of silent workers. Those of a study that is halted have lost no attempt."""
        for lease in ended(self.leases):
            cause = f"worker {lease.worker} was silent for {lease.seconds:g} s"
            state = State.SUSPENDED if self.halt else State.LOST
            self._end(lease, Outcome(lease.trial, lease.attempt, state, cause=cause))
            self._workers.leaves(lease.worker, cause)
        self._workers.miss({lease.worker for lease in self.leases})

    def set_back(self) -> None:
        """Set back all trials that workers have."""
        for lease in self.leases:
            self._end(lease, Outcome(lease.trial, lease.attempt, State.SUSPENDED))

    @property
    def why_over(self) -> str:
        """Why no worker gets a trial any more; empty if one may."""
        scheduler = self._driver.scheduler
        if self.halt or scheduler.signal is not None:
            return self.halt or "is suspended"
        if failing := scheduler.failing:
            return f"has stopped after {len(failing)} failures in a row: {failing[-1].cause}"
        if scheduler.used_up:
            return "has all its trials"
        if scheduler.enough():
            return "has stopped as search.stop asks"
        return "has used up search.timeout" if self._limit.used_up else ""

    @property
    def end(self) -> JobState | None:
        """The state that follows for its job when no worker has a trial; None while there are more."""
        scheduler = self._driver.scheduler
        if scheduler.signal is not None:
            return JobState.SUSPENDED
        if scheduler.failing:
            return JobState.FAILED
        return JobState.DONE if scheduler.over or self._limit.used_up else None

    def _report(self, lease: Lease, told: EpochBody, seconds: float) -> Verdict:
        number, attempt, metrics = lease.trial, lease.attempt, told.metrics
        if not lease.last or told.epoch <= lease.last:
            known = {each.epoch: each.metrics for each in self._driver.trials.epochs(number)}
            if lease.last != 0 and known.get(told.epoch) == metrics:
                return Verdict.GO  # reported before; a trial that it stopped has ended
            if lease.last and told.epoch <= lease.last:
                raise refusal_of_repeated(number, lease.last, told, known)
        refuse_unfit_names(self._goal, metrics)
        refuse_other_names(number, self._driver.trials.running[number].history, told)
        if reason := divergence(metrics, self._goal.names):
            cause = f"{reason} at epoch {told.epoch}"
            self._end(lease, Outcome(number, attempt, State.DIVERGED, epoch=lease.last or None, cause=cause))
            return Verdict.STOP
        verdict = self._driver.report(Epoch(number, attempt, told.epoch, metrics, seconds))
        lease.last = told.epoch
        if verdict is Verdict.STOP:
            violations = self._goal.violations(metrics)
            self._end(lease, Outcome(number, attempt, State.PRUNED, epoch=told.epoch, violations=violations))
        return verdict

    def _lease(self, number: int, attempt: int) -> Lease | None:
        lease = self.leases.get(number)
        return lease if lease is not None and lease.attempt == attempt else None

    def _end(self, lease: Lease, outcome: Outcome) -> EndView:
        self._driver.done(outcome)
        self.leases.end(lease.trial)
        return self._views.end(lease.trial)
