"""The policy of fusing: which studies train trials together, in how many lanes, and how many trials ahead.

A trial that is asked for ahead is drawn without the results of those that still train. The policy weighs that against
the speed of lanes. It knows of a study what its `Workload` has.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction

from tuner.engines.fused.autotune import FEWEST, GAIN, MOST_LANES
from tuner.engines.fused.engine import Fused
from tuner.engines.serial import Serial
from tuner.protocol import AHEAD
from tuner.training import Job

IN_FLIGHT, MOST_IN_FLIGHT = Fraction(1, 10), 8
"""Maximum share of a study, and number of trials, in flight at once if the sampler learns from others."""

PAYS = 1.5
"""Minimum speed-up of lanes where the sampler learns from others: it makes up for what trials ahead do not know."""

MOST_WHILE_JUDGED = 32
"""Maximum lanes where results of others stop trials. On an MLP for digits, 64 ended sooner, and found no sooner."""


class Feedback(enum.Enum):
    """What the results of a trial decide for others."""

    NOTHING = enum.auto()
    STOPS = enum.auto()
    """How far others train, or whether they begin."""
    SAMPLES = enum.auto()
    """Also which parameters others have."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What a study asks of the engine.

    Args:
        trials: the study's total.
        workers: how many share them.
        feedback: what results decide for other trials.
        in_order: whether `--deterministic` fixes the order of results.
        calls_function: whether a function of the user trains.
        may_be_killed: whether a trial is killed at a limit.
        repeated_by: the sampler, if it draws a point again while others train.
        replicates: how often each trial trains, on folds and from seeds.
    """

    trials: int
    workers: int
    feedback: Feedback
    in_order: bool = False
    calls_function: bool = False
    may_be_killed: bool = False
    repeated_by: str = ""
    replicates: int = 1

    @property
    def why_in_turn(self) -> str:
        """Why no trials can train together, whatever they are; empty if they may."""
        if self.in_order:
            return "--deterministic trains each trial by itself"
        if self.calls_function:
            return "objective.function trains each trial by itself"
        if self.may_be_killed:
            return "a trial that is killed at its limit would take others along"
        return f"{self.repeated_by} gives points again while others train" if self.repeated_by else ""


def engine_for(job: Job, interval: float, workload: Workload, width: int | None) -> Serial | Fused:
    """Return the engine for a study that may train trials together.

    Args:
        job: of the study.
        interval: maximum seconds between two checkpoints of a trial.
        workload: of the study.
        width: the number of lanes; None is as many as pay.
    """
    if workload.why_in_turn:
        return Serial(job, interval)
    total, workers = workload.trials, workload.workers
    if width is not None:
        return Fused(job, interval, total // workers, 2 * width, width, forced=True)
    by_itself: Serial | Fused = Serial(job, interval)
    if workload.replicates > 1:  # its own lanes, without asking ahead
        by_itself = Fused(job, interval, total // workers, 1, 1, forced=False)
        if workload.feedback is Feedback.SAMPLES:
            return by_itself
    most, pays = int(share_ahead(workload.feedback) * total) // workers, GAIN
    if workload.feedback is Feedback.SAMPLES:
        most, pays = min(MOST_IN_FLIGHT, max(FEWEST, int(IN_FLIGHT * total))) // workers, PAYS
    if most < FEWEST or int(AHEAD * total) // workers < FEWEST:
        return by_itself
    widest = MOST_LANES if workload.feedback is Feedback.NOTHING else MOST_WHILE_JUDGED
    return Fused(job, interval, total // workers, most, min(widest, most), forced=False, pays=pays)


def share_ahead(feedback: Feedback) -> Fraction:
    """Return the maximum share of a study that runs at once."""
    return Fraction(1) if feedback is Feedback.NOTHING else AHEAD
