"""Facts of a trial that belong together: its parameters, attributes and intermediate values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import BaseStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

_INSERTS: Mapping[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""By which rows are replaced in one statement; Optuna's own way looks each of them up first, at ten times the cost."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is written of a trial at once."""

    user: Mapping[str, Any] = field(default_factory=dict)
    system: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[int, float] = field(default_factory=dict)
    params: Mapping[str, tuple[float, BaseDistribution]] = field(default_factory=dict)

    def write(self, backend: RDBStorage, session: Session, trial_id: int) -> None:
        """Into the database, with all else of the session; what is there already is replaced."""
        insert = _INSERTS[backend.engine.name]
        for table, key, rows in self._rows():
            if rows:
                statement = insert(table)
                replaced = {name: statement.excluded[name] for name in rows[0].keys() - {key}}
                upsert = statement.on_conflict_do_update(index_elements=["trial_id", key], set_=replaced)
                session.execute(upsert, [{"trial_id": trial_id, **row} for row in rows])

    def _rows(self) -> Iterator[tuple[Any, str, list[dict[str, Any]]]]:
        """The table, the column that tells its rows of one trial apart, and the new rows."""
        repr_of = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr
        yield (
            models.TrialParamModel.__table__,
            "param_name",
            [
                {"param_name": name, "param_value": value, "distribution_json": distribution_to_json(distribution)}
                for name, (value, distribution) in self.params.items()
            ],
        )
        yield (
            models.TrialIntermediateValueModel.__table__,
            "step",
            [
                {
                    "step": step,
                    **dict(zip(("intermediate_value", "intermediate_value_type"), repr_of(value), strict=True)),
                }
                for step, value in self.values.items()
            ],
        )
        for table, facts in (
            (models.TrialUserAttributeModel, self.user),
            (models.TrialSystemAttributeModel, self.system),
        ):
            yield table.__table__, "key", [{"key": key, "value_json": json.dumps(fact)} for key, fact in facts.items()]

    def write_one_by_one(self, storage: BaseStorage, trial_id: int) -> None:
        """Into memory."""
        for step, value in self.values.items():
            storage.set_trial_intermediate_value(trial_id, step, value)
        for key, fact in self.user.items():
            storage.set_trial_user_attr(trial_id, key, fact)
        for key, fact in self.system.items():
            storage.set_trial_system_attr(trial_id, key, fact)

    def change(self, trial: FrozenTrial) -> None:
        """Of a trial in memory whose mappings others may hold."""
        trial.user_attrs = {**trial.user_attrs, **self.user}
        trial.system_attrs = {**trial.system_attrs, **self.system}
        trial.intermediate_values = {**trial.intermediate_values, **self.values}
        drawn = {name: distribution.to_external_repr(value) for name, (value, distribution) in self.params.items()}
        trial.params = {**trial.params, **drawn}
        trial.distributions = {**trial.distributions, **{name: kind for name, (_, kind) in self.params.items()}}
