"""The life of a job: its states, and which state may follow which."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class JobState(enum.Enum):
    """Where a job of the queue stands. A job that occupies slots has a driver process, or is about to have one."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def occupies(self) -> bool:
        """Whether the job holds its slots."""
        return self in _OCCUPYING

    @property
    def over(self) -> bool:
        """Whether the job has ended; only a request of its user queues it again."""
        return self in _OVER


_OCCUPYING = frozenset({JobState.STARTING, JobState.RUNNING, JobState.SUSPENDING})
_OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})

NEXT: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: _OVER - {JobState.DONE} | {JobState.STARTING, JobState.SUSPENDED},
    JobState.STARTING: _OVER | {JobState.RUNNING, JobState.QUEUED, JobState.SUSPENDING},
    JobState.RUNNING: _OVER | {JobState.SUSPENDING, JobState.QUEUED},
    JobState.SUSPENDING: _OVER | {JobState.SUSPENDED, JobState.QUEUED},
    JobState.SUSPENDED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    **dict.fromkeys(_OVER, frozenset({JobState.QUEUED})),
}
"""The states that may follow a state. A job whose driver died, and one that is to go on, returns to QUEUED."""
