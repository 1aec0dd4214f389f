"""A job: what a user submitted, and where it stands."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.errors import UsageError
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.scheduler import Job
from tuner.service.queue.slots import Slots

CONFIRMATION = ".confirm"
"""The end of the name of each confirmation, which belongs to the search before it."""

LONGEST_NAME = 200
"""Characters of a study's name in the service."""


class JobKind(enum.Enum):
    """What a job does; each is the command of that name."""

    RUN = "run"
    CONFIRM = "confirm"
    TRAIN = "train"
    REMOTE = "remote"
    """A search whose trials remote workers train. It needs no slots and has no process."""


@dataclass(frozen=True, slots=True)
class Process:
    """A driver's process. The time of its start tells it from a later process of the same number."""

    host: str
    pid: int
    created: float


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it is stored. Times are seconds since 1970.

    `command` has the options of its command, by the names of the Python arguments. `folder` has the submitted files and
    the space, or is empty. `starts` counts starts since the last progress. `wanted` is the state that follows when its
    process has ended, None if that is decided by how it ends.
    """

    id: int
    kind: JobKind
    study: str
    owner: str
    state: JobState
    priority: int
    slots: Slots
    command: Mapping[str, Any]
    folder: str
    submitted_at: float
    queued_at: float
    started_at: float | None = None
    ended_at: float | None = None
    passed: frozenset[int] = frozenset()
    starts: int = 0
    wanted: JobState | None = None
    process: Process | None = None
    exit_code: int | None = None
    reason: str = ""

    @property
    def title(self) -> str:
        """What it is, for a log: `study digits`, `confirmation of digits` or `model of digits`."""
        return {JobKind.CONFIRM: "confirmation of", JobKind.TRAIN: "model of"}.get(
            self.kind, "study"
        ) + f" {self.study}"

    def for_scheduler(self, seconds_left: float | None = None) -> Job:
        """Return the job as the scheduler sees it."""
        started = self.started_at if self.state.occupies else None
        return Job(
            self.id,
            self.owner,
            self.slots,
            self.queued_at,
            self.state,
            self.priority,
            started,
            self.passed,
            seconds_left,
        )


@dataclass(frozen=True, slots=True)
class Submission:
    """A new job, as a user asks for it."""

    kind: JobKind
    study: str
    owner: str
    slots: Slots
    command: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 0
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a job's state."""

    at: float
    state: JobState
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class NumberedChange:
    """A change with its number, which grows with each change of any job, and the job that it is of."""

    id: int
    job: int
    study: str
    kind: JobKind
    change: Change


def name_fit_for_service(study: str) -> str:
    """Return the name of a study, which becomes part of addresses and folders.

    Raises:
        UsageError: it is empty or too long, or has a slash or a character that cannot be seen.
    """
    if not 0 < len(study) <= LONGEST_NAME or "/" in study or not study.isprintable() or study in (".", ".."):
        raise UsageError(f"study.name: must have 1 to {LONGEST_NAME} printable characters without a slash: {study!r}")
    if study.endswith(CONFIRMATION):
        raise UsageError(f"study.name: must not end in {CONFIRMATION}, as confirmations do: {study!r}")
    return study
