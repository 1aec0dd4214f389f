"""A study as JSON: what a program without its database needs to read it as the local functions do.

Times are UTC, since two machines may have other zones. A diverged trial has numbers that JSON lacks. An object with the
one key `float` stands for NaN and for an infinity.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tuner.optuna_internals import id_of, storage_of
from tuner.storage import readable_errors
from tuner.study.liveness import told_apart
from tuner.study.study import Snapshot, Study

NOT_FINITE = "float"
"""The key of an object in place of a number that JSON does not have."""


def study_facts(study: Study, trials: Sequence[FrozenTrial], alive: Mapping[str, str] | None) -> dict[str, Any]:
    """Return everything that is stored of a study, as JSON values.

    Args:
        study: the study.
        trials: all of them, by number.
        alive: the processes that work on it by their names; None is unknown.

    Raises:
        StorageError: the database cannot be read.
    """
    with readable_errors():
        opened = study.optuna
        system = storage_of(opened).get_study_system_attrs(id_of(opened))
        return {
            "name": study.name,
            "directions": [direction.name.lower() for direction in opened.directions],
            "user_attrs": _finite(opened.user_attrs),
            "system_attrs": _finite(system),
            "drivers": None if alive is None else dict(alive),
            "trials": [_trial_facts(trial) for trial in trials],
        }


def storage_with(studies: Sequence[Mapping[str, Any]]) -> BaseStorage:
    """Return a storage in memory with studies that `study_facts` has told."""
    storage = InMemoryStorage()
    for facts in studies:
        directions = [StudyDirection[direction.upper()] for direction in facts["directions"]]
        study = storage.create_new_study(directions, facts["name"])
        for key, value in facts["user_attrs"].items():
            storage.set_study_user_attr(study, key, _exact(value))
        for key, value in facts["system_attrs"].items():
            storage.set_study_system_attr(study, key, _exact(value))
        for trial in facts["trials"]:
            storage.create_new_trial(study, _trial(trial))
    return storage


class PortedStudy(Study):
    """A study that was read elsewhere. Its records show which trials a dead driver left running.

    Args:
        study: as Optuna loaded it from `storage_with`.
        alive: the processes that worked on it when it was read; None is unknown.
    """

    def __init__(self, study: optuna.Study, alive: Mapping[str, str] | None) -> None:
        super().__init__(study)
        self.alive = alive

    def snapshot(self) -> Snapshot:
        """Return every trial; one of a dead driver is `left running`."""
        found = super().snapshot()
        return replace(found, records=told_apart(found.records, self.alive))


def _trial_facts(trial: FrozenTrial) -> dict[str, Any]:
    return {
        "state": trial.state.name.lower(),
        "values": _finite(trial.values),
        "params": _finite(trial.params),
        "distributions": {name: distribution_to_json(each) for name, each in trial.distributions.items()},
        "user_attrs": _finite(trial.user_attrs),
        "system_attrs": _finite(trial.system_attrs),
        "reports": {str(step): _finite(value) for step, value in trial.intermediate_values.items()},
        "started": _utc(trial.datetime_start),
        "ended": _utc(trial.datetime_complete),
    }


def _trial(facts: Mapping[str, Any]) -> FrozenTrial:
    return FrozenTrial(
        number=-1,  # the storage counts
        trial_id=-1,
        state=TrialState[facts["state"].upper()],
        value=None,
        values=_exact(facts["values"]),
        params=_exact(facts["params"]),
        distributions={name: json_to_distribution(text) for name, text in facts["distributions"].items()},
        user_attrs=_exact(facts["user_attrs"]),
        system_attrs=_exact(facts["system_attrs"]),
        intermediate_values={int(step): _exact(value) for step, value in facts["reports"].items()},
        datetime_start=_local(facts["started"]),
        datetime_complete=_local(facts["ended"]),
    )


def _finite(value: Any) -> Any:
    """Return a JSON value without numbers that JSON does not have."""
    match value:
        case float() if not math.isfinite(value):
            return {NOT_FINITE: str(value)}
        case list() | tuple():
            return [_finite(each) for each in value]
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case _:
            return value


def _exact(value: Any) -> Any:
    """Return the value that `_finite` has changed."""
    match value:
        case list():
            return [_exact(each) for each in value]
        case {"float": "nan" | "inf" | "-inf" as text, **rest} if not rest:
            return float(text)
        case dict():
            return {key: _exact(each) for key, each in value.items()}
        case _:
            return value


def _utc(time: datetime.datetime | None) -> str | None:
    """Return a time of this machine's clock, as Optuna has it, in UTC."""
    return None if time is None else time.astimezone(datetime.UTC).isoformat()


def _local(text: str | None) -> datetime.datetime | None:
    return None if text is None else datetime.datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
