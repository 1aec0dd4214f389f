"""The proxy: a storage that passes calls about studies on to another one, with its own retries."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from optuna.storages import BaseStorage

P = ParamSpec("P")
T = TypeVar("T")


def _passed_on(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[StorageProxy, P], T]:
    """Return a method that calls the method of the same name of the inner storage."""
    name = method.__name__

    def call(self: StorageProxy, /, *args: P.args, **kwargs: P.kwargs) -> T:
        behind: Callable[P, T] = getattr(self._inner, name)
        return self._try(lambda: behind(*args, **kwargs))

    return call


class StorageProxy(BaseStorage):
    """Pass every call about studies on to another storage.

    Args:
        inner: the one behind.
    """

    def __init__(self, inner: BaseStorage) -> None:
        self._inner = inner
        self._ids: dict[str, int] = {}

    @abc.abstractmethod
    def _try(self, work: Callable[[], T]) -> T:
        """Do idempotent work of the inner storage."""

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the id of a study, cached since HyperbandPruner asks for it at every report."""
        if study_name not in self._ids:
            self._ids[study_name] = self._try(lambda: self._inner.get_study_id_from_name(study_name))
        return self._ids[study_name]

    create_new_study = _passed_on(BaseStorage.create_new_study)
    set_study_user_attr = _passed_on(BaseStorage.set_study_user_attr)
    set_study_system_attr = _passed_on(BaseStorage.set_study_system_attr)
    get_study_name_from_id = _passed_on(BaseStorage.get_study_name_from_id)
    get_study_directions = _passed_on(BaseStorage.get_study_directions)
    get_study_user_attrs = _passed_on(BaseStorage.get_study_user_attrs)
    get_study_system_attrs = _passed_on(BaseStorage.get_study_system_attrs)
    get_all_studies = _passed_on(BaseStorage.get_all_studies)
