"""A run of a study: the space checked, the study opened, an engine chosen and driven to the study's total."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from optuna.storages import BaseStorage

from tuner import check, own, storage
from tuner.chance import held_to
from tuner.config import DEFAULT_STORAGE
from tuner.crew import Crew, Executor, Wanted, Workers, executor_of
from tuner.driver import Driver, Limits, Observer, Opened, Trouble
from tuner.errors import BuildError, Interrupted, NoTrialSucceeded, StudyError, TunerError, UsageError, listing
from tuner.executors.pool import TrialLimits
from tuner.executors.processes import Code
from tuner.fitting import Fitting
from tuner.goal import Goal
from tuner.lockstep import Lockstep
from tuner.port import Engine, Outcome
from tuner.signals import interruptible
from tuner.space import Space
from tuner.space.edit import settings_of
from tuner.space.rules import seconds
from tuner.storage import Turns, in_turn
from tuner.storage.outages import BUSY, Unavailable
from tuner.study import Record, Study, open_study, rehearse
from tuner.training import device_of
from tuner.trial import Serial


@dataclass(frozen=True, slots=True)
class Result:
    """What a run leaves: the study, and its front, which has at least one trial."""

    study: Study
    front: list[Record]

    @property
    def best(self) -> Record:
        """The best trial.

        Raises:
            StudyError: there are several objectives, and so no best trial but a front.
        """
        if not self.study.goal.single:
            raise StudyError(f"study {self.study.name} has several objectives: it has a front, and no best trial")
        return self.front[0]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a space is tuned, where it passed every check. `code` is own code that the engine holds."""

    goal: Goal
    engine: Engine
    notes: tuple[str, ...]
    code: tuple[Code, ...] = ()


def run(
    space: Space | str | Path,
    *,
    storage_url: str = DEFAULT_STORAGE,
    study_name: str | None = None,
    n_trials: int | None = None,
    timeout: float | str | None = None,
    seed: int | None = None,
    epochs: int | None = None,
    device: str = "auto",
    workers: Workers = None,
    threads: int | None = None,
    workers_per_gpu: int | None = None,
    executor: Executor | str = Executor.PROCESSES,
    ray_address: str | None = None,
    deterministic: int | None = None,
    settings: Iterable[tuple[str, Any]] = (),
    observe: Observer = lambda event: None,
) -> Result:
    """Run a study up to its total of trials; a study that is there is continued.

    Args:
        space: a file, or a space read already.
        storage_url: whatever Optuna takes; the default is `studies.db` in the current folder. On
            PostgreSQL several runs share a study.
        study_name: in place of `study.name`.
        n_trials: in place of `search.trials`, the study's total over all runs.
        timeout: in place of `search.timeout`, for this run: seconds, or text such as `10m`. Running
            trials are finished.
        seed: in place of `study.seed`.
        epochs: in place of `training.epochs`.
        device: `auto`, `cpu`, `cuda` or `mps`.
        workers: how many train, each one trial at a time; `auto` is one per core, GPU or slot of the
            cluster. By default one, in this process, or on Ray `auto`.
        threads: of each worker; by default the cores are divided among them.
        workers_per_gpu: how many share a GPU.
        executor: `processes` of this machine, or `ray`.
        ray_address: of a cluster, such as `auto`; without it Ray is started on this machine.
        deterministic: the size of the batches in which trials are asked for, so that the seed alone
            decides the study, whatever trains it.
        settings: (path, value) pairs that replace values of the file.
        observe: is called with every event; that a signal came, it may be told by another thread.

    Returns:
        The study and its best trial, or with several objectives its front.

    Raises:
        UsageError: the space, the data or the study do not allow it; nothing was written.
        StorageError: the database cannot be used.
        TunerError: so many trials in a row failed that the run was given up, or workers do not start.
        NoTrialSucceeded: not one trial of the study is complete and within the bounds.
        Interrupted: by a signal; the running trials wait for the next run.
    """
    flags = settings_of(study_name=study_name, n_trials=n_trials, timeout=timeout, seed=seed, epochs=epochs)
    space = _read(space, [*settings, *flags])
    wanted = Wanted(executor_of(executor), workers, threads, workers_per_gpu, ray_address, deterministic)
    where = device_of(device)
    crew = Crew.of(wanted, where, _limits(space, wanted), space.setting("search.resources"))
    with held_to(1 if wanted.batch is not None else None):  # of which the bits of what is prepared may depend
        plan = _planned(space, where)
    with storage.join(storage_url, space.name, lambda message: observe(Trouble(message))) as turns:
        opened = turns.patience.outlast(lambda: storage.open_storage(storage_url, create=True))
        study = in_turn(turns, lambda: _opened(opened, space, plan.goal, turns, wanted.batch))
        return _drive(study, plan, crew, turns, storage.study_folder(storage_url, study.name, study.uid), observe)


