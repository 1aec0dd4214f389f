"""The storage that a driver works with: trials in memory, and what is new of them written behind, in bulk.

Every write is one transaction with all that is pending, of whichever trial, so that the database holds at
each moment what was known at some moment before: what a crash loses is the end of the story and never its
middle. A trial that begins, ends or is set back is written at once, with all that belongs to it; what is
told of running trials waits for that, for `delay` seconds at most.

An outage of the database is waited for; in a turn that another driver could take, everything goes through
the connection that holds it, and fails with it. Trials of others are looked up anew in each turn, and else
once in a while.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import functools
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from optuna.storages._rdb.storage import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import StorageError
from tuner.storage.coordination import Sole, Turns, losing_the_turn
from tuner.storage.debounce import Later
from tuner.storage.memory_tables import Unwritten
from tuner.storage.proxy import Passing
from tuner.storage.tables import DRIVER, NEW, Begin, Move, Tables
from tuner.storage.transient_errors import outage_of
from tuner.storage.trial_cache import View
from tuner.storage.trial_update import Facts

T = TypeVar("T")

FRESH_SECONDS = 1.0
"""How old may be what is known of the trials of other drivers, out of a turn."""

OVERDUE_SECONDS = 0.5
"""How much longer than `delay` facts may be pending before whoever brings the next one has to wait for them."""


@dataclass(slots=True)
class Whole:
    """What is written together; `begun` is the id of the trial that was begun in it."""

    before: dict[int, Facts]
    step: Begin | Move | None = None
    begun: int = NEW


class Ledger(Passing):
    """A storage over another one.

    Args:
        inner: an RDBStorage behind Optuna's cache, or one in memory, whose trials are then kept here alone.
        turns: of the driver that writes.
        delay: how many seconds facts of running trials may be pending; with 0 they never are.
    """

    def __init__(self, inner: BaseStorage, turns: Turns | None = None, delay: float = 0.0) -> None:
        super().__init__(inner)
        self._turns = turns or Sole()
        backend: RDBStorage | None = getattr(inner, "_backend", None)
        self._tables = Unwritten(inner) if backend is None else Tables(backend, self._turns)
        self._views: dict[int, View] = {}
        self._mine: set[int] = set()
        self._looked: tuple[Any, float] | None = None
        self._lock = threading.RLock()
        self._pending: dict[int, Facts] = {}
        self._since = 0.0
        self._whole: Whole | None = None
        self._delay = delay
        self._later = Later(delay, self._write_aside)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials by number; this driver's own as it knows them, others as the database has them."""
        trials = self._view(study_id).all(states)
        return copy.deepcopy(trials) if deepcopy else trials

    def get_n_trials(self, study_id: int, state: tuple[TrialState, ...] | TrialState | None = None) -> int:
        """How many trials are in a state, or in one of several."""
        return self._view(study_id).count((state,) if isinstance(state, TrialState) else state)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """The id of a trial; KeyError if there is none of that number."""
        return self._view(study_id).id_of(trial_number)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial, which is not to be changed."""
        return self._view_with(trial_id).get(trial_id)

    def ended(self, study_id: int) -> list[FrozenTrial]:
        """The trials that ended since this was asked last, whoever ran them; at first all that have."""
        return self._view(study_id).ended()

    def delete_study(self, study_id: int) -> None:
        """Remove a study and its trials."""
        self.flush()
        self._views.pop(study_id, None)
        self._ids.clear()
        self._try(lambda: self._inner.delete_study(study_id))

    def _view(self, study_id: int) -> View:
        """What is known of a study; in a turn, where nobody else changes it, it is looked at once."""
        if study_id not in self._views:
            self._look({study_id})
        elif self._looked is None or self._is_old(*self._looked):
            self._look(self._views.keys())
        return self._views[study_id]

    def _is_old(self, turn: Any, when: float) -> bool:
        now_in = self._turns.connection
        if now_in is not None:
            return now_in is not turn
        return bool(self._turns.driver) and time.monotonic() - when > FRESH_SECONDS

    def _look(self, studies: Set[int]) -> None:
        """After a failure, when nobody knows what was written, this driver's own trials are looked at too."""
        with self._lock:
            for study_id in studies:
                view = self._views.get(study_id) or View()
                others = frozenset(view.open - self._mine)
                for trial in self._try(functools.partial(self._tables.read, study_id, others, view.newest)):
                    self._see(view, trial)
                self._views[study_id] = view
            self._looked = self._turns.connection, time.monotonic()

    def _see(self, view: View, trial: FrozenTrial) -> None:
        trial_id = trial._trial_id
        view.put(trial)
        if (facts := self._pending.get(trial_id)) is not None:
            view.change(trial_id, facts.change)
        if self._looked is None and self._is_held(trial):
            self._mine.add(trial_id)

    def _view_with(self, trial_id: int) -> View:
        for study_id, view in self._views.items():
            if trial_id in view:
                return self._view(study_id)
        for study in self._inner.get_all_studies():
            if study._study_id not in self._views and trial_id in self._view(study._study_id):
                return self._views[study._study_id]
        raise KeyError(f"there is no trial with the id {trial_id}")

    def holds(self, trial_id: int) -> bool:
        """Whether a trial is running, and this driver's."""
        held = self._is_held(self.get_trial(trial_id))
        if not held:
            self._pending.pop(trial_id, None)
        return held

    def _is_held(self, trial: FrozenTrial) -> bool:
        return trial.state is TrialState.RUNNING and trial.user_attrs.get(DRIVER, "") == self._turns.driver

    def _try(self, work: Callable[[], T]) -> T:
        if self._turns.connection is None:
            return self._turns.patience.outlast(work)
        with losing_the_turn():
            return work()

    @contextlib.contextmanager
    def together(self) -> Iterator[Whole]:
        """What is noted inside, and the one trial that begins, ends or is set back, is written as a whole.

        A step is written when the context ends, and not tried again: it may be written though that fails.

        Raises:
            TurnLost: nobody knows whether the step is written.
            Unavailable: another program has done what makes it impossible.
        """
        with self._lock:
            if self._whole is not None:
                yield self._whole
                return
            self._whole = Whole(dict(self._pending))
            try:
                yield self._whole
                if self._whole.step is not None:
                    with losing_the_turn():
                        self._take(self._whole)
                else:
                    self._write_in_time()
            except BaseException:
                self._forget(self._whole)
                raise
            finally:
                self._whole = None

    def _take(self, whole: Whole) -> None:
        """Write a step with all that is pending, and know it then."""
        step = whole.step
        begun = self._tables.write(self._pending, step)
        self._written()
        match step:
            case Begin(study_id):
                assert begun is not None, step
                view, whole.begun = self._views[study_id], begun
                trial = copy.copy(view.get(NEW))
                trial._trial_id = begun
                view.drop(NEW)
                view.put(trial)
                self._mine.add(begun)
            case Move(trial_id, _, TrialState.RUNNING):
                whole.begun = trial_id
                self._mine.add(trial_id)
            case Move(trial_id):
                view = next(view for view in self._views.values() if trial_id in view)
                view.change(trial_id, functools.partial(_move, step))
                self._mine.discard(trial_id)

    def _written(self) -> None:
        self._pending.clear()
        if self._whole is not None:
            self._whole.before.clear()

    def _forget(self, whole: Whole) -> None:
        """What was noted for a step that failed; the database has to be asked what there is."""
        self._pending = whole.before
        self._pending.pop(NEW, None)
        for view in self._views.values():
            if NEW in view:
                view.drop(NEW)
        self._mine.clear()
        self._looked = None

    def note(self, trial_id: int, facts: Facts) -> None:
        """Know facts of a running trial, to be written with others, all or none of them."""
        with self.together():
            view = self._view_with(trial_id)
            self.check_trial_is_updatable(trial_id, view.get(trial_id).state)
            view.change(trial_id, facts.change)
            if not self._pending:
                self._since = time.monotonic()
            known = self._pending.get(trial_id)
            self._pending[trial_id] = facts if known is None else known.with_later(facts)

    def _write_in_time(self) -> None:
        if not self._pending:
            return
        overdue = time.monotonic() - self._since > self._delay + OVERDUE_SECONDS
        if not self._delay or overdue:
            self.flush()
        elif self._tables.shared:
            self._later.ask()

    def flush(self) -> None:
        """Write what is pending.

        Raises:
            Evicted: one of the trials is not this driver's any more.
        """
        with self._lock:
            if self._pending:
                self._try(lambda: self._tables.write(self._pending))
                self._written()

    def _write_aside(self) -> None:
        """As another thread does it: what it cannot write, the next event meets, which can wait and tell of it."""
        with self._lock:
            try:
                if self._pending:
                    self._tables.write_aside(self._pending)
                    self._written()
            except (SQLAlchemyError, StorageInternalError, StorageError) as error:
                if outage_of(error) is not None:
                    self._later.ask()

    def close(self) -> None:
        """Write nothing more; what is still pending could not be written."""
        self._later.end()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Begin a trial, this driver's from the first; `together` with more, its id is `NEW` until that is written."""
        if template_trial is not None:
            self.flush()
            trial_id = self._try(lambda: self._inner.create_new_trial(study_id, template_trial))
            self._look({study_id})
            return trial_id
        with self.together() as whole:
            view, now = self._view(study_id), datetime.datetime.now()
            whole.step = Begin(study_id, view.count(None), view.newest if view.newest >= 0 else None, now)
            trial = FrozenTrial(
                number=whole.step.number,
                state=TrialState.RUNNING,
                value=None,
                datetime_start=now,
                datetime_complete=None,
                params={},
                distributions={},
                user_attrs={},
                system_attrs={},
                intermediate_values={},
                trial_id=NEW,
            )
            view.put(trial)
            self._claim(NEW)
        return whole.begun

    def _claim(self, trial_id: int) -> None:
        if self._turns.driver:
            self.note(trial_id, Facts({DRIVER: self._turns.driver}))

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Change a trial's state; one that begins to run is this driver's."""
        with self.together() as whole:
            trial = self.get_trial(trial_id)
            self.check_trial_is_updatable(trial_id, trial.state)
            if state is TrialState.RUNNING and trial.state is not TrialState.WAITING:
                return False
            whole.step = Move(trial_id, trial.state, state, values, datetime.datetime.now())
            if state is TrialState.RUNNING:
                self._view_with(trial_id).change(trial_id, functools.partial(_move, whole.step))
                self._claim(trial_id)
        return True

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Note a parameter."""
        view = self._view_with(trial_id)
        self.check_trial_is_updatable(trial_id, view.get(trial_id).state)
        if (known := view.kind(param_name)) is not None:
            check_distribution_compatibility(known, distribution)
        self.note(trial_id, Facts(params={param_name: (param_value_internal, distribution)}))

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Note an intermediate value."""
        self.note(trial_id, Facts(values={step: intermediate_value}))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Note an attribute."""
        self.note(trial_id, Facts(user={key: value}))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Note an attribute."""
        self.note(trial_id, Facts(system={key: value}))


def _move(step: Move, trial: FrozenTrial) -> None:
    trial.state = step.after
    if step.after is TrialState.RUNNING:
        trial.datetime_start = step.at
    if step.after.is_finished():
        trial.datetime_complete = step.at
    if step.values is not None:
        trial.values = list(step.values)
