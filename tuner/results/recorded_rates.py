"""Learning rates of a schedule that watched a metric: recorded in the search, replayed in final training."""

from __future__ import annotations

import itertools

from tuner.config import WATCHING
from tuner.space.suggest import Known
from tuner.study import Record, Study


def watches(study: Study, record: Record) -> bool:
    """Return whether the schedule of a trial watches a metric, in a study that tuner trains itself."""
    if study.space.objective.own_training:
        return False
    scheduler = study.space.fill(Known(record.params))["scheduler"]
    name = scheduler if isinstance(scheduler, str) else (scheduler.get("type") if isinstance(scheduler, dict) else None)
    return name in WATCHING


def rates_of(record: Record, until: int) -> tuple[tuple[int, float], ...]:
    """Return the learning rates of a trial up to an epoch: pairs of an epoch and the rate from it.

    They are the rates at the start of each epoch; empty if the trial has no record of them.
    """
    known = [pair for pair in zip(record.epochs, record.history.get("lr", ()), strict=False) if pair[0] <= until]
    groups = itertools.groupby(known, key=lambda pair: pair[1])
    return tuple(next(pairs) for _, pairs in groups)
