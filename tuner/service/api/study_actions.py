"""What users do with a study: change, suspend, resume, cancel, confirm, train and delete it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response

from tuner.errors import StudyError, UsageError, counted
from tuner.results import best_config
from tuner.results.confirmation import runs_of
from tuner.results.results import Results
from tuner.service.access.ownership import refuse_others
from tuner.service.api.needs import CurrentServer, Member
from tuner.service.api.studies import Name
from tuner.service.problems import responses
from tuner.service.queue.job_record import CONFIRMATION, JobKind, JobRecord, Submission
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running import control
from tuner.service.schemas import ConfirmBody, JobView, ModelView, PatchBody, ReasonBody, StudyView, TrainBody
from tuner.service.server import Server
from tuner.service.submitted.submissions import refuse_foreign
from tuner.service.views.job_views import job_view
from tuner.service.views.model_views import model_view
from tuner.settings import seconds
from tuner.space.nested_kinds import Duration
from tuner.study.deletion import delete_with_files
from tuner.study.interventions import Steer, steer

router = APIRouter(tags=["studies"], prefix="/studies/{name}")

PROBLEMS = responses(401, 403, 404, 409, 422, 503)


@router.patch("", operation_id="change_study", responses=PROBLEMS)
def change_study(server: CurrentServer, user: Member, name: Name, body: PatchBody) -> StudyView:
    """Change the trials, timeout, workers or priority of a study. A larger total queues a study that is done."""
    refuse_others(user, server.owner_of(name), f"study {name}")
    job = control.search(server.jobs, name)
    given = {"n_trials": body.trials, "timeout": body.timeout, "workers": body.workers}
    options: dict[str, Any] = {option: value for option, value in given.items() if value is not None}
    if body.timeout is not None and seconds(body.timeout) is None:
        raise UsageError(f"timeout: must be {Duration().wording}, not {body.timeout}")
    slots: Slots | None = None
    if body.workers is not None:
        slots, options["workers"] = server.submissions.slots_with(job, body.workers)
    control.change(
        server.jobs,
        name,
        user.name,
        options=options,
        capacity=server.options.capacity,
        slots=slots,
        priority=body.priority,
    )
    return server.studies.one(name)


@router.post("/suspend", operation_id="suspend_study", responses=PROBLEMS)
def suspend_study(server: CurrentServer, user: Member, name: Name, body: ReasonBody | None = None) -> StudyView:
    """Let the search of a study rest: running trials stop at their epoch's end, and nothing is lost."""
    refuse_others(user, server.owner_of(name), f"study {name}")
    control.suspend(server.jobs, name, user.name, body.reason if body else "")
    return server.studies.one(name)


@router.post("/resume", operation_id="resume_study", responses=PROBLEMS)
def resume_study(server: CurrentServer, user: Member, name: Name, body: ReasonBody | None = None) -> StudyView:
    """Queue the search of a study again, up to its total. One that was run by hand becomes a study of the service."""
    refuse_others(user, server.owner_of(name), f"study {name}")
    if server.jobs.search_of(name) is not None:
        control.resume(server.jobs, name, user.name, body.reason if body else "")
    else:
        server.submissions.by_hand(server.results(name).study, user)
    return server.studies.one(name)


@router.post("/retry-failed", operation_id="retry_failed", responses=PROBLEMS)
def retry_failed(server: CurrentServer, user: Member, name: Name, body: ReasonBody | None = None) -> StudyView:
    """Run all trials again that an exception ended, under their numbers. A study that is over or rests is queued."""
    refuse_others(user, server.owner_of(name), f"study {name}")
    results = _results(server, name)
    is_by_hand = server.jobs.search_of(name) is None
    if is_by_hand:
        refuse_foreign(results.study)
    failed = [record for record in results.records if record.failed]
    for record in failed:
        steer(server.reading.url, results.study, record, Steer.RETRY, actor=user.name)
    if failed and is_by_hand:
        server.submissions.by_hand(results.study, user)
    elif failed:
        told = body.reason if body and body.reason else f"retries {counted(len(failed), 'failed trial')}"
        control.queue_again(server.jobs, name, user.name, told)
    return server.studies.one(name)


