"""Optuna's tables of trials, written in bulk: each call is one transaction.

Optuna itself writes fact by fact, each in its own transaction. That costs ten times as much, and a crash can cut it in
two.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import operator
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import bindparam
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from tuner import optuna_internals
from tuner.optuna_internals import backend_of, session_of
from tuner.storage.coordination import Turns, losing_the_turn
from tuner.storage.leases import Evicted
from tuner.storage.reopen import Reopen
from tuner.storage.transient_errors import CROSSED, Unavailable
from tuner.storage.trial_update import TrialUpdate
from tuner.storage.upsert import replace_rows
from tuner.storage.urls import sqlite_file

DRIVER = "driver"
"""The attribute of a trial that names its driver."""

NEW = -1
"""The id of a trial that is about to be created."""

_TRIALS: Any = optuna_internals.TrialModel.__table__
_OWNERS: Any = optuna_internals.TrialUserAttributeModel.__table__
_STUDIES: Any = optuna_internals.StudyModel.__table__
_VALUES: Any = optuna_internals.TrialValueModel.__table__

_STUDY = sqlalchemy.select(_STUDIES.c.study_id).where(_STUDIES.c.study_id == bindparam("study")).with_for_update()
_BEGIN = _TRIALS.insert()
_IDS = sqlalchemy.select(_TRIALS.c.trial_id).where(_TRIALS.c.study_id == bindparam("study")).order_by(_TRIALS.c.number)
_LAST_BEFORE = (
    sqlalchemy.select(_TRIALS.c.trial_id)
    .where(_TRIALS.c.study_id == bindparam("study"), _TRIALS.c.trial_id < bindparam("trial"))
    .order_by(_TRIALS.c.trial_id.desc())
    .limit(1)
)
_MOVE = _TRIALS.update().where(_TRIALS.c.trial_id == bindparam("trial"), _TRIALS.c.state == bindparam("before"))
_RUNNING = (
    sqlalchemy.select(_TRIALS.c.trial_id)
    .where(_TRIALS.c.trial_id.in_(bindparam("trials", expanding=True)), _TRIALS.c.state == TrialState.RUNNING)
    .order_by(_TRIALS.c.trial_id)
    .with_for_update()
)
_OWNED = (
    sqlalchemy.select(sqlalchemy.func.count())
    .select_from(_OWNERS)
    .where(
        _OWNERS.c.trial_id.in_(bindparam("trials", expanding=True)),
        _OWNERS.c.key == DRIVER,
        _OWNERS.c.value_json == bindparam("driver"),
    )
)
"""Statements are built once, because building one costs more than executing it."""

optuna_internals.silence_failed_reads()


@dataclass(frozen=True, slots=True)
class Begin:
    """A new trial of a study; `after` is the id of the previous one, if there is one."""

    study_id: int
    number: int
    after: int | None
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Move:
    """A change of a trial's state; `values` are its final values."""

    trial_id: int
    before: TrialState
    after: TrialState
    values: Sequence[float] | None
    at: datetime.datetime


Step: TypeAlias = Begin | Move | Reopen
"""A change of the state of one trial."""


