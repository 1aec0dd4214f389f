"""Confirming a study: its best trials are trained again on fresh seeds, stage by stage.

A stage is the set of runs before the next look, or all held-out seeds of the pick. Its runs are enqueued in the sibling
study, each with its seed. They are driven like any study: by a driver and its workers, with checkpoints, through
crashes. The space is that of the search, without a pruner and with nothing to sample.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch

from tuner import data, preflight
from tuner.config import DEFAULT_STORAGE
from tuner.engines.serial import Serial, SerialOverSplits
from tuner.errors import BuildError, DataError, StudyError, UsageError, listing
from tuner.executors import leftovers
from tuner.executors.worker_options import Executor, WorkerOptions, Workers
from tuner.goal import Goal
from tuner.results.confirmation import Confirmation, candidates_of, confirmation, sibling_name
from tuner.results.results import Results
from tuner.results.stage import Part, Run
from tuner.runtime.seeds import derive
from tuner.search.events import Observer, Trouble
from tuner.search.plan import Plan, planned, settle
from tuner.search.session import drive, launcher_of
from tuner.search.steering import Inbox
from tuner.search.trial_scheduler import Limits
from tuner.settings import Confirm
from tuner.space import Space
from tuner.space.repetition_rules import FOLDS_VALIDATE_ALL
from tuner.space.suggest import Corner
from tuner.storage import in_turn, join, open_storage, study_folder
from tuner.storage.requests import requests_of
from tuner.study import Record, Study, load_study, open_study
from tuner.study.registry import enqueue, sibling
from tuner.study.study import CONFIRM, note, noted
from tuner.study.versions import confirmable
from tuner.training import Job, device_of


def confirm(
    study_name: str,
    *,
    top: int | None = None,
    seeds: int | None = None,
    splits: bool | None = None,
    storage: str = DEFAULT_STORAGE,
    device: str = "auto",
    workers: Workers = None,
    threads: int | None = None,
    workers_per_gpu: int | None = None,
    executor: Executor | str = Executor.PROCESSES,
    ray_address: str | None = None,
    observe: Observer = lambda event: None,
) -> Confirmation:
    """Train a study's best trials on fresh seeds, pick the best mean, and continue earlier runs of that.

    Args:
        study_name: the name of the study.
        top: the number of candidates; None, here and below, is the value of the study's file, else 5.
        seeds: largest number of common seeds of a candidate, and number of held-out seeds of the pick; at least 2.
        splits: whether each seed draws new training and validation rows, never test rows. None is the value of the
            file, else False.
        storage: the database.
        device: as for `run`, like all that follow.
        workers: the number of workers.
        threads: threads of each worker.
        workers_per_gpu: the number of workers that share a GPU.
        executor: `processes` or `ray`.
        ray_address: the address of a cluster.
        observe: called with every event.

    Returns:
        The confirmation, complete.

    Raises:
        UsageError: the study, its data or the arguments do not allow it.
        StorageError: the database cannot be used.
        TunerError: too many runs in a row failed, or workers do not start.
        Interrupted: by a signal; repeat the call to resume.

    Example:
        confirmation = tuner.confirm("digits-cnn", top=2, seeds=2)
        if confirmation.pick is not None:
            print(confirmation.pick.trial.number, confirmation.interval(confirmation.pick))
    """
    options = WorkerOptions(executor, workers, threads, workers_per_gpu, ray_address)
    return confirm_as_asked(study_name, options, top, seeds, splits, storage, device_of(device), observe)


@leftovers.ended()
def confirm_as_asked(
    study_name: str,
    options: WorkerOptions,
    top: int | None,
    seeds: int | None,
    splits: bool | None,
    storage: str,
    device: torch.device,
    observe: Observer,
) -> Confirmation:
    """Do what `confirm` does, with these workers."""
    opened = load_study(open_storage(storage), study_name)
    asked = (opened.space.search.confirm if opened.made_here else None) or Confirm()
    terms = Confirm(
        asked.top if top is None else top,
        asked.seeds if seeds is None else seeds,
        asked.splits if splits is None else splits,
    )
    _refuse_too_few(terms)
    return confirm_with(terms, opened, storage, options, device, observe)


def _refuse_too_few(terms: Confirm) -> None:
    for name, value, low in (("--top", terms.top, 1), ("--seeds", terms.seeds, 2)):
        if value < low:
            raise UsageError(f"{name} {value}: must be a whole number of at least {low}")


def terms_of(space: Space, goal: Goal) -> Confirm | None:
    """Return the terms of `search.confirm`; None without any.

    Raises:
        SpaceError: the study has several objectives, or its function loads the rows itself.
    """
    terms = space.search.confirm
    if terms is None:
        return None
    if not goal.single:
        raise space.faulty(
            [("search.confirm", "several objectives have a front and no best trial to confirm: drop it")]
        )
    if terms.splits and space.objective.function is not None:
        raise space.faulty([("search.confirm.splits", _OWN_ROWS)])
    return terms


_OWN_ROWS = "which rows are trained on is the affair of objective.function: drop it"


def confirm_with(
    terms: Confirm, study: Study, storage: str, options: WorkerOptions, device: torch.device, observe: Observer
) -> Confirmation:
    """Confirm a study on these terms, with these workers."""
    search = Results(study)
    candidates = _candidates(search, terms)
    found = search.confirmation
    if found is not None and _is(found, terms, candidates) and not (found.wanted or found.failed):
        return found
    space = _space(study, terms)
    launcher, plan = launcher_of(space, options, device), planned(space, device, options)
    plan = replace(plan, notes=(*plan.notes, *confirmable(study, plan.version)))
    overlap = _overlap(plan, space) if terms.splits else 0.0
    settings = space.search

    def tell(message: str) -> None:
        observe(Trouble(message))

    with join(storage, space.name, tell) as turns:

        def opened() -> Study:
            return open_study(open_storage(storage, create=True), space, plan.goal)

        def stage() -> tuple[Study, Confirmation]:
            runs = opened()
            return runs, _stage(Results(study), runs, candidates, terms, overlap)

        inbox = turns.patience.outlast(lambda: Inbox(requests_of(storage, space.name), tell))
        in_turn(turns, lambda: _try_again(search, opened(), candidates, terms, overlap))
        while (staged := in_turn(turns, stage))[1].wanted:
            runs = staged[0]
            limits = Limits(len(runs.records()), math.inf, settings.max_failures, settings.keep)
            folder = study_folder(storage, runs.name, runs.uid)
            stage_plan = replace(plan, notes=(*plan.notes, _stage_note(staged[1])))
            drive(runs, _drawn(stage_plan, space, runs), launcher, turns, inbox, limits, folder, observe)
        return staged[1]


def _candidates(search: Results, terms: Confirm) -> list[Record]:
    study = search.study
    if not study.made_here:
        raise StudyError(f"study {study.name} was not made by tuner: it has no space to train its trials with")
    if noted(study, CONFIRM):
        raise StudyError(f"study {study.name} is a confirmation itself: name the study of the search")
    if not study.goal.single:
        raise StudyError(f"study {study.name} has several objectives: it has a front, and no best trial to confirm")
    if study.space.objective.remote:
        raise StudyError(f"study {study.name} has remote trials: only its workers can train them again")
    if terms.splits and study.space.objective.function is not None:
        raise UsageError(f"--splits: {_OWN_ROWS}")
    if terms.splits and study.space.folds is not None:
        raise UsageError(f"--splits: {FOLDS_VALIDATE_ALL}")
    there = sibling(study, sibling_name(study))
    if there is not None and noted(there, CONFIRM).get("of") != study.uid and there.records():
        message = (
            f"study {there.name} is there and confirms another {study.name}: `tuner delete {there.name}` makes room"
        )
        raise StudyError(message)
    candidates = candidates_of(search, terms.top)
    if not candidates:
        raise StudyError(f"study {study.name} has no complete trial within its bounds yet: there is none to confirm")
    return candidates


def _is(found: Confirmation, terms: Confirm, candidates: list[Record]) -> bool:
    """Return whether a confirmation has these terms and candidates."""
    numbers = {standing.trial.number for standing in found.standings}
    return found.terms == terms and numbers == {record.number for record in candidates}


def _space(study: Study, terms: Confirm) -> Space:
    """Return the search's space under the sibling's name, without a search; values keep their meaning."""
    search: dict[str, Any] = {"pruner": None, "sampler": {"type": "RandomSampler"}, "enqueue": [], "timeout": None}
    search |= {"trials": (terms.top + 1) * terms.seeds, "stop": None, "confirm": None, "warm_start": None}
    whole = {**study.space.fixed["search"], **search}  # the text is read anew for each setting, so a section is one
    return study.space.with_settings([("study.name", sibling_name(study)), ("search", whole)])


def _stage(search: Results, runs: Study, candidates: list[Record], terms: Confirm, overlap: float) -> Confirmation:
    """Return the state of the confirmation, and enqueue the runs that it needs next."""
    found = confirmation(search, candidates, terms, runs.records(), overlap)
    numbers = [record.number for record in candidates]
    facts = {"of": search.study.uid, "candidates": numbers, "overlap": overlap}
    note(runs, CONFIRM, facts | {"top": terms.top, "seeds": terms.seeds, "splits": terms.splits})
    params = {record.number: record.params for record in candidates}
    for run in found.wanted:
        if run not in found.trials:
            enqueue(runs, params[run.candidate], {**run.facts, "seed": _seed(runs, run)})
    return found


def _stage_note(found: Confirmation) -> str:
    """Return what the stage trains, and why the total grows after it."""
    trials = listing(str(number) for number in sorted({run.candidate for run in found.wanted}))
    if all(run.part is Part.HELD_OUT for run in found.wanted):
        return f"held-out runs of the pick, trial {trials}"
    return f"race of trials {trials} over fresh seeds; later stages add runs to the total"


def _try_again(search: Results, runs: Study, candidates: list[Record], terms: Confirm, overlap: float) -> None:
    """Set failed runs of an earlier call back to waiting."""
    found = confirmation(search, candidates, terms, runs.records(), overlap)
    for run in found.failed:
        enqueue(runs, found.trials[run].params, {**run.facts, "seed": _seed(runs, run)})


def _overlap(plan: Plan, space: Space) -> float:
    """Return n_valid / n_train of the search's splits; new draws have the same sizes."""
    assert isinstance(plan.engine, Serial)
    rows = plan.engine.job.dataset(space.resolve(Corner(False, {})).data)
    assert rows.valid is not None, space.file
    return len(rows.valid) / len(rows.train)


