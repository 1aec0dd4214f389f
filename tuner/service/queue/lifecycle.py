"""The life of a job: its states, and which of them hold slots."""

from __future__ import annotations

import enum


class JobState(enum.StrEnum):
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


_OCCUPYING = frozenset({JobState.STARTING, JobState.RUNNING, JobState.SUSPENDING})

OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
"""States in which a job stays until somebody asks for more."""
