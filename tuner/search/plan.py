"""The plan of a search: its job, its engine, and what may be in flight at once."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from tuner import preflight
from tuner.data.digests import code_digests, data_digest
from tuner.engines.function import FunctionEngine
from tuner.engines.fused.policy import Feedback, Workload, engine_for
from tuner.engines.serial import Serial
from tuner.errors import BuildError
from tuner.executors.worker_options import WorkerOptions
from tuner.final import save
from tuner.goal import Goal
from tuner.protocol import Engine
from tuner.runtime.user_code import Code
from tuner.settings import Search
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.study import rehearse, samplers
from tuner.study.sampler_traits import traits_of
from tuner.study.versions import Version
from tuner.training import Job
from tuner.training.baseline import Baseline, baseline_of, mean_of


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for a space that passed every check.

    `code` is user code that the engine holds. `version` has the digests of the data and of that code. `baseline` is the
    trivial predictor's score on the validation rows, if the rows are known.
    """

    goal: Goal
    engine: Engine
    notes: tuple[str, ...]
    code: tuple[Code, ...] = ()
    baseline: Baseline | None = None
    version: Version = field(default_factory=Version)


def planned(space: Space, device: torch.device, options: WorkerOptions) -> Plan:
    """Return the plan for a space that passes every check.

    Raises:
        UsageError: a check failed, or the data or the study do not allow the search.
    """
    preflight.refuse_remote(space)
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
        version = Version(data_digest(job.splits), code_digests(preflight.own_code(space)))
        settle(job, space)
        notes, trivial = (*job.notes, *lost), _baseline(space, job)
        plan = Plan(job.scores.goal, _engine(space, job, options), notes, preflight.own_code(space), trivial, version)
    try:
        rehearse(space, plan.goal)
    except BuildError as error:
        raise space.faulty([(error.path, error.message)]) from None
    return plan


def _baseline(space: Space, job: Job) -> Baseline:
    section = space.resolve(Corner(False, {})).data
    found = []
    for fold in job.folds:
        rows = fold.dataset(section)
        assert rows.valid is not None, "a search has a validation split"
        found.append(baseline_of(rows, rows.valid, job.scores))
    return mean_of(found)


def _engine(space: Space, job: Job, options: WorkerOptions) -> Engine:
    interval = space.search.checkpoint_interval
    if options.fuse == "off":
        return Serial(job, interval)
    width = options.fuse if isinstance(options.fuse, int) else None
    return engine_for(job, interval, workload_of(space, options, job.device), width)


def workload_of(space: Space, options: WorkerOptions, device: torch.device) -> Workload:
    """Return what a search asks of the engine of each worker."""
    search = space.search
    seeds = 1 if space.objective.own_training else space.resolve(Corner(False, {})).training.seeds
    return Workload(
        trials=search.trials,
        workers=options.count(device),
        feedback=feedback_of(search),
        in_order=options.batch is not None,
        calls_function=space.objective.function is not None,
        may_be_killed=search.trial_limit is not None or search.trial_timeout is not None,
        repeated_by=search.sampler.type if search.repeats and traits_of(search.sampler.type).repeats else "",
        replicates=seeds * (1 if space.folds is None else space.folds.count),
    )


def feedback_of(search: Search) -> Feedback:
    """Return what the results of a trial decide for others in a search."""
    if samplers.sampler_learns(search):
        return Feedback.SAMPLES
    return Feedback.STOPS if samplers.learns(search) else Feedback.NOTHING


def settle(job: Job, space: Space) -> None:
    """Free the raw rows if all trials prepare them in one way."""
    ways = preflight.preparations(space)
    if len(ways) == 1:
        job.settle(ways[0])