def _opened(opened: BaseStorage, space: Space, goal: Goal, turns: Turns, batch: int | None) -> Study:
    if batch is not None and turns.alive():  # or dead for less than its lease
        raise Unavailable(BUSY)
    return open_study(opened, space, goal, batch)


def _limits(space: Space, wanted: Wanted) -> TrialLimits:
    """How long trials may take.

    Raises:
        UsageError: a clock would decide a study that is to be deterministic.
    """
    clocks = ("search.timeout", "search.trial_timeout", "search.trial_limit")
    ticking = [path for path in clocks if space.setting(path) is not None]
    if wanted.batch is not None and ticking:
        raise UsageError(f"--deterministic: drop {listing(ticking)}, which a clock decides")
    return TrialLimits(seconds(space.setting("search.trial_limit")), seconds(space.setting("search.trial_timeout")))


def _planned(space: Space, device: torch.device) -> _Plan:
    """The goal of a space that passed every check, and who trains for it."""
    check.check_names(space)
    name = space.objective.function
    if name is not None:
        _, goal = check.load_function(space)
        plan = _Plan(
            goal, Fitting(name, space.base, goal, str(device)), (), ((name, space.base, "objective.function"),)
        )
    else:
        job = check.load_job(space, device)
        check.check_fit(space, job)
        ways = check.preparations(space)
        if len(ways) == 1:
            job.settle(ways[0])
        interval = seconds(space.setting("search.checkpoint_interval"))
        assert interval is not None, space.file
        plan = _Plan(job.scores.goal, Serial(job, interval), job.splits.source.notes, _own_code(space))
    try:
        rehearse(space, plan.goal)
    except BuildError as error:
        raise space.faulty([(error.path, error.message)]) from None
    return plan


def _own_code(space: Space) -> tuple[Code, ...]:
    """The code of one's own that rows and models come from."""
    named = [*space.types("data"), *space.types("model")]
    return tuple((name, space.base, path) for path, name in named if own.is_own(name))


def _read(space: Space | str | Path, changes: list[tuple[str, Any]]) -> Space:
    if isinstance(space, Space):
        return Space.parse(space.text, space.file, space.base, changes)
    return Space.load(space, changes)


def _drive(study: Study, plan: _Plan, crew: Crew, turns: Turns, folder: Path, observe: Observer) -> Result:
    search = study.space.setting("search")
    limit = seconds(search["timeout"])
    deadline = float("inf") if limit is None else time.monotonic() + limit
    limits = Limits(search["trials"], deadline, search["max_failures"], search["keep"])
    driver = Driver(study, turns, limits, folder, observe)
    recovered = driver.recover()
    observe(Opened(study.name, study.goal, limits.total, study.finished(), recovered, limit, study.front(), plan.notes))
    batch = crew.wanted.batch
    try:
        with interruptible(driver.stop):
            crew.run(plan.engine, driver if batch is None else Lockstep(driver, batch), plan.code)
    finally:
        driver.leave()
    if driver.stopped_by is not None:
        raise Interrupted(driver.stopped_by)
    if driver.failing:
        raise TunerError(_why_failing(study, driver.failing))
    front = study.front()
    if not front:
        raise NoTrialSucceeded(_why_none(study))
    return Result(study, front)


def _why_failing(study: Study, failures: list[Outcome]) -> str:
    commonest = _commonest([outcome.cause for outcome in failures])
    way_on = f"`tuner show {study.name} --trial {failures[-1].trial}` has the traceback; the same command goes on"
    return f"study {study.name}: {len(failures)} trials failed in a row; the commonest cause: {commonest}; {way_on}"


def _commonest(causes: list[str]) -> str:
    return max(set(causes), key=causes.count)


def _why_none(study: Study) -> str:
    records = study.records()
    complete = [record for record in records if record.complete]
    causes = [record.why for record in records if record.why]
    if complete:
        bounds = listing(map(str, study.goal.bounds))
        way_on = "loosen them under a new --study-name, give a larger --n-trials, or export one with --trial"
        return f"study {study.name}: none of {len(complete)} complete trials keeps {bounds}; {way_on}"
    if not causes:
        return f"study {study.name}: no trial is complete yet; run it again with more time"
    commonest = _commonest(causes)
    way_on = "mend it and give a new --study-name, or a larger --n-trials to go on"
    return f"study {study.name}: none of {len(records)} trials is complete; the commonest cause: {commonest}; {way_on}"
