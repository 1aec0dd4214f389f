"""Studies as answers: what a study and its job say, in the shapes of the API."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.goal import Direction, Goal
from tuner.results.confirmation import Confirmation
from tuner.results.progress import Overview, Running, overview
from tuner.results.results import Results
from tuner.results.summary import circumstances
from tuner.results.wording import paragraphs, spread
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.schemas import (
    AnswerView,
    BestView,
    CourseView,
    FailureView,
    JobStateName,
    MetricView,
    RunningView,
    StudyView,
    TrialCounts,
    WaitView,
)
from tuner.service.views.job_views import slots_view
from tuner.service.views.json_values import finite, finite_in, local, moment
from tuner.study import Record

MOST_POINTS = 60
"""Points of a sparkline."""

MOST_IN_FRONT = 50
"""Trials of a front in one answer."""

_JOBLESS: Any = dict.fromkeys(("job", "owner", "priority", "submitted", "wait", "slots")) | {"reason": ""}
"""The fields of a study that the service did not begin."""


def study_view(results: Results, seen: Overview) -> StudyView:
    """Return a study for a list, without its job.

    Args:
        results: of the study.
        seen: its state at this moment.
    """
    study, goal = results.study, results.goal
    best, found = results.best, results.confirmation if study.made_here else None
    ended = [record for record in results.records if record.finished]
    ignored = len(results.records) - len(results.counted)
    return StudyView(
        name=study.name,
        state=_state(seen),
        kind="foreign" if not study.made_here else "confirmation" if results.confirms else "run",
        **_JOBLESS,
        started=local(_first(results.records)),
        ended=_end(seen, ended),
        metrics=metrics_of(goal),
        trials=TrialCounts(total=seen.total, ended=seen.ended, by_state=_by_name(seen), ignored=ignored),
        best=None if best is None else _best(best),
        front=[] if goal.single else [_best(record) for record in results.front[:MOST_IN_FRONT]],
        best_so_far=thinned(best_so_far(ended, goal), MOST_POINTS) if goal.single else [],
        gain=_gain(results),
        confirmed=None if found is None else _confirmed(found),
        confirms=results.confirms or None,
        seconds_left=seen.seconds_left,
        workers=len({(one.host, one.worker) for one in seen.running}) or None,
        notes=list(circumstances(results)) if study.made_here else [],
    )


def unopened_view(name: str, metrics: Sequence[MetricView], total: int) -> StudyView:
    """Return a study that no driver has opened yet, without its job.

    Args:
        name: of the study.
        metrics: its objectives, as far as its space says them.
        total: the number of trials that it is to have.
    """
    return StudyView(
        name=name,
        state="queued",
        kind="run",
        **_JOBLESS,
        started=None,
        ended=None,
        metrics=list(metrics),
        trials=TrialCounts(total=total, ended=0, by_state={}),
        best=None,
        front=[],
        best_so_far=[],
        gain=None,
        confirmed=None,
        confirms=None,
        seconds_left=None,
        workers=None,
        notes=[],
    )


def with_job(view: StudyView, job: JobRecord, wait: WaitView | None) -> StudyView:
    """Return a study with what its job says.

    Args:
        view: of the study; `running` if a driver works on it, by hand or of the job.
        job: that searches it.
        wait: why the job waits, if it does.
    """
    by_hand = view.state == "running" and not job.state.occupies
    total, workers = job.command.get("n_trials"), job.command.get("workers")
    trials = view.trials if total is None else view.trials.model_copy(update={"total": max(total, view.trials.ended)})
    return view.model_copy(
        update={
            "state": "running" if by_hand else job.state.value,
            "kind": "remote" if job.kind is JobKind.REMOTE else view.kind,
            "job": job.id,
            "owner": job.owner,
            "priority": job.priority,
            "submitted": moment(job.submitted_at),
            "started": moment(job.started_at) or view.started,
            "ended": moment(job.ended_at),
            "trials": trials,
            "wait": wait if job.state is JobState.QUEUED else None,  # the runner may not have looked again yet
            "workers": workers if isinstance(workers, int) else view.workers,
            "slots": slots_view(job.slots),
            "reason": job.reason,
        }
    )


def seen_now(results: Results, alive: Mapping[str, str] | None) -> Overview:
    """Return the state of a study at this moment."""
    return overview(results, alive, datetime.datetime.now())


def metrics_of(goal: Goal) -> list[MetricView]:
    """Return the objectives."""
    rows = zip(goal.metrics, goal.titles, goal.directions, strict=True)
    return [MetricView(name=name, title=title, direction=direction.value) for name, title, direction in rows]


def best_so_far(records: Sequence[Record], goal: Goal) -> list[float | None]:
    """Return the best sound value of one objective after each trial."""
    found: list[float | None] = []
    best: float | None = None
    for record in records:
        value = record.value
        if record.sound and value is not None and (best is None or goal.direction.better(value, best)):
            best = value if math.isfinite(value) else best
        found.append(best)
    return found


def thinned(values: Sequence[float | None], most: int) -> list[float | None]:
    """Return at most so many values, the first and the last among them, at equal distances."""
    if len(values) <= most:
        return list(values)
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


NO_COURSE = CourseView(number=[], state=[], values=[], best=[], seconds=[], ignored=[])
"""The course of a study that no driver has opened yet."""


def course(results: Results) -> CourseView:
    """Return the ended trials as columns."""
    ended = [record for record in results.records if record.finished]
    single = results.goal.single
    return CourseView(
        number=[record.number for record in ended],
        state=[str(record.state.value) for record in ended],
        values=[
            finite(record.values[i] if i < len(record.values) else None for record in ended)
            for i in range(len(results.goal.metrics))
        ],
        best=best_so_far(ended, results.goal) if single else [],
        seconds=finite(record.seconds for record in ended),
        ignored=[record.number for record in ended if record.ignored is not None],
    )


def running_view(one: Running) -> RunningView:
    """Return a running trial."""
    return RunningView(
        trial=one.trial,
        epoch=one.epoch,
        epochs=one.epochs,
        value=one.value,
        values=finite_in(one.values),
        worker=one.worker or None,
        host=one.host or None,
        device=one.device or None,
        quiet=one.quiet,
        waits=one.waits,
    )


def answer_view(results: Results) -> AnswerView | None:
    """Return the trial to use; None before there is one, and with several objectives."""
    if not results.goal.single or (answer := results.answer) is None:
        return None
    interval, trivial, found = answer.interval, answer.baseline, results.confirmation
    return AnswerView(
        trial=answer.trial.number,
        value=answer.value,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        equals=list(answer.equals),
        trivial=None if trivial is None else trivial.value,
        trivial_says=None if trivial is None else trivial.says,
        how_sure=answer.how_sure,
        paragraphs=[] if found is None else paragraphs(found),
    )


def failure_views(results: Results) -> list[FailureView]:
    """Return the kinds of failures, the most common first."""
    return [FailureView(**dataclasses.asdict(each) | {"state": each.state.value}) for each in results.failures.causes]


def _state(seen: Overview) -> JobStateName:
    if seen.drivers:
        return "running"
    return "done" if seen.ended >= seen.total or seen.stopped else "suspended"


def _by_name(seen: Overview) -> dict[str, int]:
    return {state.value: count for state, count in seen.states.items()}


def _best(record: Record) -> BestView:
    return BestView(
        number=record.number,
        value=record.value,
        values=finite(record.values),
        params=finite_in(record.params),
        epoch=record.epoch,
    )


def _gain(results: Results) -> float | None:
    first = next((record.value for record in results.sound), None)
    if first is None or results.best is None or results.best.value is None:
        return None
    better = results.best.value - first
    return better if results.goal.direction is Direction.MAXIMIZE else -better


def _confirmed(found: Confirmation) -> str | None:
    if found.pick is None or (interval := found.interval(found.pick)) is None:
        return None
    stale = "" if found.current else "; the search has found a better one since"
    return f"trial {found.pick.trial.number}: {found.goal.title} {spread(interval)}{stale}"


def _first(records: Sequence[Record]) -> datetime.datetime | None:
    return min((record.started for record in records if record.started is not None), default=None)


def _end(seen: Overview, ended: Sequence[Record]) -> datetime.datetime | None:
    if seen.drivers or seen.ended < seen.total:
        return None
    return local(max((record.ended for record in ended if record.ended is not None), default=None))
