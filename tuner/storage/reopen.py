"""Reopening: a trial that has ended waits again, without what its end has left.

Optuna refuses each change of a trial that has ended, so this writes its tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import bindparam
from sqlalchemy.orm import Session

from tuner import optuna_internals
from tuner.storage.transient_errors import CROSSED, Unavailable
from tuner.storage.upsert import replace_rows

_TRIALS: Any = optuna_internals.TrialModel.__table__
_FACTS: Any = optuna_internals.StudyUserAttributeModel.__table__
_WAIT = _TRIALS.update().where(_TRIALS.c.trial_id == bindparam("trial"), _TRIALS.c.state == bindparam("before"))
_RESULTS: tuple[Any, ...] = (
    optuna_internals.TrialValueModel.__table__,
    optuna_internals.TrialIntermediateValueModel.__table__,
)
_USER: Any = optuna_internals.TrialUserAttributeModel.__table__
_SYSTEM: Any = optuna_internals.TrialSystemAttributeModel.__table__


@dataclass(frozen=True, slots=True)
class Reopen:
    """A trial that has ended waits again, with its parameters and without values.

    `before` is the state in which it ended. `user` and `system` name the attributes that it loses. `mark` is written
    into the attributes of its study in the same transaction.
    """

    study_id: int
    trial_id: int
    before: TrialState
    user: frozenset[str]
    system: frozenset[str]
    mark: Mapping[str, Any]

    def write(self, session: Session) -> None:
        """Write it.

        Args:
            session: of the transaction.

        Raises:
            Unavailable: another program has changed the trial's state.
        """
        changed = {"state": TrialState.WAITING, "datetime_start": None, "datetime_complete": None}
        result: Any = session.execute(_WAIT, {"trial": self.trial_id, "before": self.before, **changed})
        if result.rowcount != 1:
            raise Unavailable(CROSSED)
        for table in _RESULTS:
            session.execute(table.delete().where(table.c.trial_id == self.trial_id))
        for table, names in ((_USER, self.user), (_SYSTEM, self.system)):
            session.execute(table.delete().where(table.c.trial_id == self.trial_id, table.c.key.in_(names)))
        rows = [
            {"study_id": self.study_id, "key": key, "value_json": json.dumps(fact)} for key, fact in self.mark.items()
        ]
        replace_rows(session, _FACTS, ("study_id", "key"), rows)

    def change(self, trial: FrozenTrial) -> None:
        """Change the trial in memory by replacing its mappings, which others may hold."""
        trial.state = TrialState.WAITING
        trial.values = None
        trial.datetime_start = trial.datetime_complete = None
        trial.intermediate_values = {}
        trial.user_attrs = {key: fact for key, fact in trial.user_attrs.items() if key not in self.user}
        trial.system_attrs = {key: fact for key, fact in trial.system_attrs.items() if key not in self.system}
