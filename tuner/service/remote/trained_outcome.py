"""Completion: the outcome of a trial that a remote worker has trained to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from tuner.engines.outcomes import BestEpoch, divergence
from tuner.goal import Goal
from tuner.protocol import Epoch, Outcome, State
from tuner.service.problems import Refused
from tuner.service.remote.remote_leases import Lease
from tuner.service.remote.reported_epochs import refuse_unfit_names


def completed(goal: Goal, lease: Lease, epochs: Sequence[Epoch], values: Mapping[str, float] | None) -> Outcome:
    """Return how a trial ended.

    Args:
        goal: of its study.
        lease: of the trial.
        epochs: that were reported.
        values: the final metrics; None is those of the epoch that the objective's scope names.

    Raises:
        Refused: it has no value.
    """
    last = epochs[-1].epoch if epochs else None
    if values is not None:
        refuse_unfit_names(goal, values)
        metrics, epoch = dict(values), last
    elif epochs:
        best = BestEpoch(goal)
        for each in epochs:
            best.see(each.metrics, each.epoch)
        metrics, epoch = dict(best.metrics), best.epoch
    else:
        detail = f"trial {lease.trial} has no value: report an epoch before, or give values"
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    if reason := divergence(metrics, goal.names):
        return Outcome(lease.trial, lease.attempt, State.DIVERGED, epoch=last, cause=reason)
    violations = goal.violations(metrics)
    return Outcome(lease.trial, lease.attempt, State.COMPLETE, goal.values(metrics), epoch, violations=violations)
