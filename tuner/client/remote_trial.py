"""A trial that this program trains for a server: it reports epochs and hears when to stop."""

from __future__ import annotations

import logging
import math
import os
import secrets
import socket
import threading
import time
import traceback
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tuner.client.http_connection import Connection, path
from tuner.errors import ServerError, StopTrial, StudyError, UsageError, ends_the_run, in_words
from tuner.protocol import Epoch, Verdict
from tuner.service.schemas import EndView, TaskView, VerdictView

GONE = 410
"""The HTTP status of a study that has no more trials."""

RETRY_SECONDS = 2.0
"""Seconds until a worker asks again, where the server names no time."""

RENEWALS = 3
"""How often a lease is renewed in its time while nothing is reported."""

log = logging.getLogger(__name__)


class RemoteTrial:
    """A trial with its config, leased to this program. A thread renews the lease while an epoch takes long.

    As a context it ends the trial as complete. After `StopTrial` of `report` it goes on without an error. Another
    exception fails the trial, and is a warning in the log. An interrupt gives the trial back.

    Attributes:
        number: in the study.
        attempt: from 1.
        config: with every default.
        params: by their paths.
        seed: decides everything random in the trial.

    Args:
        connection: to the server.
        task: the trial, as the server gave it.
    """

    def __init__(self, connection: Connection, task: TaskView) -> None:
        self._connection = connection
        self._task = task
        self.number = task.number
        self.attempt = task.attempt
        self.config: Mapping[str, Any] = task.config
        self.params: Mapping[str, Any] = task.params
        self.seed = task.seed
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._verdict = Verdict.GO
        self._renewal = threading.Thread(target=self._renew, name=f"lease of trial {task.number}", daemon=True)
        self._renewal.start()

    def __repr__(self) -> str:
        return f"<trial {self.number} of study {self._task.study}: {self.params}>"

    @property
    def before(self) -> Sequence[Epoch]:
        """The epochs that earlier attempts reported; the next one to report is after the last of them."""
        return [
            Epoch(self.number, self.attempt, each.epoch, _finite_or_nan(each.metrics), each.seconds)
            for each in self._task.epochs
        ]

    @property
    def ended(self) -> bool:
        """Whether the trial has ended for this program."""
        return self._over.is_set()

    def report(
        self,
        epoch: int,
        metrics: Mapping[str, float] | None = None,
        *,
        seconds: float | None = None,
        **named: float,
    ) -> None:
        """Report an epoch.

        Args:
            epoch: its number, from 1.
            metrics: by their names, the objective among them.
            seconds: how long it took; None is the time since the last call.
            named: further metrics, such as `loss=0.1`.

        Raises:
            StopTrial: the trial must end here: it is pruned, diverged, or the study is suspended.
            UsageError: a metric is missing.
            ServerError: another worker has the trial by now.
        """
        told = {"epoch": epoch, "metrics": _sendable({**(metrics or {}), **named}), "seconds": seconds}
        answer = self._post("epochs", {"epochs": [told]})
        self._verdict = Verdict(VerdictView.model_validate(answer).verdict)
        if self._verdict is Verdict.STOP:
            self._over.set()
        if self._verdict is not Verdict.GO:
            raise StopTrial(f"trial {self.number}: {self._verdict.value}")

    def complete(self, values: Mapping[str, float] | None = None) -> EndView:
        """End the trial as trained to its end.

        Args:
            values: the final metrics; None is those of the epoch that the objective's scope names.
        """
        return self._end("complete", {"values": None if values is None else _sendable(values)})

    def fail(self, error: BaseException) -> EndView:
        """End the trial as failed, with the exception and its traceback."""
        told = "".join(traceback.format_exception(error))
        return self._end("fail", {"cause": in_words(error), "traceback": told})

    def release(self) -> EndView:
        """Give the trial back, so that a worker goes on with it from its last checkpoint."""
        return self._end("release", {})

    def save(self, state: bytes) -> None:
        """Save the state from which a later attempt goes on."""
        place = self._path("checkpoint")
        self._connection.request("PUT", place, params={"attempt": self.attempt}, content=state)

    def load(self) -> bytes | None:
        """Return the state that an earlier attempt saved; None without one."""
        if self._task.checkpoint is None:
            return None
        place = self._path("checkpoint")
        return self._connection.request("GET", place, params={"attempt": self.attempt}).content

    def __enter__(self) -> RemoteTrial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> bool:
        if self.ended:
            return isinstance(error, StopTrial)
        if error is None:
            self.complete()
            return False
        if isinstance(error, StopTrial):
            self.release()
            return True
        if ends_the_run(error) or not isinstance(error, Exception):
            self.release()
            return False
        if isinstance(error, ServerError):  # the trial is another worker's, or there is nobody to report to
            self._over.set()
            return False
        log.warning("trial %d failed", self.number, exc_info=error)
        self.fail(error)
        return True

    def _end(self, action: str, body: Mapping[str, Any]) -> EndView:
        answer = EndView.model_validate(self._post(action, body))
        self._over.set()
        return answer

    def _post(self, action: str, body: Mapping[str, Any]) -> Any:
        with self._lock:  # a renewal waits
            return self._connection.post(self._path(action), {"attempt": self.attempt, **body})

    def _path(self, action: str) -> str:
        return path("studies", self._task.study, "trials", self.number, action)

    def _renew(self) -> None:
        """Renew the lease until the trial is over. Where that fails, the next call has the error."""
        while not self._over.wait(self._task.lease_seconds / RENEWALS):
            try:
                self._post("epochs", {"epochs": []})
            except (ServerError, StudyError, UsageError) as error:
                log.warning("the lease of trial %d is not renewed: %s", self.number, error)
                return


@dataclass(frozen=True, slots=True)
class Asking:
    """How a worker asks for trials.

    Attributes:
        worker: its name, which no other worker has.
        lease_seconds: seconds of silence after which another worker may get its trial; None is the server's.
        device: where it computes, for readers; None is unknown.
    """

    worker: str
    lease_seconds: float | None = None
    device: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The body of a request."""
        told = {"lease_seconds": self.lease_seconds, "device": self.device, "host": socket.gethostname()}
        return {"worker": self.worker, **{name: value for name, value in told.items() if value is not None}}


def new_worker() -> str:
    """Return a name that no other worker has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


def asked(connection: Connection, study: str, asking: Asking) -> RemoteTrial | None:
    """Return the next trial of a study; None if it has no more.

    It waits while there is none, and while the study is suspended.
    """
    while True:
        try:
            answer = connection.request("POST", path("studies", study, "ask"), json=asking.body)
        except ServerError as error:
            if error.status == GONE:
                return None
            raise
        if answer.content:
            return RemoteTrial(connection, TaskView.model_validate(answer.json()))
        time.sleep(float(answer.headers.get("Retry-After") or RETRY_SECONDS))


def work_on(connection: Connection, study: str, asking: Asking) -> Generator[RemoteTrial]:
    """Yield trials of a study until it has no more. The reader that stops early gives its trial back.

    Raises:
        UsageError: a trial was left without an end.
    """
    while (trial := asked(connection, study, asking)) is not None:
        try:
            yield trial
        finally:
            left = not trial.ended
            if left:
                trial.release()
        if left:
            raise UsageError(f"trial {trial.number} has no end: use `with trial:`, or call its complete or fail")


def _sendable(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Return metrics as JSON has them: null for a number that is not finite."""
    return {name: float(value) if math.isfinite(value) else None for name, value in metrics.items()}


def _finite_or_nan(metrics: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in metrics.items()}
