"""The storage that a driver works with: trials in memory, and several facts of one written at once.

What Optuna writes one by one, each in a transaction of its own, a crash can cut in two. Here what
belongs together is there as a whole or not at all. An outage of the database is waited for; in a turn
that another driver could take, everything goes through the connection that holds it, and fails with it.
Trials of others are looked up anew in each turn, and else once in a while.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import json
import logging
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import RDBStorage, _create_scoped_session
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from tuner.storage.facts import Facts
from tuner.storage.leases import Evicted
from tuner.storage.passing import Passing
from tuner.storage.turns import Sole, TurnLost, Turns, losing_the_turn
from tuner.storage.view import View

T = TypeVar("T")

DRIVER = "driver"
"""The attribute of a trial that names the driver whose it is."""

FRESH_SECONDS = 1.0
"""How old may be what is known of the trials of other drivers, out of a turn."""

logging.getLogger("optuna.storages._rdb.storage").setLevel(logging.ERROR)  # it warns of each read that an outage ends


class Ledger(Passing):
    """A storage over another one.

    Args:
        inner: an RDBStorage behind Optuna's cache, or one in memory, which no crash leaves by half.
        turns: of the driver that writes.
    """

    def __init__(self, inner: BaseStorage, turns: Turns | None = None) -> None:
        super().__init__(inner)
        self._turns = turns or Sole()
        self._deferred: dict[str, Any] | None = None
        self._drawn: dict[int, dict[str, tuple[float, BaseDistribution]]] = {}
        self._view: View | None = None
        self._mine: set[int] = set()
        self._looked: tuple[Any, float] = (None, 0.0)
        self._backend: RDBStorage | None = getattr(inner, "_backend", None)
        if self._backend is not None:
            self._backend.scoped_session = _sessions(self._backend.engine, self._turns)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials by number; this driver's own as it knows them, others as the database has them."""
        if self._backend is None:
            return self._inner.get_all_trials(study_id, deepcopy, states)
        trials = self._current_view(study_id).all(states)
        return copy.deepcopy(trials) if deepcopy else trials

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial; one that is in memory is not to be changed."""
        if self._view is not None and trial_id in self._view:
            return self._view.get(trial_id)
        return super().get_trial(trial_id)

    def _current_view(self, study_id: int) -> View:
        turn, now = self._turns.connection, time.monotonic()
        if self._view is None:
            self._view = View(super().get_all_trials(study_id, deepcopy=False))
            self._looked = turn, now
        elif self._turns.driver and (turn is not self._looked[0] or now - self._looked[1] > FRESH_SECONDS):
            for trial in super().get_all_trials(study_id, deepcopy=False):
                if trial._trial_id not in self._mine:
                    self._view.put(trial)
            self._looked = turn, now
        return self._view

    def _changed(self, trial_id: int, change: Callable[[FrozenTrial], None]) -> None:
        if self._view is not None and trial_id in self._view:
            self._view.change(trial_id, change)

    @contextlib.contextmanager
    def _once(self) -> Iterator[None]:
        """What is not tried again: if it is lost, the database must be asked what there is."""
        try:
            with losing_the_turn():
                yield
        except TurnLost:
            self._view = None
            self._drawn.clear()
            self._mine.clear()
            raise

    def _try(self, work: Callable[[], T]) -> T:
        if self._turns.connection is None:
            return self._turns.patience.outlast(work)
        with self._once():
            return work()

    @contextlib.contextmanager
    def deferring(self) -> Iterator[dict[str, Any]]:
        """Keep the system attributes that a pruner sets on the trial that it judges, to `record` them later."""
        self._deferred = {}
        try:
            yield self._deferred
        finally:
            self._deferred = None

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Write it, or keep it while `deferring`."""
        if self._deferred is not None:
            self._deferred[key] = value
        else:
            super().set_trial_system_attr(trial_id, key, value)
            self._changed(trial_id, Facts(system={key: value}).change)

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Keep a parameter until `record` writes it with the others of its trial."""
        if self._backend is None:
            self._inner.set_trial_param(trial_id, param_name, param_value_internal, distribution)
            return
        drawn = {param_name: (param_value_internal, distribution)}
        self._drawn.setdefault(trial_id, {}).update(drawn)
        self._changed(trial_id, Facts(params=drawn).change)

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Begin a trial, this driver's from the first; not tried again, or there might be one more.

        Raises:
            TurnLost: nobody knows whether it is there.
        """
        backend = self._backend
        if backend is None or template_trial is not None:
            return self._inner.create_new_trial(study_id, template_trial)
        with self._once():
            with _create_scoped_session(backend.scoped_session) as session:
                models.StudyModel.find_or_raise_by_id(study_id, session, for_update=True)
                trial_id = int(backend._get_prepared_new_trial(study_id, None, session).trial_id)
                self._claim(backend, session, trial_id)
            self._taken(trial_id)
        return trial_id

    def _taken(self, trial_id: int) -> None:
        """A trial that begins to run here, as the database has it."""
        assert self._backend is not None
        if self._view is not None:
            self._view.put(self._backend.get_trial(trial_id))
        self._mine.add(trial_id)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Change a trial's state; one that begins to run is this driver's. Not tried again: it may be written.

        Raises:
            TurnLost: nobody knows whether it is.
        """
        backend = self._backend
        with self._once():
            if backend is None or state is not TrialState.RUNNING:
                done = self._inner.set_trial_state_values(trial_id, state, values)
                self._ended(trial_id, state, values)
                return done
            with _create_scoped_session(backend.scoped_session) as session:
                trial = _locked(trial_id, session)
                if trial.state is not TrialState.WAITING:
                    return False
                trial.state, trial.datetime_start = state, datetime.datetime.now()
                self._claim(backend, session, trial_id)
            self._taken(trial_id)
        return True

    def _ended(self, trial_id: int, state: TrialState, values: Sequence[float] | None) -> None:
        def change(trial: FrozenTrial) -> None:
            trial.state, trial.values = state, values
            trial.datetime_complete = datetime.datetime.now() if state.is_finished() else None

        self._mine.discard(trial_id)
        self._changed(trial_id, change)

    def set_back(self, trial_id: int, user: Mapping[str, Any]) -> None:
        """Let a running trial wait, and write user attributes of it, both or neither; not tried again.

        Raises:
            TurnLost: nobody knows whether it is written.
        """
        backend, facts = self._backend, Facts(user)
        if backend is None:
            facts.write_one_by_one(self._inner, trial_id)
            self._inner.set_trial_state_values(trial_id, TrialState.WAITING)
            return
        with self._once(), _create_scoped_session(backend.scoped_session) as session:
            facts.write(backend, session, trial_id)
            trial = _locked(trial_id, session)
            backend.check_trial_is_updatable(trial_id, trial.state)
            trial.state = TrialState.WAITING
        self._changed(trial_id, facts.change)
        self._ended(trial_id, TrialState.WAITING, None)

    def holds(self, trial_id: int) -> bool:
        """Whether a trial is running, and this driver's."""
        if self._backend is None:
            return self._inner.get_trial(trial_id).state is TrialState.RUNNING
        backend = self._backend
        held = self._try(lambda: self._is_held(backend, trial_id))
        if not held:
            self._view = None
            self._mine.discard(trial_id)
        return held

    def _is_held(self, backend: RDBStorage, trial_id: int) -> bool:
        """What the database says, whatever is known of it."""
        with _create_scoped_session(backend.scoped_session) as session:
            return self._is_mine(models.TrialModel.find_or_raise_by_id(trial_id, session), session)

    def _is_mine(self, trial: Any, session: Session) -> bool:
        if not self._turns.driver:
            return bool(trial.state is TrialState.RUNNING)
        owner: Any = models.TrialUserAttributeModel.find_by_trial_and_key(trial, DRIVER, session)
        return (
            trial.state is TrialState.RUNNING
            and owner is not None
            and owner.value_json == json.dumps(self._turns.driver)
        )

    def record(
        self,
        trial_id: int,
        user: Mapping[str, Any],
        system: Mapping[str, Any] | None = None,
        values: Mapping[int, float] | None = None,
    ) -> None:
        """Write user and system attributes, intermediate values by step, and new parameters, all or none of them.

        Raises:
            Evicted: the trial is not this driver's any more.
        """
        facts = Facts(user, system or {}, values or {}, self._drawn.get(trial_id, {}))
        self._try(lambda: self._record(trial_id, facts))
        self._drawn.pop(trial_id, None)
        self._changed(trial_id, facts.change)

    def _record(self, trial_id: int, facts: Facts) -> None:
        if self._backend is None:
            facts.write_one_by_one(self._inner, trial_id)
            return
        with _create_scoped_session(self._backend.scoped_session) as session:
            self._check_ownership(session, trial_id)
            facts.write(self._backend, session, trial_id)

    def _claim(self, backend: RDBStorage, session: Session, trial_id: int) -> None:
        if self._turns.driver:
            Facts({DRIVER: self._turns.driver}).write(backend, session, trial_id)

    def _check_ownership(self, session: Session, trial_id: int) -> None:
        """Outside of a turn others may have taken the trial over, and then have changed its row first."""
        if not self._turns.driver or self._turns.connection is not None:
            return
        if not self._is_mine(_locked(trial_id, session), session):
            raise Evicted


def _locked(trial_id: int, session: Session) -> Any:
    """The row of a trial, which nobody else changes until the session ends; Optuna types its columns as such."""
    return models.TrialModel.find_or_raise_by_id(trial_id, session, for_update=True)


def _sessions(engine: sqlalchemy.Engine, turns: Turns) -> scoped_session[Session]:
    """Sessions on the connection that holds the turn, while there is one."""

    class InTurn(Session):
        def get_bind(self, *args: Any, **kwargs: Any) -> sqlalchemy.Engine | sqlalchemy.Connection:
            connection = turns.connection
            return engine if connection is None else connection

    return scoped_session(sessionmaker(class_=InTurn))
