"""A run of a study: it checks the space, opens the study and drives an engine to the total."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch

from tuner.config import DEFAULT_STORAGE
from tuner.engines.fused.policy import share_ahead
from tuner.errors import NoTrialSucceeded, UsageError, listing
from tuner.executors import leftovers
from tuner.executors.worker_options import Executor, Fuse, WorkerOptions, Workers
from tuner.results.answer import BASELINE
from tuner.results.failures import commonest, failures_of
from tuner.runtime.device import held_to
from tuner.runtime.rounding import amount
from tuner.search import warm_start
from tuner.search.callbacks import Callback, with_callbacks
from tuner.search.confirm_trials import confirm_with, terms_of
from tuner.search.events import Observer
from tuner.search.notify import hooks_of, notifying
from tuner.search.open_search import Opening, opened_search
from tuner.search.plan import feedback_of, planned
from tuner.search.run_result import Result
from tuner.search.session import drive, launcher_of
from tuner.space import Space
from tuner.space.edit import Settings, pairs_of, settings_of
from tuner.storage import in_turn, open_storage
from tuner.study import Study, load_study
from tuner.study.fork import fork_of
from tuner.study.stop_rules import StopRule, stop_reason
from tuner.study.study import note
from tuner.study.versions import refuse_other_data
from tuner.training import device_of


def run(
    space: Space | str | Path,
    *,
    storage: str = DEFAULT_STORAGE,
    study_name: str | None = None,
    fork: str | None = None,
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
    fuse: Fuse = "auto",
    retry_failed: bool = False,
    settings: Settings = (),
    callbacks: Sequence[Callback] = (),
    observe: Observer = lambda event: None,
) -> Result:
    """Run a study up to its total of trials, or continue an existing one.

    Processes that its trials have started end with it. Processes of other threads of the program go on. macOS cannot
    tell them apart, so there they end too. Outside the main thread, processes that trials start in this process are
    left to the program.

    Args:
        space: a file, or a parsed space.
        storage: any URL that Optuna takes; the default is `studies.db` in the current folder. On
            PostgreSQL several runs share a study.
        study_name: in place of `study.name`.
        fork: the name of a new study that begins with all trials of that study which fit the space.
        n_trials: in place of `search.trials`, the study's total over all runs.
        timeout: in place of `search.timeout`, for this run: seconds, or text such as `10m`. Running
            trials are finished.
        seed: in place of `study.seed`.
        epochs: in place of `training.epochs`.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        workers: the number of workers, each with one trial at a time. `auto` is one per core, GPU or slot of the
            cluster. The default is one, in this process, or on Ray `auto`.
        threads: threads of each worker; by default the cores are divided among them.
        workers_per_gpu: the number of workers that share a GPU.
        executor: `processes` of this machine, or `ray`.
        ray_address: the address of a cluster, such as `auto`; by default Ray starts on this machine.
        deterministic: the size of the batches in which trials are sampled. The seed alone then decides the study.
        fuse: the number of similar trials that train as one program. `off` is one after the other, `auto` measures
            what pays.
        retry_failed: whether all trials that failed by an exception run again first, under their numbers.
        settings: values in place of those of the file, such as `{"search.trials": 10}`, or (path, value) pairs.
        callbacks: each is called as `callback(study, record)` after each trial that ends. An exception in one ends
            the run.
        observe: called with every event; another thread may call it after a signal.

    Returns:
        The study and its best trial, or with several objectives its front. `failures.mostly` is whether more than
        half of this run's trials failed.

    Raises:
        UsageError: the space, the data or the study do not allow it; nothing was written.
        StorageError: the database cannot be used.
        TunerError: too many trials in a row failed, workers do not start, or a callback failed.
        NoTrialSucceeded: no trial of the study is complete and within the bounds.
        Interrupted: by a signal; the running trials wait for the next run.

    Example:
        result = tuner.run("search_spaces/cnn.yaml", n_trials=2, settings={"training.epochs": 2})
        print(result.best.number, result.best.value, result.study.best_params)
    """
    options = WorkerOptions(executor, workers, threads, workers_per_gpu, ray_address, deterministic, fuse)
    flags = settings_of(study_name=study_name, n_trials=n_trials, timeout=timeout, seed=seed, epochs=epochs)
    where = device_of(device)
    changed = _read(space, [*pairs_of(settings), *flags])
    return run_with(changed, options, storage, where, fork, callbacks, observe, retry_failed)


@leftovers.ended()
def run_with(
    space: Space,
    options: WorkerOptions,
    storage: str,
    device: torch.device,
    fork: str | None,
    callbacks: Sequence[Callback],
    observe: Observer,
    retry_failed: bool = False,
) -> Result:
    """Do what `run` does, with these workers and a space that has all changes."""
    forked_from = space.name
    if fork is not None:
        space = _renamed(space, fork)
    launcher = launcher_of(space, options, device)
    with held_to(1 if options.batch is not None else None):  # of which the bits of what is prepared may depend
        plan = planned(space, device, options)
    forked = None if fork is None else fork_of(open_storage(storage), forked_from, space, plan.goal)
    if forked is not None and forked.trials:
        refuse_other_data(load_study(open_storage(storage), forked_from), plan.version)
    known = warm_start.known_configs(space, storage)
    plan = replace(plan, notes=(*plan.notes, *(forked.fork.notes if forked and forked.trials else ()), *known.notes))
    StopRule.of(space, plan.goal)  # refuses before anything is written
    terms, hooks = terms_of(space, plan.goal), hooks_of(space)
    opening = Opening(space, plan.goal, plan.version, known, options.batch, forked)
    with opened_search(opening, storage, observe) as search:
        study, turns = search.study, search.turns
        plan = replace(plan, notes=(*plan.notes, *search.notes))
        if (trivial := plan.baseline) is not None:
            in_turn(turns, lambda: note(study, BASELINE, trivial.facts))
        deadline = math.inf if space.search.timeout is None else time.monotonic() + space.search.timeout
        ahead = Fraction(1) if isinstance(options.fuse, int) else share_ahead(feedback_of(space.search))
        limits, inbox = search.limits(deadline, ahead), search.inbox
        with notifying(hooks, study.name, plan.goal, limits.total, observe) as told:
            observed = with_callbacks(told, study, callbacks)
            ended = drive(study, plan, launcher, turns, inbox, limits, search.folder, observed, retry_failed)
        stopped = search.watch.close() or stop_reason(study)
    records = study.records()
    front, failures = study.front(records), failures_of(each for each in records if not ended or each.number in ended)
    if not front:
        raise NoTrialSucceeded(_why_none(study))
    timed_out = time.monotonic() >= limits.deadline and study.finished() < limits.total and not stopped
    if terms is None or timed_out:
        return Result(study, front, failures, stopped)
    searched = load_study(open_storage(storage), study.name, study.space)
    confirmed = confirm_with(terms, searched, storage, options.for_confirmation(), device, observe)
    return Result(study, front, failures, stopped, confirmed)


def _read(space: Space | str | Path, changes: list[tuple[str, Any]]) -> Space:
    return space.with_settings(changes) if isinstance(space, Space) else Space.load(space, changes)


def _renamed(space: Space, name: str) -> Space:
    """Return the space of a fork.

    Raises:
        UsageError: it is the name of the study itself, or none at all.
    """
    if name == space.name:
        raise UsageError(f"--fork {name}: is the study itself; give the new one another name")
    return _read(space, [("study.name", name)])


def _why_none(study: Study) -> str:
    records = study.records()
    complete = [record for record in records if record.complete]
    counted = [record for record in complete if record.ignored is None]
    causes = [record.why for record in records if record.why and record.ignored is None]
    if counted:
        bounds = listing(map(str, study.goal.bounds))
        way_on = "loosen them under a new --study-name, give a larger --n-trials, or export one with --trial"
        return f"study {study.name}: none of {len(counted)} complete trials keeps {bounds}; {way_on}"
    if complete:
        way_on = "give a larger --n-trials, or count one again: `tuner trial STUDY N ignore --undo`"
        return f"study {study.name}: every complete trial is ignored; {way_on}"
    if not causes:
        return f"study {study.name}: no trial is complete yet; run it again with more time"
    cause = commonest(causes)
    way_on = "mend it and give a new --study-name, or a larger --n-trials to go on"
    trials = amount(len(records), "trial")
    return f"study {study.name}: none of {trials} is complete; the most common cause: {cause}; {way_on}"
