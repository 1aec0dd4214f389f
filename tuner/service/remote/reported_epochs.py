"""What an epoch that a remote worker reports must be."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from tuner.errors import listing
from tuner.goal import Goal
from tuner.service.problems import Refused
from tuner.service.schemas import EpochBody
from tuner.study.attempt import History
from tuner.study.record import STOPPED

RESERVED = ("epoch", "seconds")
"""Names that a history has for itself."""

LONGEST_NAME = 200
"""Characters of a metric's name."""


def refuse_unfit_names(goal: Goal, metrics: Mapping[str, float]) -> None:
    """Refuse metrics without those of the goal, or with a name that a history cannot have.

    Raises:
        Refused: they are such metrics.
    """
    if missing := [name for name in goal.names if name not in metrics]:
        raise _unfit(f"the metrics are {listing(metrics)}; {listing(missing)} must be among them")
    for name in metrics:
        if name in RESERVED or not name or "." in name or len(name) > LONGEST_NAME:
            raise _unfit(
                f"{name[:LONGEST_NAME]!r} is no name for a metric: it is reserved, empty, too long or has a dot"
            )


def refuse_other_names(trial: int, history: History, told: EpochBody) -> None:
    """Refuse an epoch with other metrics than the ones before it.

    Raises:
        Refused: it has others.
    """
    before = history.keys() - {*RESERVED, STOPPED}
    follows = any(epoch < told.epoch for epoch in history.get("epoch", [])[:1])
    if follows and before != told.metrics.keys():
        names = f"epoch {told.epoch} has {listing(sorted(told.metrics))}, after {listing(sorted(before))} before"
        raise _unfit(f"trial {trial}: {names}; give the same metrics each time")


def refusal_of_repeated(trial: int, last: int, told: EpochBody, known: Mapping[int, Mapping[str, float]]) -> Refused:
    """Return the refusal of an epoch that is not above the last one.

    Args:
        trial: its number.
        last: the last epoch of this attempt.
        told: the epoch.
        known: the metrics of all epochs.
    """
    if told.epoch in known:
        was = f"epoch {told.epoch} was reported before with other metrics; report each epoch once"
    else:
        was = f"epoch {last} was reported before epoch {told.epoch}; report epochs in their order"
    return _unfit(f"trial {trial}: {was}")


def _unfit(detail: str) -> Refused:
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
