"""`/jobs`: the whole queue, of searches, confirmations and final trainings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from tuner.service.access.ownership import refuse_others
from tuner.service.api.needs import CurrentServer, Member, Reader
from tuner.service.api.studies import Cursor, Limit
from tuner.service.problems import responses
from tuner.service.queue.lifecycle import JobState
from tuner.service.running import control
from tuner.service.schemas import JobStateName, JobView, Page, ReasonBody
from tuner.service.views.cursors import part
from tuner.service.views.job_views import job_view

router = APIRouter(tags=["jobs"], prefix="/jobs")

Id = Annotated[int, Path(ge=1, le=2**31 - 1, description="The job's number.")]


@router.get("", operation_id="list_jobs", responses=responses(401, 422, 503))
def list_jobs(
    server: CurrentServer,
    user: Reader,
    state: Annotated[list[JobStateName] | None, Query(description="Only jobs in these states.")] = None,
    study: Annotated[str | None, Query(max_length=512, description="Only jobs of this study.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[JobView]:
    """List jobs of all kinds, the latest first; `wait` has the place of a queued one."""
    states = None if state is None else [JobState(each) for each in state]
    jobs = list(reversed(server.jobs.all(study=study, states=states)))
    shown, following = part(jobs, lambda job: (-job.id,), limit, cursor)
    return Page(items=[job_view(job, server.wait_of(job.id)) for job in shown], next=following, total=len(jobs))


@router.get("/{id}", operation_id="get_job", responses=responses(401, 404, 422, 503))
def get_job(server: CurrentServer, user: Reader, id: Id) -> JobView:  # noqa: A002 - the name in the address
    """Return a job."""
    return job_view(server.jobs.get(id), server.wait_of(id))


@router.post("/{id}/cancel", operation_id="cancel_job", responses=responses(401, 403, 404, 409, 422, 503))
def cancel_job(
    server: CurrentServer,
    user: Member,
    id: Id,  # noqa: A002
    body: ReasonBody | None = None,
) -> JobView:
    """Cancel one job for good; the others of its study go on."""
    job = server.jobs.get(id)
    refuse_others(user, job.owner, f"job {id}")
    job = control.cancel_job(server.jobs, job, user.name, body.reason if body else "")
    return job_view(job, server.wait_of(id))
