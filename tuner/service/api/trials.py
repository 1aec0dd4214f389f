"""`/studies/{name}/trials`: the list, one trial, and its output."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import StreamingResponse

from tuner.protocol import State
from tuner.results.artifacts import Kept
from tuner.service.access.ownership import refuse_others
from tuner.service.access.roles import Principal
from tuner.service.api.needs import CurrentServer, Member, Reader
from tuner.service.api.studies import Cursor, Limit, Name
from tuner.service.problems import responses
from tuner.service.schemas import Page, SteerBody, TrialDetail, TrialView
from tuner.service.server import Server
from tuner.service.views.cursors import part
from tuner.service.views.study_views import running_view, seen_now
from tuner.service.views.trial_log import FollowedLog, TrialLog
from tuner.service.views.trial_views import trial_detail, trial_view
from tuner.study import Record, Unfinished
from tuner.study.interventions import Steer, steer_trial

router = APIRouter(tags=["trials"], prefix="/studies/{name}/trials")

PROBLEMS = responses(401, 403, 404, 409, 422, 503)
TEXT: dict[int | str, Any] = {
    status: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Output"}
    for status in (200, 206)
}
TrialState = State | Unfinished
Number = Annotated[int, Path(ge=0, le=2**31 - 1, description="The trial's number.")]


@router.get("", operation_id="list_trials", responses=responses(401, 404, 422, 503))
def list_trials(
    server: CurrentServer,
    user: Reader,
    name: Name,
    state: Annotated[list[TrialState] | None, Query(max_length=20, description="Only trials in these states.")] = None,
    sort: Annotated[Literal["number", "value", "seconds"], Query(description="What orders them.")] = "number",
    descending: Annotated[bool, Query(description="Whether the largest comes first.")] = False,
    history: Annotated[bool, Query(description="Whether each trial has its epochs.")] = True,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[TrialView]:
    """List the trials of a study. Trials without a value are the last by value."""
    wanted: set[str] = set(state or ())
    results = server.studies.results(name)
    every = [] if results is None else results.records
    records = [record for record in every if not wanted or record.state in wanted]
    key = _order(sort, descending)
    shown, following = part(sorted(records, key=key), key, limit, cursor)
    return Page(items=[trial_view(record, history) for record in shown], next=following, total=len(records))


@router.get("/{number}", operation_id="get_trial", responses=responses(401, 404, 409, 422, 503))
def get_trial(server: CurrentServer, user: Reader, name: Name, number: Number) -> TrialDetail:
    """Return a trial with its config, its epochs and its files."""
    results = server.results(name)
    record = results.record(number)
    running = seen_now(results, server.reading.drivers(name)).running
    now = next((running_view(one) for one in running if one.trial == number), None)
    address = f"/api/v1/studies/{quote(name, safe='')}/trials/{number}/log"
    return trial_detail(results, record, Kept(results.study, server.reading.url), now, address)


@router.get(
    "/{number}/log",
    operation_id="get_log",
    response_class=StreamingResponse,
    responses={**TEXT, **responses(401, 404, 409, 416, 422, 503)},
)
def get_log(
    server: CurrentServer,
    user: Reader,
    name: Name,
    number: Number,
    offset: Annotated[int, Query(ge=0, le=2**62, description="The byte at which to begin.")] = 0,
    follow: Annotated[bool, Query(description="Whether to go on until the trial ends.")] = False,
    wanted: Annotated[str | None, Header(alias="Range", max_length=100)] = None,
) -> StreamingResponse:
    """Return what a trial printed. `X-Next-Offset` is where to read on."""
    results = server.results(name)
    results.record(number)
    log = TrialLog(Kept(results.study, server.reading.url).log_file(number))
    if follow:
        return FollowedLog(log.followed(offset, lambda: _is_over(server, name, number)))
    part_of = log.part(offset, wanted)
    headers = {"X-Next-Offset": str(part_of.end), "Accept-Ranges": "bytes", "Content-Length": str(part_of.size)}
    if wanted is not None:
        headers["Content-Range"] = f"bytes {part_of.start}-{max(part_of.start, part_of.end - 1)}/{part_of.of}"
    return StreamingResponse(part_of.read(), 206 if wanted else 200, headers, "text/plain")


@router.post("/{number}/stop", operation_id="stop_trial", status_code=202, responses=PROBLEMS)
def stop_trial(
    server: CurrentServer, user: Member, name: Name, number: Number, body: SteerBody | None = None
) -> TrialView:
    """End a running trial at its next epoch, as pruned."""
    return _steered(server, user, name, number, Steer.STOP, body)


@router.post("/{number}/ignore", operation_id="ignore_trial", status_code=202, responses=PROBLEMS)
def ignore_trial(
    server: CurrentServer, user: Member, name: Name, number: Number, body: SteerBody | None = None
) -> TrialView:
    """Leave a trial out of best, plots, importances and the sampler's view; with `undo`, count it again."""
    return _steered(server, user, name, number, Steer.IGNORE, body)


@router.post("/{number}/retry", operation_id="retry_trial", status_code=202, responses=PROBLEMS)
def retry_trial(
    server: CurrentServer, user: Member, name: Name, number: Number, body: SteerBody | None = None
) -> TrialView:
    """Run a trial that failed or was pruned again, under its number. A study that rests does so when it runs."""
    return _steered(server, user, name, number, Steer.RETRY, body)


def _steered(
    server: Server, user: Principal, name: str, number: int, action: Steer, body: SteerBody | None
) -> TrialView:
    record = server.results(name).record(number)
    refuse_others(user, server.owner_of(name), f"study {name}")
    body = body or SteerBody()
    steer_trial(server.reading.url, name, number, action, body.undo, user.name)
    return trial_view(server.results(name).record(record.number))


def _is_over(server: Server, name: str, number: int) -> bool:
    """Return whether a trial prints nothing more."""
    return server.results(name).record(number).finished or not server.reading.drivers(name)


def _order(sort: str, descending: bool) -> Callable[[Record], tuple[Any, ...]]:
    sign = -1 if descending else 1

    def key(record: Record) -> tuple[Any, ...]:
        if sort == "number":
            return (sign * record.number,)
        value = record.value if sort == "value" else record.seconds
        known = value is not None and math.isfinite(value)
        return not known, sign * value if known and value is not None else 0.0, record.number

    return key
