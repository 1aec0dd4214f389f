"""The write-behind storage of a driver: it reads trials from memory, and writes updates later, in bulk.

It waits for the end of an outage. In a turn that another driver could take, everything uses the connection that holds
the turn, and fails with it.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
from collections.abc import Callable, Container, Sequence, Set
from typing import Any, TypeVar

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.optuna_internals import backend_of, forget_trials
from tuner.storage.coordination import Sole, Turns, retried
from tuner.storage.memory_tables import MemoryTables
from tuner.storage.proxy import StorageProxy
from tuner.storage.study_caches import StudyCaches
from tuner.storage.tables import NEW, Begin, Move, Tables
from tuner.storage.transaction import Transaction, Transactions
from tuner.storage.trial_update import TrialUpdate

T = TypeVar("T")


class WriteBehindStorage(StorageProxy):
    """A storage over another one.

    Args:
        inner: an RDBStorage behind Optuna's cache, or one in memory, whose trials are then kept here alone.
        turns: of the driver that writes.
        delay: maximum seconds for which updates of running trials are pending; with 0 they never are.
    """

    def __init__(self, inner: BaseStorage, turns: Turns | None = None, delay: float = 0.0) -> None:
        super().__init__(inner)
        self.turns = turns or Sole()
        self.hidden: Set[int] = frozenset()
        """The numbers of trials that `get_all_trials` leaves out when they have ended."""
        backend = backend_of(inner)
        self.tables = MemoryTables(inner) if backend is None else Tables(backend, self.turns)
        self.caches = StudyCaches(inner, self.tables, self.turns)
        self.transactions = Transactions(self.tables, self.caches, self.turns, delay)

    def _try(self, work: Callable[[], T]) -> T:
        return retried(self.turns, work)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials by number: this driver's own from memory, others as the database has them."""
        trials = self.caches.of_study(study_id).all(states)
        if self.hidden:
            trials = [trial for trial in trials if trial.number not in self.hidden or not trial.state.is_finished()]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_n_trials(self, study_id: int, state: tuple[TrialState, ...] | TrialState | None = None) -> int:
        """Return how many trials are in a state, or in one of several."""
        return self.caches.of_study(study_id).count((state,) if isinstance(state, TrialState) else state)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """Return the id of a trial; KeyError if there is none of that number."""
        return self.caches.of_study(study_id).id_of(trial_number)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial, which must not be changed."""
        return self.caches.of_trial(trial_id).get(trial_id)

    def ended(self, study_id: int) -> list[FrozenTrial]:
        """Return the trials that ended since the last call, whoever ran them; at first all that have."""
        return self.caches.of_study(study_id).ended()

    def holds(self, trial_id: int) -> bool:
        """Return whether a trial is running under this driver."""
        return self.caches.holds(trial_id)

    def delete_study(self, study_id: int) -> None:
        """Remove a study and its trials."""
        self.flush()
        self.caches.drop(study_id)
        self._ids.clear()
        self._try(lambda: self._inner.delete_study(study_id))

    def adopt(self, trial_id: int) -> None:
        """Make a running trial of a dead driver this driver's; call it in a turn."""
        with self.caches.lock:
            self.caches.own(trial_id, True)
            self.transactions.claim(trial_id)
            self.flush()

    def together(self) -> contextlib.AbstractContextManager[Transaction]:
        """Write what is noted inside, and the one trial that begins, ends or is set back, as a whole.

        Raises:
            TurnLost: nobody knows whether the step is written.
            Unavailable: another program has made the step impossible.
        """
        return self.transactions.together()

    def note(self, trial_id: int, update: TrialUpdate) -> None:
        """Update a running trial; the update is written with others, all or none of them."""
        with self.together():
            self.check_trial_is_updatable(trial_id, self.get_trial(trial_id).state)
            self.transactions.add(trial_id, update)

    def flush(self) -> None:
        """Write what is pending.

        Raises:
            Evicted: one of the trials is not this driver's any more.
        """
        self.transactions.flush()

    def close(self) -> None:
        """Write nothing more; what is still pending could not be written."""
        self.transactions.close()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Begin a trial of this driver; `together` with more, its id is `NEW` until that is written."""
        if template_trial is not None:
            self.flush()
            trial_id = self._try(lambda: self._inner.create_new_trial(study_id, template_trial))
            self.caches.read({study_id})
            return trial_id
        with self.together() as transaction:
            cache, now = self.caches.of_study(study_id), datetime.datetime.now()
            last = cache.newest if cache.newest >= 0 else None
            transaction.step = Begin(study_id, cache.count(None), last, now)
            cache.put(_new_trial(transaction.step.number, now))
            self.transactions.claim(NEW)
        return transaction.begun

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Change a trial's state; one that begins to run is this driver's."""
        with self.together() as transaction:
            trial = self.get_trial(trial_id)
            self.check_trial_is_updatable(trial_id, trial.state)
            if state is TrialState.RUNNING and trial.state is not TrialState.WAITING:
                return False
            transaction.step = Move(trial_id, trial.state, state, values, datetime.datetime.now())
            if state is TrialState.RUNNING:
                self.caches.move(transaction.step)
                self.transactions.claim(trial_id)
        return True

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        """Note a parameter."""
        cache = self.caches.of_trial(trial_id)
        self.check_trial_is_updatable(trial_id, cache.get(trial_id).state)
        if (known := cache.kind(param_name)) is not None:
            check_distribution_compatibility(known, distribution)
        self.note(trial_id, TrialUpdate(params={param_name: (param_value_internal, distribution)}))

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        """Note an intermediate value."""
        self.note(trial_id, TrialUpdate(values={step: intermediate_value}))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Note an attribute."""
        self.note(trial_id, TrialUpdate(user={key: value}))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Note an attribute."""
        self.note(trial_id, TrialUpdate(system={key: value}))


def forget_params(storage: WriteBehindStorage, trial_id: int) -> None:
    """Take back the parameters of a trial that begins, before they are written: others are drawn."""
    with storage.together():
        storage.caches.forget_params(trial_id)


def read_again(storage: BaseStorage, study_id: int, trials: Set[int]) -> None:
    """Read trials that have ended again, at the next look at the latest: another process may have reopened them.

    Args:
        storage: of a driver, or of a reader.
        study_id: of the study.
        trials: their ids.
    """
    if isinstance(storage, WriteBehindStorage):
        storage.caches.read({study_id}, trials)
    else:
        forget_trials(storage, study_id)


def _new_trial(number: int, now: datetime.datetime) -> FrozenTrial:
    return FrozenTrial(
        number=number,
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
