"""Server-sent events: read from a stream, and read on where a lost connection ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tuner.client.http_connection import AGAIN, Connection
from tuner.client.waiting import OVER
from tuner.errors import ServerError
from tuner.service.queue.lifecycle import JobState


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event of a study. A reader that begins with `id` gets those after it."""

    id: str
    kind: str
    data: Mapping[str, Any]

    @property
    def ends_a_job(self) -> bool:
        """Whether a job of the study has ended with it."""
        return self.kind == "job" and JobState(self.data["state"]) in OVER


def events_in(lines: Iterable[str]) -> Iterator[ServerEvent | None]:
    """Yield the events of a stream of text (WHATWG HTML, section 9.2), and None for a comment: nothing has happened.

    A last event without an end is left out.
    """
    id_, kind, data = "", "", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "" if not line:
                if data:
                    yield ServerEvent(id_, kind or "message", json.loads("\n".join(data)))
                kind, data = "", []
            case "":
                yield None
            case "id":
                id_ = value
            case "event":
                kind = value
            case "data":
                data.append(value)


def followed(
    connection: Connection, place: str, since: str | None, is_over: Callable[[], bool]
) -> Iterator[ServerEvent]:
    """Yield the events of a resource until the server ends them for good.

    Args:
        connection: to the server.
        place: the path of the events.
        since: the id of the last event that is known; None is none.
        is_over: called when a job has ended, and when nothing happens: whether no more events will come.

    Raises:
        ServerError: the server cannot be reached any more.
    """
    pauses, last = connection.pauses(), since
    while True:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        lost = ServerError(f"{connection.url}: ended the events of {place}")
        try:
            with connection.stream(place, headers) as answer:
                for event in events_in(answer.iter_lines()):
                    pauses.reset()
                    if event is not None:
                        last = event.id or last
                        yield event
                    if (event is None or event.ends_a_job) and is_over():
                        return
            if is_over():
                return
        except httpx.TransportError as error:
            lost = ServerError(f"{connection.url}: cannot be reached: {error}")
        except ServerError as error:
            if error.status not in AGAIN:
                raise
            lost = error
        pauses.wait_after(lost)
