"""A connection to a server of tuner: requests that are repeated until they arrive, and its errors as ours."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, quote, urlsplit

try:
    import httpx
except ImportError as missing:
    from tuner.errors import UsageError

    raise UsageError(f"the client needs {missing.name}: pip install 'tuner[serve]'") from None

from tuner.client.pauses import Pauses
from tuner.errors import (
    AuthError,
    Fault,
    Place,
    ServerError,
    SpaceError,
    StudyError,
    TunerError,
    UnknownStudy,
    UsageError,
)
from tuner.service.schemas import STUDY_ERROR

API = "/api/v1"

PATIENCE_SECONDS = 60.0
"""Seconds for which a request is repeated, while the server is away or busy."""

FIRST_PATIENCE_SECONDS = 1.0
"""The same for a server that has not answered this client yet: its address may be wrong."""

CHUNK = 2**18
"""Bytes of a file that are sent at once."""

TIMEOUT = httpx.Timeout(60.0, connect=4.0, read=180.0)
"""Seconds for a part of a request. The server may check a space or draw a report before it answers."""

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses of answers that may be others in a moment."""

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def place_of(link: str) -> tuple[str, str | None]:
    """Return the address of a server and its token, from an address or from the link that `tuner serve` prints.

    Raises:
        UsageError: it is no address of HTTP.
    """
    parts = urlsplit(link if "://" in link else f"http://{link}")
    bare = "://" not in link and "." not in parts.netloc and ":" not in parts.netloc and parts.netloc != "localhost"
    if parts.scheme not in ("http", "https") or not parts.hostname or bare:
        raise UsageError(f"{link}: must be the address of a server, such as http://127.0.0.1:8000")
    path = parts.path.rstrip("/").removesuffix(API)
    return f"{parts.scheme}://{parts.netloc}{path}", next(iter(parse_qs(parts.query).get("token", ())), None)


def path(*parts: object) -> str:
    """Return the path of a resource below the API; each part may have any characters."""
    return "/" + "/".join(quote(str(part), safe="") for part in parts)


