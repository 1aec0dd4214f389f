"""A run of a study: the space checked, the study opened, an engine chosen and driven to the study's total."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tuner import check, own, storage
from tuner.config import DEFAULT_STORAGE
from tuner.driver import Driver, Limits, Observer, Opened
from tuner.errors import BuildError, Interrupted, NoTrialSucceeded, StudyError, TunerError, UsageError, listing
from tuner.executors import inline, processes
from tuner.executors.processes import Code
from tuner.fitting import Fitting
from tuner.goal import Goal
from tuner.port import Engine, Outcome
from tuner.signals import interruptible
from tuner.space import Space
from tuner.space.edit import settings_of
from tuner.space.rules import seconds
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
    device: torch.device
    notes: tuple[str, ...]
    code: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class _Crew:
    """Who trains: so many processes of so many threads each; one worker trains in the driver's own."""

    workers: int
    threads: int

    @classmethod
    def of(cls, workers: int, threads: int | None) -> _Crew:
        """The crew that is asked for, the cores divided among the workers where nothing else is said."""
        for name, value in (("workers", workers), ("threads", threads)):
            if value is not None and value < 1:
                raise UsageError(f"--{name} {value}: is a whole number of at least 1")
        if threads is None:
            threads = torch.get_num_threads() if workers == 1 else max(1, cores() // workers)
        return cls(workers, threads)

    def run(self, plan: _Plan, driver: Driver) -> None:
        """Run the plan's engine until the driver has no more work."""
        if self.workers == 1:
            torch.set_num_threads(self.threads)
            inline.run(plan.engine, driver)
        else:
            processes.run(plan.engine, driver, self.workers, self.threads, plan.code)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    workers: int = 1,
    threads: int | None = None,
    settings: Iterable[tuple[str, Any]] = (),
    observe: Observer = lambda event: None,
) -> Result:
    """Run a study up to its total of trials; a study that is there is continued.

    Args:
        space: a file, or a space read already.
        storage_url: whatever Optuna takes; the default is `studies.db` in the current folder.
        study_name: in place of `study.name`.
        n_trials: in place of `search.trials`, the study's total over all runs.
        timeout: in place of `search.timeout`, for this run: seconds, or text such as `10m`. The
            running trial is finished.
        seed: in place of `study.seed`.
        epochs: in place of `training.epochs`.
        device: `auto`, `cpu`, `cuda` or `mps`.
        workers: how many processes train, each one trial at a time. One trains in this process.
        threads: of each worker; by default the cores are divided among them.
        settings: (path, value) pairs that replace values of the file.
        observe: is called with every event, in the driver's thread.

    Returns:
        The study and its best trial, or with several objectives its front.

    Raises:
        UsageError: the space, the data or the study do not allow it; nothing was written.
        StorageError: the database cannot be used.
        TunerError: so many trials in a row failed that the run was given up.
        NoTrialSucceeded: not one trial of the study is complete and within the bounds.
        Interrupted: by a signal; the running trial waits for the next run.
    """
    flags = settings_of(study_name=study_name, n_trials=n_trials, timeout=timeout, seed=seed, epochs=epochs)
    space = _read(space, [*settings, *flags])
    crew = _Crew.of(workers, threads)
    plan = _planned(space, device_of(device))
    if crew.workers > 1 and plan.device.type != "cpu":
        raise UsageError(f"--workers {workers}: several workers train on a CPU so far, not on {plan.device}")
    with storage.sole_driver(storage_url):
        opened = storage.open_storage(storage_url, create=True)
        study = open_study(opened, space, plan.goal)
        recovered = study.recover() if storage.has_one_driver(storage_url) else 0
        return _drive(study, plan, crew, recovered, storage.study_folder(storage_url, study.name, study.uid), observe)


def _planned(space: Space, device: torch.device) -> _Plan:
    """The goal of a space that passed every check, and who trains for it."""
    check.check_names(space)
    name = space.objective.function
    if name is not None:
        _, goal = check.load_function(space)
        plan = _Plan(goal, Fitting(name, space.base, goal, str(device)), device, ())
    else:
        job = check.load_job(space, device)
        check.check_fit(space, job)
        source = space.setting("data.type")
        code = ((source, space.base, "data.type"),) if own.is_own(source) else ()
        plan = _Plan(job.scores.goal, Serial(job), device, job.splits.source.notes, code)
    try:
        rehearse(space, plan.goal)
    except BuildError as error:
        raise space.faulty([(error.path, error.message)]) from None
    return plan


def _read(space: Space | str | Path, changes: list[tuple[str, Any]]) -> Space:
    if isinstance(space, Space):
        return Space.parse(space.text, space.file, space.base, changes)
    return Space.load(space, changes)


def _drive(study: Study, plan: _Plan, crew: _Crew, recovered: int, folder: Path, observe: Observer) -> Result:
    total = study.space.setting("search.trials")
    timeout = study.space.setting("search.timeout")
    limit = seconds(timeout) if timeout is not None else None
    observe(Opened(study.name, study.goal, total, study.finished(), recovered, limit, study.front(), plan.notes))
    deadline = float("inf") if limit is None else time.monotonic() + limit
    limits = Limits(total, deadline, study.space.setting("search.max_failures"))
    driver = Driver(study, str(plan.device), crew.threads, limits, folder / "checkpoints", observe)
    try:
        with interruptible(driver.stop):
            crew.run(plan, driver)
    finally:
        for number in study.running:
            study.suspend(number)
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
