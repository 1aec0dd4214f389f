"""A study that has many trials already, written in bulk."""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping

import sqlalchemy
from optuna.distributions import FloatDistribution
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState

from tuner.goal import goal_of
from tuner.space import Space
from tuner.storage import Sole, TrialUpdate, open_storage
from tuner.storage.tables import Tables
from tuner.study import open_study
from tuner.study.trial_attributes import HISTORY

AT_ONCE = 500
"""So many trials are written in one transaction."""


def fill(url: str, text: str, params: Mapping[str, FloatDistribution], trials: int, reports: int) -> None:
    """Make the study of a space, with so many complete trials as a driver would have left them."""
    space = Space.parse(text)
    study = open_study(open_storage(url, create=True), space, goal_of(space.objective, None))
    backend = RDBStorage(url)
    tables, chance = Tables(backend, Sole()), random.Random(0)
    ids = _rows(backend.engine, study.optuna._study_id, trials)
    for first in range(0, trials, AT_ONCE):
        tables.write({trial_id: _facts(params, reports, chance) for trial_id in ids[first : first + AT_ONCE]})
    backend.engine.dispose()


def _rows(engine: sqlalchemy.Engine, study_id: int, trials: int) -> list[int]:
    """Return the ids of new rows."""
    table, values = models.TrialModel.__table__, models.TrialValueModel
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    common = {"study_id": study_id, "state": TrialState.COMPLETE, "datetime_start": now, "datetime_complete": now}
    with engine.begin() as connection:
        connection.execute(table.insert(), [{**common, "number": number} for number in range(trials)])
        ids = list(connection.execute(sqlalchemy.select(table.c.trial_id).order_by(table.c.trial_id)).scalars())
        finite = {"objective": 0, "value_type": values.TrialValueType.FINITE}
        rows = [{**finite, "trial_id": trial_id, "value": i / trials} for i, trial_id in enumerate(ids)]
        connection.execute(values.__table__.insert(), rows)
    return ids


def _facts(params: Mapping[str, FloatDistribution], reports: int, chance: random.Random) -> TrialUpdate:
    epochs = list(range(1, reports + 1))
    scores = [chance.random() * epoch / reports for epoch in epochs]
    history = {"epoch": epochs, "score": scores, "train_loss": scores, "seconds": [0.1] * reports}
    user = {"judged": reports, "seed": 1, "attempt": 1, "state": "complete", "epoch": reports}
    drawn = {name: (chance.random(), distribution) for name, distribution in params.items()}
    return TrialUpdate(user, {HISTORY: history}, dict(zip(epochs, scores, strict=True)), drawn)
