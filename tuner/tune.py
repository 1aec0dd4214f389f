"""The driver: decides which trial runs next and which one stops.

It asks the study, feeds the port and applies verdicts. It trains nothing and prints nothing; who wants
to see what happens passes `observe`.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from tuner import check, storage
from tuner.config import DEFAULT_STORAGE
from tuner.errors import BuildError, Interrupted, NoTrialSucceeded, StudyError, listing
from tuner.executors import inline
from tuner.files import write_whole
from tuner.fitting import fitting
from tuner.goal import Goal
from tuner.port import Engine, Epoch, Outcome, State, Trial, Verdict
from tuner.signals import interruptible
from tuner.space import Space
from tuner.space.edit import settings_of
from tuner.space.rules import seconds
from tuner.study import Record, Study, open_study, rehearse
from tuner.training import device_of
from tuner.trial import serial


@dataclass(frozen=True, slots=True)
class Opened:
    """The study is open: what earlier runs left, and what this one may do.

    `finished` trials of `total` have ended, `recovered` were left running by a crash; `limit` is the
    run's time in seconds; `front` is the best trial, or with several objectives those that none beats;
    `notes` tell what was inferred from the data.
    """

    study: str
    goal: Goal
    total: int
    finished: int
    recovered: int
    limit: float | None
    front: list[Record]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """A trial begins, or goes on."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class Reported:
    """An epoch came in and was judged."""

    epoch: Epoch
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial ended; `front` is the study's with it."""

    outcome: Outcome
    record: Record
    front: list[Record]


@dataclass(frozen=True, slots=True)
class Stopping:
    """A signal asks the run to end."""

    signal: int


Event: TypeAlias = Opened | Started | Reported | Ended | Stopping
Observer: TypeAlias = Callable[[Event], None]


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
    """How a space is tuned, where it passed every check."""

    goal: Goal
    engine: Engine
    device: torch.device
    notes: tuple[str, ...]


class Driver:
    """The port that engines pull from, over a study."""

    def __init__(
        self, study: Study, device: torch.device, total: int, deadline: float, checkpoints: Path, observe: Observer
    ) -> None:
        self._study = study
        self._total = total
        self._deadline = deadline
        self._checkpoints = checkpoints
        self._observe = observe
        self._signal: int | None = None
        self._facts = {"threads": torch.get_num_threads(), "device": str(device), "host": platform.node()}

    def stop(self, signal: int) -> None:
        """Start no more trials and suspend the running ones at their epoch's end.

        Called from a signal handler, which may have interrupted the observer in mid-line: another thread
        tells it, and waits for its turn.
        """
        self._signal = signal
        threading.Thread(target=self._observe, args=(Stopping(signal),), daemon=True).start()

    @property
    def stopped_by(self) -> int | None:
        """The signal that asked for the end, if one did."""
        return self._signal

    def take(self) -> Trial | None:
        """The next trial, until the study has its total, the time is up or a signal came."""
        if self._signal is not None or time.monotonic() >= self._deadline:
            return None
        if self._study.exhausted or self._study.finished() >= self._total:
            return None
        trial = self._study.ask(self._facts)
        self._observe(Started(trial))
        return trial

    def report(self, epoch: Epoch) -> Verdict:
        """Record an epoch and judge it."""
        prune = self._study.report(epoch)
        verdict = Verdict.STOP if prune else Verdict.GO if self._signal is None else Verdict.SUSPEND
        self._observe(Reported(epoch, verdict))
        return verdict

    def load(self, trial: int) -> bytes | None:
        """The trial's checkpoint, if an earlier run left one."""
        file = self._checkpoint(trial)
        return file.read_bytes() if file.exists() else None

    def save(self, trial: int, state: bytes) -> None:
        """Write a checkpoint whole or not at all."""
        write_whole(self._checkpoint(trial), state)

    def done(self, outcome: Outcome) -> None:
        """Record how a trial ended; only a suspended one keeps its checkpoint."""
        self._study.tell(outcome)
        if outcome.state is State.SUSPENDED:
            return
        self._checkpoint(outcome.trial).unlink(missing_ok=True)
        records = self._study.records()
        self._observe(Ended(outcome, records[outcome.trial], self._study.front(records)))

    def _checkpoint(self, trial: int) -> Path:
        return self._checkpoints / f"{trial}.pt"


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
        settings: (path, value) pairs that replace values of the file.
        observe: is called with every event, in the driver's thread.

    Returns:
        The study and its best trial, or with several objectives its front.

    Raises:
        UsageError: the space, the data or the study do not allow it; nothing was written.
        StorageError: the database cannot be used.
        NoTrialSucceeded: not one trial of the study is complete and within the bounds.
        Interrupted: by a signal; the running trial waits for the next run.
    """
    flags = settings_of(study_name=study_name, n_trials=n_trials, timeout=timeout, seed=seed, epochs=epochs)
    space = _read(space, [*settings, *flags])
    plan = _planned(space, device_of(device))
    with storage.sole_driver(storage_url):
        opened = storage.open_storage(storage_url, create=True)
        study = open_study(opened, space, plan.goal)
        recovered = study.recover() if storage.has_one_driver(storage_url) else 0
        return _drive(study, plan, recovered, storage.study_folder(storage_url, study.name, study.uid), observe)


def _planned(space: Space, device: torch.device) -> _Plan:
    """The goal of a space that passed every check, and who trains for it."""
    check.check_names(space)
    if space.objective.function is not None:
        function, goal = check.load_function(space)
        plan = _Plan(goal, fitting(function, goal, str(device)), device, ())
    else:
        job = check.load_job(space, device)
        check.check_fit(space, job)
        plan = _Plan(job.scores.goal, serial(job), device, job.splits.source.notes)
    try:
        rehearse(space, plan.goal)
    except BuildError as error:
        raise space.faulty([(error.path, error.message)]) from None
    return plan


def _read(space: Space | str | Path, changes: list[tuple[str, Any]]) -> Space:
    if isinstance(space, Space):
        return Space.parse(space.text, space.file, space.base, changes)
    return Space.load(space, changes)


def _drive(study: Study, plan: _Plan, recovered: int, folder: Path, observe: Observer) -> Result:
    total = study.space.setting("search.trials")
    timeout = study.space.setting("search.timeout")
    limit = seconds(timeout) if timeout is not None else None
    observe(Opened(study.name, study.goal, total, study.finished(), recovered, limit, study.front(), plan.notes))
    deadline = float("inf") if limit is None else time.monotonic() + limit
    driver = Driver(study, plan.device, total, deadline, folder / "checkpoints", observe)
    try:
        with interruptible(driver.stop):
            inline.run(plan.engine, driver)
    finally:
        for number in study.running:
            study.suspend(number)
    if driver.stopped_by is not None:
        raise Interrupted(driver.stopped_by)
    front = study.front()
    if not front:
        raise NoTrialSucceeded(_why_none(study))
    return Result(study, front)


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
    commonest = max(set(causes), key=causes.count)
    way_on = "mend it and give a new --study-name, or a larger --n-trials to go on"
    return f"study {study.name}: none of {len(records)} trials is complete; the commonest cause: {commonest}; {way_on}"
