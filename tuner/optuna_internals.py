"""The door to what Optuna keeps to itself: each name is looked up here, and nowhere else.

A release that moves one is refused by its name. `tests/test_internals.py` uses each.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import optuna
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb import models, storage
from optuna.study import _constrained_optimization, _tell
from sqlalchemy.orm import Session, scoped_session

from tuner.internals import internal

_WITH = f"Optuna {optuna.__version__}"

StudyModel: Any = internal(models, "StudyModel", _WITH)
StudyUserAttributeModel: Any = internal(models, "StudyUserAttributeModel", _WITH)
TrialModel: Any = internal(models, "TrialModel", _WITH)
TrialParamModel: Any = internal(models, "TrialParamModel", _WITH)
TrialValueModel: Any = internal(models, "TrialValueModel", _WITH)
TrialIntermediateValueModel: Any = internal(models, "TrialIntermediateValueModel", _WITH)
TrialUserAttributeModel: Any = internal(models, "TrialUserAttributeModel", _WITH)
TrialSystemAttributeModel: Any = internal(models, "TrialSystemAttributeModel", _WITH)
"""The tables of Optuna's schema."""

SessionContext = Callable[["scoped_session[Session]"], AbstractContextManager[Session]]
session_of: SessionContext = internal(storage, "_create_scoped_session", _WITH)
"""Open a session that commits at its end and rolls back at an exception."""

CONSTRAINTS_KEY: str = internal(_constrained_optimization, "_CONSTRAINTS_KEY", _WITH)
"""The system attribute that holds a trial's constraints."""

tell: Callable[..., Any] = internal(_tell, "_tell_with_warning", _WITH)
"""Tell a trial's end. `Study.tell` adds a deep copy of the trial."""


def storage_of(study: optuna.Study) -> BaseStorage:
    """Return the storage of a study."""
    found: BaseStorage = internal(study, "_storage", _WITH)
    return found


def put_storage(study: optuna.Study, storage: BaseStorage) -> None:
    """Give a study another storage."""
    internal(study, "_storage", _WITH)
    study._storage = storage


def id_of(study: optuna.Study) -> int:
    """Return the id of a study in its storage."""
    found: int = internal(study, "_study_id", _WITH)
    return found


def let_stop(study: optuna.Study) -> None:
    """Let `study.stop` be called outside `study.optimize`, which this thread is told to be in."""
    internal(study, "_thread_local", _WITH).in_optimize_loop = True


def is_stopped(study: optuna.Study) -> bool:
    """Return whether the sampler called `study.stop`, as one over a grid does when nothing is left."""
    return bool(internal(study, "_stop_flag", _WITH))


def backend_of(cached: BaseStorage) -> RDBStorage | None:
    """Return the database behind Optuna's cache, or None for a storage without one."""
    return getattr(cached, "_backend", None)