def _seed(runs: Study, run: Run) -> int:
    """Return the seed of a run, equal for every candidate, so that runs compare in pairs."""
    drawn = ("splits",) if run.splits else ()
    return derive(runs.space.study.seed, CONFIRM, run.part.value, run.repeat, *drawn)


def _drawn(plan: Plan, space: Space, runs: Study) -> Plan:
    """Return the plan with a job for each seed whose runs draw new rows.

    Raises:
        SpaceError: the data define the validation rows, or a draw lacks a class.
    """
    unfinished = [Run.of(record.attributes.named) for record in runs.records() if not record.finished]
    asked = {_seed(runs, run) for run in unfinished if run is not None and run.splits}
    if not asked:
        return plan
    assert isinstance(plan.engine, Serial)
    try:
        drawn = {seed: _job(plan.engine.job, space, seed) for seed in asked}
    except (BuildError, DataError) as error:
        raise preflight.placed(space, error) from None
    return replace(plan, engine=SerialOverSplits(plan.engine.job, drawn, space.search.checkpoint_interval))


def _job(usual: Job, space: Space, seed: int) -> Job:
    """Return a job with its own copy of all rows for a seed; a stage has only few seeds."""
    config = space.resolve(Corner(False, {}))
    splits = data.for_search(config.data, config.base, space.study.seed, derive(seed, "splits"))
    job = Job.over(splits, config, usual.device)
    settle(job, space)
    return job
