"""A session: the engine of a checked space is driven for a study."""

from __future__ import annotations

import collections
import functools
import math
import time
from pathlib import Path

import torch

from tuner.errors import Interrupted, TunerError, UsageError, listing
from tuner.executors import leftovers
from tuner.executors.launch import Launcher
from tuner.executors.pool import TrialLimits
from tuner.executors.worker_options import WorkerOptions
from tuner.protocol import Outcome
from tuner.results.failures import commonest
from tuner.runtime.rounding import amount
from tuner.runtime.signals import interruptible
from tuner.search.deterministic import DeterministicDispatcher
from tuner.search.driver import Driver
from tuner.search.events import Observer, Opened
from tuner.search.plan import Plan, workload_of
from tuner.search.steering import Inbox, handle
from tuner.search.trial_scheduler import Limits
from tuner.space import Space
from tuner.storage import Turns
from tuner.study import Study


def launcher_of(space: Space, options: WorkerOptions, device: torch.device) -> Launcher:
    """Return the launcher of the workers that train the trials of a space.

    Raises:
        UsageError: there cannot be such workers, or a clock would decide a study that is to be deterministic.
    """
    if isinstance(options.fuse, int) and (why := workload_of(space, options, device).why_in_turn):
        raise UsageError(f"--fuse {options.fuse}: {why}: drop it")
    search = space.search
    clocks = {"timeout": search.timeout, "trial_timeout": search.trial_timeout, "trial_limit": search.trial_limit}
    ticking = [f"search.{name}" for name, limit in clocks.items() if limit is not None]
    if options.batch is not None and ticking:
        raise UsageError(f"--deterministic: drop {listing(ticking)}, which a clock decides")
    return Launcher.of(options, device, TrialLimits(search.trial_limit, search.trial_timeout), search.resources)


def drive(
    study: Study,
    plan: Plan,
    launcher: Launcher,
    turns: Turns,
    inbox: Inbox,
    limits: Limits,
    folder: Path,
    observe: Observer,
    retry_failed: bool = False,
) -> frozenset[int]:
    """Drive an engine until a limit is reached.

    Args:
        study: the study, opened for its space.
        plan: the plan of that space.
        launcher: starts the workers.
        turns: the right to the study.
        inbox: what other processes ask of this run.
        limits: when to start no more trials.
        folder: the study's folder.
        observe: called with every event.
        retry_failed: whether all trials that an exception ended run again first.

    Returns:
        The numbers of the trials that ended.

    Raises:
        TunerError: too many trials in a row failed, or workers do not start.
        Interrupted: by a signal; the running trials wait for the next run.
    """
    driver = Driver(study, turns, limits, folder, observe)
    recovered = driver.recover()
    answer = functools.partial(handle, driver)
    inbox.look(answer)
    driver.retry(retry_failed)
    limit = None if math.isinf(limits.deadline) else limits.deadline - time.monotonic()
    records = study.records()
    states, front = collections.Counter(record.state for record in records if record.finished), study.front(records)
    observe(Opened(study.name, study.goal, limits.total, states, recovered, limit, front, plan.notes))
    driver.tell_of_lost()
    batch = launcher.options.batch
    try:
        with leftovers.guarded(bool(plan.code)), interruptible(driver.stop), inbox.passed_on(answer):
            launcher.run(plan.engine, driver if batch is None else DeterministicDispatcher(driver, batch), plan.code)
    finally:
        driver.leave()
    if driver.scheduler.signal is not None:
        raise Interrupted(driver.scheduler.signal)
    if driver.scheduler.failing:
        raise TunerError(_why_failing(study, driver.scheduler.failing))
    return frozenset(driver.ended)


def _why_failing(study: Study, failures: list[Outcome]) -> str:
    cause = commonest([outcome.cause for outcome in failures])
    way_on = f"`tuner show {study.name} --trial {failures[-1].trial}` has the traceback; the same command goes on"
    if study.space.objective.function is not None:
        way_on += ". A sampler learns nothing from failed trials: report NaN for a config that cannot work"
    failed = f"{amount(len(failures), 'trial')} failed in a row"
    return f"study {study.name}: {failed}; the most common cause: {cause}; {way_on}"
