"""The door to Optuna's private names: each is looked up here, and nowhere else.

A release that moves one is refused by its name. `tests/test_optuna_internals.py` uses each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import optuna
from optuna.pruners import HyperbandPruner
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from optuna.storages._rdb import models, storage
from optuna.study import _constrained_optimization, _tell
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial
from sqlalchemy.orm import Session, scoped_session

from tuner.errors import TunerError
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

_CachedStorage: Any = internal(optuna.storages, "_CachedStorage", _WITH)

CONSTRAINTS_KEY: str = internal(_constrained_optimization, "_CONSTRAINTS_KEY", _WITH)
"""The system attribute that holds a trial's constraints."""

tell: Callable[..., Any] = internal(_tell, "_tell_with_warning", _WITH)
"""Tell a trial's end. `Study.tell` adds a deep copy of the trial."""


def silence_failed_reads() -> None:
    """Log no warning for each read that an outage ends."""
    logging.getLogger(storage.__name__).setLevel(logging.ERROR)


def storage_of(study: optuna.Study) -> BaseStorage:
    """Return the storage of a study."""
    found: BaseStorage = internal(study, "_storage", _WITH)
    return found


def put_storage(study: optuna.Study, storage: BaseStorage) -> None:
    """Give a study another storage."""
    internal(study, "_storage", _WITH)
    study._storage = storage


def id_of(study: optuna.Study | FrozenStudy) -> int:
    """Return the id of a study in its storage."""
    found: int = internal(study, "_study_id", _WITH)
    return found


def trial_id_of(trial: optuna.Trial | FrozenTrial) -> int:
    """Return the id of a trial in its storage, which is unique over all studies."""
    found: int = internal(trial, "_trial_id", _WITH)
    return found


def put_trial_id(trial: FrozenTrial, trial_id: int) -> None:
    """Give a trial another id."""
    internal(trial, "_trial_id", _WITH)
    trial._trial_id = trial_id


def copied(trial: FrozenTrial) -> FrozenTrial:
    """Return a shallow copy, in a tenth of the time of `copy.copy`, which a driver would need for each report."""
    copy = object.__new__(FrozenTrial)
    copy.__dict__.update(trial.__dict__)
    return copy


def read_trials(database: RDBStorage, study_id: int, known: Set[int], newest: int) -> list[FrozenTrial]:
    """Read trials of a study by id: those of `known`, and all above `newest`, if that is at least 0.

    Raises:
        KeyError: there is no such study.
    """
    found: list[FrozenTrial] = internal(database, "_get_trials", _WITH)(study_id, None, set(known), newest)
    return found


def forget_trials(storage: BaseStorage, study_id: int) -> None:
    """Empty a storage's cache of a study: by itself it never reads a trial again that has ended."""
    if isinstance(storage, _CachedStorage):
        internal(storage, "_studies", _WITH).pop(study_id, None)


def let_stop(study: optuna.Study) -> None:
    """Let `study.stop` be called outside `study.optimize`, by marking this thread as inside."""
    internal(study, "_thread_local", _WITH).in_optimize_loop = True


def is_stopped(study: optuna.Study) -> bool:
    """Return whether the sampler called `study.stop`, as a grid sampler does when nothing is left."""
    return bool(internal(study, "_stop_flag", _WITH))


def backend_of(cached: BaseStorage) -> RDBStorage | None:
    """Return the database behind Optuna's cache, or None for a storage in memory.

    Raises:
        TunerError: it is neither.
    """
    if isinstance(cached, InMemoryStorage):
        return None
    found: BaseStorage = internal(cached, "_backend", _WITH)
    if not isinstance(found, RDBStorage):
        raise TunerError(f"a {type(cached).__name__} has no database, which tuner needs: use SQLite or PostgreSQL")
    return found


_bracket_of: Callable[[HyperbandPruner, Any, FrozenTrial], int] = internal(HyperbandPruner, "_get_bracket_id", _WITH)


class SeededHyperband(HyperbandPruner):
    """Optuna's Hyperband with brackets from a seed, in place of the study's name.

    Args:
        seed: decides the bracket of each trial.
        arguments: as `HyperbandPruner` takes them.
    """

    def __init__(self, seed: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._seed = seed

    def _get_bracket_id(self, study: optuna.Study, trial: FrozenTrial) -> int:
        return _bracket_of(self, SimpleNamespace(study_name=str(self._seed)), trial)