class Tables:
    """The tables of a database, for one driver.

    Args:
        backend: Optuna's storage of the database.
        turns: the turns of the driver; in a turn, everything uses the connection that holds it.
    """

    def __init__(self, backend: RDBStorage, turns: Turns) -> None:
        self._backend = backend
        self._turns = turns
        self.sessions = backend.scoped_session = _sessions(backend.engine, turns)
        self.shared = backend.engine.name != "sqlite" or sqlite_file(backend.engine.url) is not None
        """Whether any other connection sees the database, which one in memory hides."""
        self._aside: scoped_session[Session] = scoped_session(sessionmaker(backend.engine))

    def read(self, study_id: int, known: Set[int], newest: int) -> list[FrozenTrial]:
        """Return trials of a study by id: those of `known`, and all above `newest`, if that is at least 0.

        Raises:
            KeyError: there is no such study.
        """
        return optuna_internals.read_trials(self._backend, study_id, known, newest)

    def write(self, facts: Mapping[int, TrialUpdate], step: Step | None = None) -> int | None:
        """Write facts of trials by their ids, replacing what is there, with at most one step.

        Args:
            facts: `NEW` stands for the trial that `step` begins.
            step: of one of the trials.

        Returns:
            The id of the trial that was begun, if one was.

        Raises:
            Evicted: another driver has one of the trials.
            Unavailable: another program has made the step impossible.
        """
        with session_of(self.sessions) as session:
            if self._turns.connection is None:
                self._check_ownership(session, facts)
            begun = self._step(session, step)
            named = facts if begun is None else {begun if key == NEW else key: facts[key] for key in facts}
            self._write(session, named)
        return begun

    def batch(self) -> contextlib.AbstractContextManager[None]:
        """Commit at the end what this thread writes inside.

        Raises:
            StorageError: nothing of it is written.
        """
        return self._turns.batch(self._backend.engine) if self.shared else contextlib.nullcontext()

    def write_aside(self, facts: Mapping[int, TrialUpdate]) -> None:
        """Write facts from another thread than the one with turns.

        Raises:
            Evicted: one of the trials is not this driver's any more.
        """
        with session_of(self._aside) as session:
            self._check_ownership(session, facts)
            self._write(session, facts)

    def found(self, study_id: int, attributes: Mapping[str, Any], trials: Sequence[FrozenTrial]) -> None:
        """Write the attributes of an empty study, and its first trials, which ended elsewhere.

        Args:
            study_id: the id of the study.
            attributes: the attributes of the study.
            trials: numbered from 0.

        Raises:
            Unavailable: another program has begun a trial of it.
        """
        with session_of(self.sessions) as session:
            session.execute(_STUDY, {"study": study_id})
            if session.execute(_IDS, {"study": study_id}).first() is not None:
                raise Unavailable(CROSSED)
            session.execute(_BEGIN, [_ended(study_id, trial) for trial in trials])
            ids = session.execute(_IDS, {"study": study_id}).scalars().all()
            self._write(session, {key: TrialUpdate.of(trial) for key, trial in zip(ids, trials, strict=True)})
            values = [row for key, trial in zip(ids, trials, strict=True) for row in _values(key, trial.values or ())]
            replace_rows(session, _VALUES, ("trial_id", "objective"), values)
            rows = [{"study_id": study_id, "key": key, "value_json": json.dumps(it)} for key, it in attributes.items()]
            session.execute(optuna_internals.StudyUserAttributeModel.__table__.insert(), rows)

    def _step(self, session: Session, step: Step | None) -> int | None:
        match step:
            case Begin():
                return self._begin(session, step)
            case Move():
                self._move(session, step)
            case Reopen():
                step.write(session)
        return None

    def _begin(self, session: Session, step: Begin) -> int:
        """Insert a trial and return its id; its number is right if the last one before it is `after`."""
        if self._backend.engine.name != "sqlite":  # there it waits for others who begin a trial
            session.execute(_STUDY, {"study": step.study_id})
        row = {"number": step.number, "study_id": step.study_id, "state": TrialState.RUNNING}
        result: Any = session.execute(_BEGIN, {**row, "datetime_start": _utc(step.at)})
        trial_id = int(result.inserted_primary_key[0])
        if session.execute(_LAST_BEFORE, {"study": step.study_id, "trial": trial_id}).scalar() != step.after:
            raise Unavailable(CROSSED)
        return trial_id

    def _move(self, session: Session, step: Move) -> None:
        changed: dict[str, Any] = {"state": step.after}
        if step.after is TrialState.RUNNING:
            changed["datetime_start"] = _utc(step.at)
        if step.after.is_finished():
            changed["datetime_complete"] = _utc(step.at)
        result: Any = session.execute(_MOVE, {"trial": step.trial_id, "before": step.before, **changed})
        if result.rowcount != 1:
            raise Unavailable(CROSSED)
        if step.values is not None:
            replace_rows(session, _VALUES, ("trial_id", "objective"), _values(step.trial_id, step.values))

    def _write(self, session: Session, facts: Mapping[int, TrialUpdate]) -> None:
        keyed = [
            (table, key, {"trial_id": trial_id, **row})
            for trial_id, fact in facts.items()
            for table, key, row in fact.rows()
        ]
        keyed.sort(key=lambda item: item[0].name)
        for (table, key), group in itertools.groupby(keyed, operator.itemgetter(0, 1)):
            replace_rows(session, table, ("trial_id", key), [row for _, _, row in group])

    def _check_ownership(self, session: Session, trials: Mapping[int, TrialUpdate]) -> None:
        """Raise if another driver took a trial; rows are locked before owners are read."""
        if not self._turns.driver or not trials:
            return
        held = session.execute(_RUNNING, {"trials": list(trials)}).scalars().all()
        owned = session.execute(_OWNED, {"trials": held, "driver": json.dumps(self._turns.driver)}).scalar()
        if owned != len(trials):
            raise Evicted


def _values(trial_id: int, values: Sequence[float]) -> list[dict[str, Any]]:
    stored = map(optuna_internals.TrialValueModel.value_to_stored_repr, values)
    return [
        {"trial_id": trial_id, "objective": i, "value": value, "value_type": kind}
        for i, (value, kind) in enumerate(stored)
    ]


def _ended(study_id: int, trial: FrozenTrial) -> dict[str, Any]:
    started, ended = (None if at is None else _utc(at) for at in (trial.datetime_start, trial.datetime_complete))
    row = {"number": trial.number, "study_id": study_id, "state": trial.state}
    return {**row, "datetime_start": started, "datetime_complete": ended}


def _utc(local: datetime.datetime) -> datetime.datetime:
    """Return a local time as Optuna's tables store it."""
    return local.astimezone(datetime.UTC).replace(tzinfo=None)


def _sessions(engine: sqlalchemy.Engine, turns: Turns) -> scoped_session[Session]:
    """Return sessions on the connection that holds the turn, while there is one."""

    class InTurn(Session):
        def get_bind(self, *args: Any, **kwargs: Any) -> sqlalchemy.Engine | sqlalchemy.Connection:
            connection = turns.connection
            return engine if connection is None else connection

    return scoped_session(sessionmaker(class_=InTurn))


def found(
    storage: BaseStorage, turns: Turns, study_id: int, attributes: Mapping[str, Any], trials: Sequence[FrozenTrial]
) -> None:
    """Write a study's attributes and its first trials, in a turn.

    Args:
        storage: a storage opened for writing.
        turns: the driver's right to the study.
        study_id: the id of a study that has neither yet.
        attributes: JSON values.
        trials: numbered from 0, complete or pruned.

    Raises:
        TurnLost: it is unknown whether it is written.
        Unavailable: another program has begun a trial of the study.
    """
    backend = backend_of(storage)
    assert backend is not None, storage
    with losing_the_turn():
        Tables(backend, turns).found(study_id, attributes, trials)
