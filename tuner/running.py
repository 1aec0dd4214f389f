"""A study put to work: its space checked and made into an engine, and the engine driven."""

from __future__ import annotations

import collections
import math
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import torch

from tuner import check, user_code
from tuner.digests import code_digests, data_digest
from tuner.driver import AHEAD, Driver, Limits
from tuner.engines.function import Fitting
from tuner.engines.fused import FEWEST, GAIN, MOST_LANES, Fused
from tuner.engines.serial import Serial
from tuner.errors import BuildError, Interrupted, TunerError, UsageError, listing
from tuner.events import Observer, Opened
from tuner.executors import leftovers
from tuner.executors.launch import Crew, Wanted, workers
from tuner.executors.pool import TrialLimits
from tuner.final import save
from tuner.goal import Goal
from tuner.lockstep import Lockstep
from tuner.protocol import Engine, Outcome
from tuner.results.failures import commonest
from tuner.runtime.rounding import amount
from tuner.runtime.signals import interruptible
from tuner.space import Space
from tuner.space.rules import seconds
from tuner.space.suggesters import Corner
from tuner.storage import Turns
from tuner.study import Study, rehearse, samplers
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


def planned(space: Space, device: torch.device, wanted: Wanted) -> Plan:
    """The goal of a space that passed every check, and who trains for it.

    Raises:
        UsageError: it did not, or the data or the study do not allow it.
    """
    check.check_names(space)
    name = space.objective.function
    if name is not None:
        _, goal = check.load_function(space)
        code = (Code(name, space.base, "objective.function"),)
        version = Version(code=code_digests(code))
        plan = Plan(goal, Fitting(name, space.base, goal, str(device)), (), code, version=version)
    else:
        job = check.load_job(space, device)
        check.check_fit(space, job)
        lost = save.unsavable(space, job)
        version = Version(data_digest(job.splits), code_digests(_own_code(space)))
        settle(job, space)
        notes, trivial = (*job.notes, *lost), _baseline(space, job)
        plan = Plan(job.scores.goal, _engine(space, job, wanted), notes, _own_code(space), trivial, version)
    try:
        rehearse(space, plan.goal)
    except BuildError as error:
        raise space.faulty([(error.path, error.message)]) from None
    return plan


def _baseline(space: Space, job: Job) -> Baseline:
    rows = job.dataset(space.resolve(Corner(False, {})).data)
    assert rows.valid is not None, "a search has a validation split"
    return baseline_of(rows, rows.valid, job.scores)


