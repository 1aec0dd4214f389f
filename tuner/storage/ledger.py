"""The storage that a driver writes through: Optuna's own, with several facts of a trial written at once.

What Optuna writes one by one, each in a transaction of its own, a crash can cut in two. Here what
belongs together is there as a whole or not at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy
from optuna.storages import BaseStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import RDBStorage, _create_scoped_session


class Ledger(BaseStorage):
    """A storage over another one.

    Args:
        inner: an RDBStorage behind Optuna's cache, or one in memory, which no crash leaves by half.
    """

    def __init__(self, inner: BaseStorage) -> None:
        self._inner = inner
        self._deferred: dict[str, Any] | None = None

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
            self._inner.set_trial_system_attr(trial_id, key, value)

    def record(
        self,
        trial_id: int,
        user: Mapping[str, Any],
        system: Mapping[str, Any] | None = None,
        values: Mapping[int, float] | None = None,
    ) -> None:
        """Write user and system attributes and intermediate values by step, all or none of them."""
        backend = self._backend
        if backend is None:
            for step, value in (values or {}).items():
                self._inner.set_trial_intermediate_value(trial_id, step, value)
            for key, fact in user.items():
                self._inner.set_trial_user_attr(trial_id, key, fact)
            for key, fact in (system or {}).items():
                self._inner.set_trial_system_attr(trial_id, key, fact)
            return
        with _create_scoped_session(backend.scoped_session) as session:
            for step, value in (values or {}).items():
                backend._set_trial_intermediate_value_without_commit(session, trial_id, step, value)
            for key, fact in user.items():
                backend._set_trial_attr_without_commit(session, models.TrialUserAttributeModel, trial_id, key, fact)
            for key, fact in (system or {}).items():
                backend._set_trial_attr_without_commit(session, models.TrialSystemAttributeModel, trial_id, key, fact)

    def forget_params(self, trial_id: int) -> None:
        """Take a trial's parameters away, for which Optuna has no word."""
        if self._backend is not None:
            with self._backend.engine.begin() as connection:
                table = models.TrialParamModel
                connection.execute(sqlalchemy.delete(table).where(table.trial_id == trial_id))

    @property
    def _backend(self) -> RDBStorage | None:
        backend: RDBStorage | None = getattr(self._inner, "_backend", None)
        return backend


def _passed_on(name: str) -> Callable[..., Any]:
    def call(self: Ledger, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._inner, name)(*args, **kwargs)

    call.__name__ = name
    return call


for _name in BaseStorage.__abstractmethods__ - {"set_trial_system_attr"}:
    setattr(Ledger, _name, _passed_on(_name))
Ledger.__abstractmethods__ = frozenset()
