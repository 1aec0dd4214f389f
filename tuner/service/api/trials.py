"""`/studies/{name}/trials`: the list, one trial, and its output."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query

from tuner.results.artifacts import Kept
from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.api.studies import Cursor, Limit, Name
from tuner.service.cursors import part
from tuner.service.problems import responses
from tuner.service.schemas import Page, TrialDetail, TrialView
from tuner.service.study_views import running_view, seen_now
from tuner.service.trial_views import trial_detail, trial_view
from tuner.study import Record

router = APIRouter(tags=["trials"], prefix="/studies/{name}/trials")

Number = Annotated[int, Path(ge=0, le=2**31 - 1, description="The trial's number.")]


@router.get("", operation_id="list_trials", responses=responses(401, 404, 422, 503))
def list_trials(
    server: CurrentServer,
    user: Reader,
    name: Name,
    state: Annotated[list[str] | None, Query(max_length=20, description="Only trials in these states.")] = None,
    sort: Annotated[Literal["number", "value", "seconds"], Query(description="What orders them.")] = "number",
    descending: Annotated[bool, Query(description="Whether the largest comes first.")] = False,
    history: Annotated[bool, Query(description="Whether each trial has its epochs.")] = True,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[TrialView]:
    """List the trials of a study. Trials without a value are the last by value."""
    wanted = set(state or ())
    records = [record for record in server.reading.results(name).records if not wanted or record.state in wanted]
    key = _order(sort, descending)
    shown, following = part(sorted(records, key=key), key, limit, cursor)
    return Page(items=[trial_view(record, history) for record in shown], next=following, total=len(records))


@router.get("/{number}", operation_id="get_trial", responses=responses(401, 404, 422, 503))
def get_trial(server: CurrentServer, user: Reader, name: Name, number: Number) -> TrialDetail:
    """Return a trial with its config, its epochs and its files."""
    results = server.reading.results(name)
    record = results.record(number)
    running = seen_now(results, server.reading.drivers(name)).running
    now = next((running_view(one) for one in running if one.trial == number), None)
    address = f"/api/v1/studies/{quote(name, safe='')}/trials/{number}/log"
    return trial_detail(results, record, Kept(results.study, server.reading.url), now, address)


def _order(sort: str, descending: bool) -> Callable[[Record], tuple[Any, ...]]:
    sign = -1 if descending else 1

    def key(record: Record) -> tuple[Any, ...]:
        if sort == "number":
            return (sign * record.number,)
        value = record.value if sort == "value" else record.seconds
        known = value is not None and math.isfinite(value)
        return not known, sign * value if known and value is not None else 0.0, record.number

    return key