def _engine(space: Space, job: Job, wanted: Wanted) -> Engine:
    if wanted.fuse == "off" or _why_in_turn(space, wanted):
        return Serial(job, interval_of(space))
    total, share = int(space.setting("search.trials")), workers(wanted, job.device)
    if isinstance(wanted.fuse, int):
        return Fused(job, interval_of(space), total // share, 2 * wanted.fuse, wanted.fuse, forced=True)
    search = space.setting("search")
    widest = MOST_WHILE_JUDGED if samplers.learns(search) else MOST_LANES
    most, pays = int(ahead_of(space) * total) // share, GAIN
    if samplers.sampler_learns(search):
        most, pays = min(MOST_IN_FLIGHT, max(FEWEST, int(IN_FLIGHT * total))) // share, PAYS
    if most < FEWEST or int(AHEAD * total) // share < FEWEST:
        return Serial(job, interval_of(space))
    return Fused(job, interval_of(space), total // share, most, min(widest, most), forced=False, pays=pays)


def ahead_of(space: Space) -> Fraction:
    """How much of a study may be asked for while nothing is known of it: all of it where nothing is learned."""
    return AHEAD if samplers.learns(space.setting("search")) else Fraction(1)


def _why_in_turn(space: Space, wanted: Wanted) -> str:
    """Why trials cannot train as one program, whatever they are; empty when they may."""
    search = space.setting("search")
    if wanted.batch is not None:
        return "--deterministic trains each trial by itself"
    if space.objective.function is not None:
        return "objective.function trains each trial by itself"
    if search["trial_limit"] is not None or search["trial_timeout"] is not None:
        return "a trial that is killed at its limit would take others along"
    if search["sampler"]["type"] in samplers.REPEATS:
        return f"{search['sampler']['type']} gives points again while others train"
    return ""


def settle(job: Job, space: Space) -> None:
    """Let go of the raw rows where all trials prepare them in one way."""
    ways = check.preparations(space)
    if len(ways) == 1:
        job.settle(ways[0])


def interval_of(space: Space) -> float:
    """The seconds between two checkpoints."""
    interval = seconds(space.setting("search.checkpoint_interval"))
    assert interval is not None, space.file
    return interval


def _own_code(space: Space) -> tuple[Code, ...]:
    """The code of one's own that rows and models come from."""
    named = [*space.types("data"), *space.types("model")]
    return tuple(Code(name, space.base, path) for path, name in named if user_code.is_own(name))


def crew_of(space: Space, wanted: Wanted, device: torch.device) -> Crew:
    """Who trains the trials of a space.

    Raises:
        UsageError: there cannot be such a crew, or a clock would decide a study that is to be deterministic.
    """
    if isinstance(wanted.fuse, int) and (why := _why_in_turn(space, wanted)):
        raise UsageError(f"--fuse {wanted.fuse}: {why}: drop it")
    clocks = ("search.timeout", "search.trial_timeout", "search.trial_limit")
    ticking = [path for path in clocks if space.setting(path) is not None]
    if wanted.batch is not None and ticking:
        raise UsageError(f"--deterministic: drop {listing(ticking)}, which a clock decides")
    limit, silence = (seconds(space.setting(f"search.{name}")) for name in ("trial_limit", "trial_timeout"))
    return Crew.of(wanted, device, TrialLimits(limit, silence), space.setting("search.resources"))


def drive(
    study: Study, plan: Plan, crew: Crew, turns: Turns, limits: Limits, folder: Path, observe: Observer
) -> frozenset[int]:
    """Drive an engine until a limit is reached.

    Args:
        study: opened for its space.
        plan: of that space.
        crew: who trains.
        turns: the right to the study.
        limits: when no more trials are started.
        folder: the study's.
        observe: is told of every event.

    Returns:
        The numbers of the trials that ended.

    Raises:
        TunerError: so many trials in a row failed that the run was given up, or workers do not start.
        Interrupted: by a signal; the running trials wait for the next run.
    """
    driver = Driver(study, turns, limits, folder, observe)
    recovered = driver.recover()
    limit = None if math.isinf(limits.deadline) else limits.deadline - time.monotonic()
    records = study.records()
    states, front = collections.Counter(record.state for record in records if record.finished), study.front(records)
    observe(Opened(study.name, study.goal, limits.total, states, recovered, limit, front, plan.notes))
    driver.tell_of_lost()
    batch = crew.wanted.batch
    try:
        with leftovers.guarded(bool(plan.code)), interruptible(driver.stop):
            crew.run(plan.engine, driver if batch is None else Lockstep(driver, batch), plan.code)
    finally:
        driver.leave()
    if driver.stopped_by is not None:
        raise Interrupted(driver.stopped_by)
    if driver.failing:
        raise TunerError(_why_failing(study, driver.failing))
    return driver.ended


def _why_failing(study: Study, failures: list[Outcome]) -> str:
    cause = commonest([outcome.cause for outcome in failures])
    way_on = f"`tuner show {study.name} --trial {failures[-1].trial}` has the traceback; the same command goes on"
    if study.space.objective.function is not None:
        way_on += ". A sampler learns nothing from failed trials: report NaN for a config that cannot work"
    failed = f"{amount(len(failures), 'trial')} failed in a row"
    return f"study {study.name}: {failed}; the most common cause: {cause}; {way_on}"
