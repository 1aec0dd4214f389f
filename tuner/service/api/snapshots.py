"""`/studies/{name}/snapshot`: a whole study, for programs that read it as if they had its database."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from tuner.results.confirmation import search_of
from tuner.results.results import Results
from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.problems import responses
from tuner.service.schemas.shape import Answer, Json
from tuner.service.views.reading import Reading
from tuner.study.portable import study_facts

router = APIRouter(tags=["studies"])


class SnapshotView(Answer):
    """Studies as `tuner.study.portable` tells them: the one that is asked for, and its confirmation or search."""

    studies: list[dict[str, Json]] = Field(description="Each with its attributes, its drivers and all of its trials.")


@router.get(
    "/studies/{name}/snapshot",
    operation_id="get_snapshot",
    response_model=SnapshotView,
    responses=responses(401, 404, 409, 503),
)
def get_snapshot(name: str, server: CurrentServer, user: Reader) -> Any:
    """Return a study with everything that is stored of it, as `tuner.Client` reads it."""
    found = server.results(name)
    search = search_of(found.study)
    related = [found, found.runs, None if search is None else server.results(search.name)]
    return {"studies": [_facts(each, server.reading) for each in related if each is not None]}


def _facts(found: Results, reading: Reading) -> dict[str, Any]:
    study = found.study
    return study_facts(study, found.snapshot.trials, reading.drivers(study.name) if study.made_here else None)