class Connection:
    """A connection to a server. Threads may share it.

    Args:
        url: the address of the server.
        token: of the user; None sends none.
        transport: in place of the network, for tests.
        patience: seconds for which a request is repeated while the server is away or busy.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        transport: httpx.BaseTransport | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.url = url
        self._patience = patience
        self._answered = False
        headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self._http = httpx.Client(base_url=f"{url}{API}", headers=headers, transport=transport, timeout=TIMEOUT)
        self._http.event_hooks = {"response": [self._note_answer]}

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def request(self, method: str, place: str, *, name: str = "space", **content: Any) -> httpx.Response:
        """Send a request until it is answered, and return the answer.

        A write has a key by which the server knows it again: repeated, it is done once.

        Args:
            method: of HTTP.
            place: the path below the API.
            name: the file of the space, for messages about its faults.
            content: `params`, `json`, `content`, `files` and `headers`, as httpx takes them.

        Raises:
            SpaceError: the space that is sent has faults.
            UnknownStudy: there is no such study, trial or model.
            StudyError: the state of the study does not allow it.
            UsageError: an argument is wrong.
            AuthError: the token does not allow it.
            ServerError: the server cannot be reached, or refuses.
        """
        headers = dict(content.pop("headers", {}))
        if method in WRITES:
            headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
        for pauses in self._attempts():
            try:
                answer = self._http.request(method, place, headers=headers, **content)
            except httpx.TransportError as error:
                pauses.wait_after(self._unreachable(error))
                continue
            if answer.is_success:
                return answer
            earlier_try_goes_on = answer.status_code == 409 and "Retry-After" in answer.headers
            if answer.status_code not in AGAIN and not earlier_try_goes_on:
                raise error_of(answer, name)
            pauses.wait_after(error_of(answer, name), _seconds(answer.headers.get("Retry-After")))
        raise AssertionError("the last attempt raises")

    def get(self, place: str, **params: Any) -> Any:
        """Return the JSON of a resource; a parameter that is None is not sent."""
        return self.request("GET", place, params=_given(params)).json()

    def post(self, place: str, body: Mapping[str, Any] | None = None, **content: Any) -> Any:
        """Send a body as JSON, and return that of the answer; None without one."""
        answer = self.request("POST", place, json=dict(body or {}), **content)
        return answer.json() if answer.content else None

    def items(self, place: str, **params: Any) -> Iterator[Any]:
        """Yield every item of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(place, **params, cursor=cursor)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def put_file(self, place: str, file: Path, seen: Callable[[int], None]) -> None:
        """Send the content of a file, which is read anew for each attempt; `seen` takes the bytes that are sent."""
        for pauses in self._attempts():
            try:
                with file.open("rb") as opened:
                    headers = {"Content-Length": str(file.stat().st_size), "Content-Type": "application/octet-stream"}
                    answer = self._http.put(place, content=_chunks(opened, seen), headers=headers)
            except httpx.TransportError as error:
                pauses.wait_after(self._unreachable(error))
                continue
            if answer.is_success:
                return
            if answer.status_code not in AGAIN:
                raise error_of(answer)
            pauses.wait_after(error_of(answer), _seconds(answer.headers.get("Retry-After")))

    def download(self, place: str, file: Path) -> None:
        """Write the content of a resource to a file, which is there when it is whole."""
        part = file.with_name(f".{file.name}.part")
        for pauses in self._attempts():
            try:
                with self._http.stream("GET", place) as answer:
                    if answer.is_success:
                        with part.open("wb") as opened:
                            for chunk in answer.iter_bytes():
                                opened.write(chunk)
                        part.replace(file)
                        return
                    answer.read()
            except httpx.TransportError as error:
                part.unlink(missing_ok=True)
                pauses.wait_after(self._unreachable(error))
                continue
            if answer.status_code not in AGAIN:
                raise error_of(answer)
            pauses.wait_after(error_of(answer), _seconds(answer.headers.get("Retry-After")))

    @contextlib.contextmanager
    def stream(self, place: str, headers: Mapping[str, str], **params: Any) -> Iterator[httpx.Response]:
        """Yield an answer that is read as it comes.

        Raises:
            httpx.TransportError: the connection is lost. Only the reader knows where to go on.
            ServerError: the server refuses.
        """
        with self._http.stream("GET", place, headers=headers, params=_given(params)) as answer:
            if not answer.is_success:
                answer.read()
                raise error_of(answer)
            yield answer

    def pauses(self) -> Pauses:
        """Return the pauses between attempts of a request that begins now."""
        return Pauses(lambda: self._patience if self._answered else min(self._patience, FIRST_PATIENCE_SECONDS))

    def _note_answer(self, answer: httpx.Response) -> None:
        self._answered = True

    def _attempts(self) -> Iterator[Pauses]:
        pauses = self.pauses()
        while not self._http.is_closed:
            yield pauses
        raise ServerError(f"{self.url}: this client is closed; make another one")

    def _unreachable(self, error: httpx.TransportError) -> ServerError:
        reason = str(error) or type(error).__name__
        return ServerError(f"{self.url}: cannot be reached: {reason}; is the server running?")


def error_of(answer: httpx.Response, name: str = "space") -> TunerError:
    """Return the error of an answer: its problem details, as the local functions raise it."""
    problem = _problem(answer)
    status, detail = answer.status_code, problem.get("detail") or f"{answer.url}: {answer.reason_phrase}"
    if faults := problem.get("faults"):
        return SpaceError(name, [_fault(each) for each in faults])
    match status:
        case 401 | 403:
            return AuthError(detail, status)
        case 404:
            return UnknownStudy(detail)
        case 409 if problem.get("type") == STUDY_ERROR:
            return StudyError(detail)
        case 400 | 422:
            return UsageError(detail)
        case _:
            return ServerError(detail, status)


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """Return the problem details of an answer; empty if it is of another program, such as a proxy."""
    if "json" not in answer.headers.get("Content-Type", ""):
        return {}
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _fault(facts: Mapping[str, Any]) -> Fault:
    line, column = facts.get("line"), facts.get("column")
    return Fault(None if line is None else Place(line, column or 1), facts["path"], facts["message"])


def _chunks(opened: BinaryIO, seen: Callable[[int], None]) -> Iterator[bytes]:
    sent = 0
    while chunk := opened.read(CHUNK):
        yield chunk
        sent += len(chunk)
        seen(sent)


def _seconds(retry_after: str | None) -> float | None:
    """Return the seconds of a Retry-After; None without one, and for the form that is a date."""
    return float(retry_after) if retry_after is not None and retry_after.strip().isdecimal() else None


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}
