"""Leased views: the trials of a remote study as its workers hear of them."""

from __future__ import annotations

import datetime
from http import HTTPStatus
from urllib.parse import quote

from tuner.config import STUDY_SECTIONS
from tuner.service.problems import Refused
from tuner.service.remote.remote_leases import Lease
from tuner.service.schemas import EndView, EpochView, TaskView
from tuner.space.suggest import Known
from tuner.storage.checkpoints import Checkpoints
from tuner.study import AskTell, Record, Unfinished
from tuner.study.ask_tell import SEEDS_OF_FUNCTIONS


class LeasedViews:
    """What workers hear of trials.

    Args:
        trials: of the study.
        checkpoints: of the study.
    """

    def __init__(self, trials: AskTell, checkpoints: Checkpoints) -> None:
        self._trials = trials
        self._study = trials.study
        self._checkpoints = checkpoints

    def task(self, lease: Lease) -> TaskView:
        """Return what the worker with a lease is to train."""
        number = lease.trial
        record, space = self._record(number), self._study.space
        values = space.fill(Known(record.params))
        address = f"/api/v1/studies/{quote(self._study.name, safe='')}/trials/{number}/checkpoint"
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=lease.left)
        return TaskView(
            study=self._study.name,
            number=number,
            attempt=lease.attempt,
            config={name: value for name, value in values.items() if name not in STUDY_SECTIONS},
            params=dict(record.params),
            seed=(record.attributes.seed or 0) % SEEDS_OF_FUNCTIONS,
            epochs=[
                EpochView(epoch=each.epoch, metrics=dict(each.metrics), seconds=each.seconds)
                for each in self._trials.epochs(number)
            ],
            checkpoint=address if self._checkpoints.has(number) else None,
            lease_seconds=lease.seconds,
            expires_at=ends,
        )

    def end(self, number: int) -> EndView:
        """Return how a trial has ended, or that it waits.

        Raises:
            Refused: there is no such trial.
        """
        record = self._record(number)
        values: dict[str, float | None] = {}
        if record.values:
            values.update(zip(self._study.goal.metrics, record.values, strict=True))
        return EndView(number=number, state=record.state.value, values=values, epoch=record.epoch, cause=record.cause)

    def end_by(self, number: int, attempt: int) -> EndView:
        """Return how this attempt has ended a trial.

        Raises:
            Refused: another attempt has it, or will have it; or there is no such trial.
        """
        return self.end(self.ended(number, attempt).number)

    def ended(self, number: int, attempt: int) -> Record:
        """Return a trial that this attempt has ended.

        Raises:
            Refused: another attempt has it, or will have it; or there is no such trial.
        """
        record = self._record(number)
        if record.finished and record.attributes.attempt == attempt:
            return record
        detail = f"the lease of attempt {attempt} of trial {number} has ended, and others go on with it"
        raise Refused(HTTPStatus.CONFLICT, f"{detail}; ask for the next trial")

    def waits(self, number: int, attempt: int) -> bool:
        """Return whether a trial waits for the attempt after this one.

        Raises:
            Refused: there is no such trial.
        """
        record = self._record(number)
        return record.state is Unfinished.WAITING and record.attributes.attempt == attempt

    def _record(self, number: int) -> Record:
        record = self._trials.record(number)
        if record is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"study {self._study.name} has no trial {number}")
        return record
