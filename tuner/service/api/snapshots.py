"""`/studies/{name}/snapshot`: a whole study, for programs that read it as if they had its database."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from tuner.results.confirmation import runs_of, search_of
from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.problems import responses
from tuner.service.schemas.shape import Answer, Json
from tuner.storage import open_storage
from tuner.study import drivers, load_study
from tuner.study.portable import study_facts

router = APIRouter(tags=["studies"])


class SnapshotView(Answer):
    """Studies as `tuner.study.portable` tells them: the one that is asked for, and its confirmation or search."""

    studies: list[dict[str, Json]] = Field(description="Each with its attributes, its drivers and all of its trials.")


@router.get(
    "/studies/{name}/snapshot",
    operation_id="get_snapshot",
    response_model=SnapshotView,
    responses=responses(401, 404, 503),
)
def get_snapshot(name: str, server: CurrentServer, user: Reader) -> Any:
    """Return a study with everything that is stored of it, as `tuner.Client` reads it."""
    storage = server.options.storage
    study = load_study(open_storage(storage), name)
    related = [study, runs_of(study), search_of(study)]
    return {"studies": [study_facts(each, drivers(each, storage)) for each in related if each is not None]}
