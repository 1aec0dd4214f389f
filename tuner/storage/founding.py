"""A study that begins with trials which have ended elsewhere: all of it is there, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage
from optuna.storages._rdb.storage import RDBStorage
from optuna.trial import FrozenTrial

from tuner.storage.tables import Tables
from tuner.storage.turns import Turns, losing_the_turn


def found(
    storage: BaseStorage, turns: Turns, study_id: int, attributes: Mapping[str, Any], trials: Sequence[FrozenTrial]
) -> None:
    """Write a study's attributes and its first trials, in a turn.

    Args:
        storage: opened for writing.
        turns: the driver's right to the study.
        study_id: of a study that has neither yet.
        attributes: JSON values.
        trials: numbered from 0, complete or pruned.

    Raises:
        TurnLost: nobody knows whether it is written.
        Unavailable: another program has begun a trial of the study.
    """
    backend: RDBStorage = storage._backend  # type: ignore[attr-defined]
    with losing_the_turn():
        Tables(backend, turns).found(study_id, attributes, trials)
