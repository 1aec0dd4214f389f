"""An extract of a study: some of its trials by one objective, in memory, as Optuna's evaluators take them."""

from __future__ import annotations

from collections.abc import Iterable

import optuna

from tuner.storage import readable_errors
from tuner.study.record import Record
from tuner.study.study import Study


def extract(study: Study, records: Iterable[Record], i: int = 0) -> optuna.Study:
    """A study of objective `i` alone, whose trials are numbered anew.

    Args:
        study: whose they are.
        records: complete trials.
        i: which of its objectives.
    """
    with readable_errors():
        there = study.optuna.get_trials(deepcopy=False)
    taken = optuna.create_study(direction=study.goal.directions[i].value)
    taken.add_trials(
        optuna.trial.create_trial(
            value=record.values[i],
            params=dict(record.params),
            distributions=there[record.number].distributions,
        )
        for record in records
    )
    return taken
