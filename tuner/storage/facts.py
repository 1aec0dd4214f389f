"""Facts of a trial that belong together: its parameters, attributes and intermediate values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.storages._rdb import models
from optuna.storages._rdb.storage import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Facts:
    """What is written of a trial at once."""

    user: Mapping[str, Any] = field(default_factory=dict)
    system: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[int, float] = field(default_factory=dict)
    params: Mapping[str, tuple[float, BaseDistribution]] = field(default_factory=dict)

    def write(self, backend: RDBStorage, session: Session, trial_id: int) -> None:
        """Into the database, with all else of the session."""
        for name, (value, distribution) in self.params.items():
            backend._set_trial_param_without_commit(session, trial_id, name, value, distribution)
        for step, value in self.values.items():
            backend._set_trial_intermediate_value_without_commit(session, trial_id, step, value)
        for key, fact in self.user.items():
            backend._set_trial_attr_without_commit(session, models.TrialUserAttributeModel, trial_id, key, fact)
        for key, fact in self.system.items():
            backend._set_trial_attr_without_commit(session, models.TrialSystemAttributeModel, trial_id, key, fact)

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