@router.post("/cancel", operation_id="cancel_study", responses=PROBLEMS)
def cancel_study(server: CurrentServer, user: Member, name: Name, body: ReasonBody | None = None) -> StudyView:
    """End everything of a study that is not over: its search, confirmation and trainings. Its trials stay."""
    refuse_others(user, server.owner_of(name), f"study {name}")
    control.cancel(server.jobs, name, user.name, body.reason if body else "")
    return server.studies.one(name)


@router.post("/confirm", operation_id="confirm_study", status_code=201, responses=PROBLEMS)
def confirm_study(server: CurrentServer, user: Member, name: Name, body: ConfirmBody | None = None) -> JobView:
    """Queue a confirmation: the best trials are trained again on fresh seeds."""
    refuse_others(user, server.owner_of(name), f"study {name}")
    body = body or ConfirmBody()
    results = _results(server, name)
    if not results.sound:
        raise StudyError(f"study {name}: no trial is complete, so there is nothing to confirm")
    slots, workers = server.submissions.slots_of(results.space, body)
    command = {**body.model_dump(exclude={"priority", "workers"}, exclude_defaults=True)}
    command |= {} if workers is None else {"workers": workers}
    submission = Submission(JobKind.CONFIRM, name, user.name, slots, command, body.priority)
    job = control.follow_up(server.jobs, submission, server.options.capacity)
    return job_view(job, server.wait_of(job.id))


@router.post("/train", operation_id="train_model", status_code=201, responses=PROBLEMS)
def train_model(
    server: CurrentServer, user: Member, name: Name, response: Response, body: TrainBody | None = None
) -> ModelView:
    """Queue the training of a final model, of the confirmed trial or another."""
    refuse_others(user, server.owner_of(name), f"study {name}")
    body = body or TrainBody()
    results = _results(server, name)
    trial = best_config.chosen(results, body.trial).number
    slots, _ = server.submissions.slots_of(results.space, body)
    command = {**body.model_dump(exclude={"priority"}, exclude_defaults=True), "trial": trial}
    submission = Submission(JobKind.TRAIN, name, user.name, slots, command, body.priority)
    job = control.follow_up(server.jobs, submission, server.options.capacity)
    response.headers["Location"] = f"/api/v1/models/{job.id}"
    return model_view(job, server.database.home)


@router.delete("", operation_id="delete_study", status_code=204, responses=PROBLEMS)
def delete_study(server: CurrentServer, user: Member, name: Name) -> Response:
    """Delete a study with its trials, its confirmation and its files. A study that runs is refused."""
    refuse_others(user, server.owner_of(name), f"study {name}")
    jobs = server.jobs.all(study=name)
    if busy := [job for job in [*jobs, *_confirming(server, name)] if job.state.occupies]:
        raise StudyError(f"study {name}: is {busy[0].state.value}; cancel it, then delete it")
    for job in jobs:
        waits = job.state in (JobState.QUEUED, JobState.SUSPENDED)
        if waits and not server.jobs.move(
            job.id, JobState.CANCELLED, since=(job.state,), actor=user.name, reason="deleted"
        ):
            raise StudyError(f"study {name}: starts at this moment; cancel it, then delete it")
    _delete_trials(server, name)
    forgotten = server.jobs.forget(name)
    _delete_trials(server, name)  # a late report of a worker may have opened the study again meanwhile
    server.studies.forget(name)
    server.deleted_files.remove(forgotten)
    return Response(status_code=204)


def _delete_trials(server: Server, name: str) -> None:
    """Delete a study, if it is there, with its confirmation."""
    if not server.reading.has(name):
        return
    study = server.reading.results(name).study
    confirmed = runs_of(study)
    for gone in [study] if confirmed is None else [confirmed, study]:
        delete_with_files(server.reading.url, gone)
        server.reading.forget(gone.name)


def _confirming(server: Server, name: str) -> Sequence[JobRecord]:
    """Return the jobs that write the study of a confirmation; none for another study."""
    if not name.endswith(CONFIRMATION):
        return []
    return server.jobs.all(study=name.removesuffix(CONFIRMATION), kinds=(JobKind.CONFIRM,))


def _results(server: Server, name: str) -> Results:
    """Return a study that tuner made and that has trials.

    Raises:
        StudyError: it has none yet, or another program made it.
    """
    results = server.results(name)
    if not results.study.made_here:
        raise StudyError(f"study {name}: another program made it; it has no space")
    return results
