"""An update of a trial: parameters, attributes and intermediate values that are written together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.trial import FrozenTrial

from tuner import optuna_internals

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrialUpdate:
    """The changes of a trial, except its state."""

    user: Mapping[str, Any] = field(default_factory=dict)
    system: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[int, float] = field(default_factory=dict)
    params: Mapping[str, tuple[float, BaseDistribution]] = field(default_factory=dict)

    @classmethod
    def of(cls, trial: FrozenTrial) -> TrialUpdate:
        """Return all facts of a trial."""
        params = {name: (kind.to_internal_repr(trial.params[name]), kind) for name, kind in trial.distributions.items()}
        return cls(trial.user_attrs, trial.system_attrs, trial.intermediate_values, params)

    def with_later(self, later: TrialUpdate) -> TrialUpdate:
        """Return these changes and later ones; the later ones win."""
        return TrialUpdate(
            {**self.user, **later.user},
            {**self.system, **later.system},
            {**self.values, **later.values},
            {**self.params, **later.params},
        )

    def rows(self) -> Iterator[tuple[Any, str, Row]]:
        """Yield the table, the key column within a trial, and the row without the trial's id."""
        for name, (value, distribution) in self.params.items():
            row = {"param_name": name, "param_value": value, "distribution_json": distribution_to_json(distribution)}
            yield optuna_internals.TrialParamModel.__table__, "param_name", row
        repr_of = optuna_internals.TrialIntermediateValueModel.intermediate_value_to_stored_repr
        for step, value in self.values.items():
            stored, kind = repr_of(value)
            row = {"step": step, "intermediate_value": stored, "intermediate_value_type": kind}
            yield optuna_internals.TrialIntermediateValueModel.__table__, "step", row
        for table, facts in (
            (optuna_internals.TrialUserAttributeModel.__table__, self.user),
            (optuna_internals.TrialSystemAttributeModel.__table__, self.system),
        ):
            for key, fact in facts.items():
                yield table, "key", {"key": key, "value_json": json.dumps(fact)}

    def change(self, trial: FrozenTrial) -> None:
        """Change a trial in memory by replacing its mappings, which others may hold."""
        if self.user:
            trial.user_attrs = {**trial.user_attrs, **self.user}
        if self.system:
            trial.system_attrs = {**trial.system_attrs, **self.system}
        if self.values:
            trial.intermediate_values = {**trial.intermediate_values, **self.values}
        if self.params:
            drawn = {name: distribution.to_external_repr(value) for name, (value, distribution) in self.params.items()}
            trial.params = {**trial.params, **drawn}
            trial.distributions = {**trial.distributions, **{name: kind for name, (_, kind) in self.params.items()}}
