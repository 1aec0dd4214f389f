"""`/studies`: the list, one study, and its trials as columns."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.problems import responses
from tuner.service.schemas import CourseView, JobStateName, Page, StudyDetail, StudyView
from tuner.service.views.cursors import MOST_ITEMS
from tuner.service.views.study_detail import study_detail
from tuner.service.views.study_views import NO_COURSE, course

router = APIRouter(tags=["studies"], prefix="/studies")

Name = Annotated[str, Path(min_length=1, max_length=512, description="The study's name.")]
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many items to return at most.")]
Cursor = Annotated[str | None, Query(max_length=2000, description="The `next` of an earlier answer.")]


@router.get("", operation_id="list_studies", responses=responses(401, 422, 503))
def list_studies(
    server: CurrentServer,
    user: Reader,
    state: Annotated[list[JobStateName] | None, Query(description="Only studies in these states.")] = None,
    owner: Annotated[str | None, Query(max_length=80, description="Only studies of this user.")] = None,
    search: Annotated[str, Query(max_length=200, description="Only studies whose names have this text.")] = "",
    confirmations: Annotated[bool, Query(description="Whether to list the runs of confirmations.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[StudyView]:
    """List studies: running ones first, then waiting and ended ones, each the latest first."""
    return server.studies.page(
        states=state or (), owner=owner, search=search, confirmations=confirmations, limit=limit, cursor=cursor
    )


@router.get("/{name}", operation_id="get_study", responses=responses(401, 404, 422, 503))
def get_study(server: CurrentServer, user: Reader, name: Name) -> StudyDetail:
    """Return a study with everything but its trials."""
    return study_detail(server.studies.one(name), server.reading, server.jobs, server.wait_of)


@router.get("/{name}/course", operation_id="get_course", responses=responses(401, 404, 422, 503))
def get_course(server: CurrentServer, user: Reader, name: Name) -> CourseView:
    """Return the ended trials of a study as columns, for a chart."""
    results = server.studies.results(name)
    return NO_COURSE if results is None else course(results)
