"""The plan of a search: its job, its engine, and what may be in flight at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import torch

from tuner import preflight, user_code
from tuner.data.digests import code_digests, data_digest
from tuner.engines.function import FunctionEngine
from tuner.engines.fused import FEWEST, GAIN, MOST_LANES, Fused
from tuner.engines.serial import Serial
from tuner.errors import BuildError
from tuner.executors.worker_options import WorkerOptions
from tuner.final import save
from tuner.goal import Goal
from tuner.protocol import Engine
from tuner.search.trial_scheduler import AHEAD
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.study import rehearse, samplers
from tuner.study.versions import Version
from tuner.training import Job
from tuner.training.baseline import Baseline, baseline_of
from tuner.user_code import Code

IN_FLIGHT, MOST_IN_FLIGHT = Fraction(1, 10), 8
"""The part of a study, and the number of trials, that lanes may have in flight where the sampler learns from others.
By `benchmarks.ahead` 150 trials of a smooth function, 8 in flight, are as far as 111 one at a time; with 50, as 40.
"""


PAYS = 1.5
"""How many times as fast lanes must be there, to make up for what they are asked for without knowing."""


MOST_WHILE_JUDGED = 32
"""Lanes where trials are stopped by what others gave. On an MLP for digits, 64 ended sooner, and found no sooner."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a space is tuned, where it passed every check.

    `code` is own code that the engine holds; `version` has the digests of the data and of that code; `baseline` is what
    the trivial predictor scores on the validation rows, where the rows are known.
    """

    goal: Goal
    engine: Engine
    notes: tuple[str, ...]
    code: tuple[Code, ...] = ()
    baseline: Baseline | None = None
    version: Version = field(default_factory=Version)


def planned(space: Space, device: torch.device, options: WorkerOptions) -> Plan:
    """The goal of a space that passed every check, and who trains for it.

    Raises:
        UsageError: it did not, or the data or the study do not allow it.
    """
    preflight.check_names(space)
    name = space.objective.function
    if name is not None:
        _, goal = preflight.load_function(space)
        code = (Code(name, space.base, "objective.function"),)
        version = Version(code=code_digests(code))
        plan = Plan(goal, FunctionEngine(name, space.base, goal, str(device)), (), code, version=version)
    else:
        job = preflight.load_job(space, device)
        preflight.check_fit(space, job)
        lost = save.unsavable(space, job)
        version = Version(data_digest(job.splits), code_digests(_own_code(space)))
        settle(job, space)
        notes, trivial = (*job.notes, *lost), _baseline(space, job)
        plan = Plan(job.scores.goal, _engine(space, job, options), notes, _own_code(space), trivial, version)
    try:
        rehearse(space, plan.goal)
    except BuildError as error:
        raise space.faulty([(error.path, error.message)]) from None
    return plan


def _baseline(space: Space, job: Job) -> Baseline:
    rows = job.dataset(space.resolve(Corner(False, {})).data)
    assert rows.valid is not None, "a search has a validation split"
    return baseline_of(rows, rows.valid, job.scores)


def _engine(space: Space, job: Job, options: WorkerOptions) -> Engine:
    if options.fuse == "off" or _why_in_turn(space, options):
        return Serial(job, space.search.checkpoint_interval)
    total, interval, share = space.search.trials, space.search.checkpoint_interval, options.count(job.device)
    if isinstance(options.fuse, int):
        return Fused(job, interval, total // share, 2 * options.fuse, options.fuse, forced=True)
    widest = MOST_WHILE_JUDGED if samplers.learns(space.search) else MOST_LANES
    most, pays = int(ahead_of(space) * total) // share, GAIN
    if samplers.sampler_learns(space.search):
        most, pays = min(MOST_IN_FLIGHT, max(FEWEST, int(IN_FLIGHT * total))) // share, PAYS
    if most < FEWEST or int(AHEAD * total) // share < FEWEST:
        return Serial(job, space.search.checkpoint_interval)
    return Fused(job, interval, total // share, most, min(widest, most), forced=False, pays=pays)


def ahead_of(space: Space) -> Fraction:
    """How much of a study may be asked for while nothing is known of it: all of it where nothing is learned."""
    return AHEAD if samplers.learns(space.search) else Fraction(1)


def _why_in_turn(space: Space, options: WorkerOptions) -> str:
    """Why trials cannot train as one program, whatever they are; empty when they may."""
    search = space.search
    if options.batch is not None:
        return "--deterministic trains each trial by itself"
    if space.objective.function is not None:
        return "objective.function trains each trial by itself"
    if search.trial_limit is not None or search.trial_timeout is not None:
        return "a trial that is killed at its limit would take others along"
    if search.sampler.type in samplers.REPEATS:
        return f"{search.sampler.type} gives points again while others train"
    return ""


def settle(job: Job, space: Space) -> None:
    """Let go of the raw rows where all trials prepare them in one way."""
    ways = preflight.preparations(space)
    if len(ways) == 1:
        job.settle(ways[0])


def _own_code(space: Space) -> tuple[Code, ...]:
    """The code of one's own that rows and models come from."""
    named = [*space.types("data"), *space.types("model")]
    return tuple(Code(name, space.base, path) for path, name in named if user_code.is_own(name))
