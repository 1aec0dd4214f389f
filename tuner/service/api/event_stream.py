"""`/events` and `/studies/{name}/events`: what happens, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from tuner.errors import UnknownStudy
from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.api.studies import Name
from tuner.service.problems import responses
from tuner.service.server import Server
from tuner.service.views.event_feed import Listener, Place, Told

router = APIRouter(tags=["events"])

LOOK_SECONDS = 0.25
"""Seconds between two looks for new events."""

ALIVE_SECONDS = 15.0
"""Seconds without an event after which the listener hears that the connection lives."""

PAGE = 500
"""Events that are read and sent at once: a long study is never whole in the memory."""

SLOW_SECONDS = 30.0
"""A listener that takes longer than this for one piece is dropped. It can go on from its last event."""

MOST_SECONDS = 900.0
"""Seconds after which a stream ends. A browser connects again, and its token is looked at again."""

EVENTS: dict[int | str, Any] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=20_000)]


class EventResponse(StreamingResponse):
    """A stream of events, which drops a listener that does not read."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the listener leaves, or reads too slowly."""

        async def in_time(message: Message) -> None:
            async with asyncio.timeout(SLOW_SECONDS):
                await send(message)

        with contextlib.suppress(TimeoutError):
            await super().__call__(scope, receive, in_time)


@router.get(
    "/events",
    operation_id="follow_events",
    response_class=EventResponse,
    responses={**EVENTS, **responses(401, 422, 503)},
)
def follow_events(server: CurrentServer, user: Reader, last_event_id: LastEventId = None) -> EventResponse:
    """Follow what happens in all studies from now on, or after an event."""
    return _response(server, None, last_event_id)


@router.get(
    "/studies/{name}/events",
    operation_id="follow_study",
    response_class=EventResponse,
    responses={**EVENTS, **responses(401, 404, 422, 503)},
)
def follow_study(server: CurrentServer, user: Reader, name: Name, last_event_id: LastEventId = None) -> EventResponse:
    """Follow a study: its events from the first one on, or after an event."""
    if server.jobs.search_of(name) is None and not server.reading.has(name):
        raise UnknownStudy(f"there is no study {name}")
    return _response(server, name, last_event_id)


def _response(server: Server, study: str | None, last: str | None) -> EventResponse:
    place = Place.of(last) if last else None
    listener = Listener(server.jobs, server.database.home, study, place)
    return EventResponse(_stream(listener), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def _page(new: Iterator[Told]) -> str:
    return "".join(each.text for each in itertools.islice(new, PAGE))


async def _stream(listener: Listener) -> AsyncIterator[str]:
    """Yield events as they come, and a comment in a silence."""
    began = heard = time.monotonic()
    yield "retry: 1000\n\n"
    while time.monotonic() - began < MOST_SECONDS:
        new = listener.new()
        while told := await to_thread.run_sync(_page, new):
            heard = time.monotonic()
            yield told
        if time.monotonic() - heard > ALIVE_SECONDS:
            heard = time.monotonic()
            yield ": alive\n\n"
        await asyncio.sleep(LOOK_SECONDS)
