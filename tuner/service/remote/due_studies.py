"""Due studies: those that a server must open although nobody asks. Their leases expire, or their time is used up."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.errors import TunerError
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.remote.job_terms import end_of
from tuner.service.remote.remote_leases import studies_with_leases
from tuner.service.remote.remote_opening import space_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Timeout:
    """`search.timeout` of a job with a command."""

    command: Mapping[str, Any]
    seconds: float | None


class DueStudies:
    """Finds the due studies of a server.

    Args:
        database: of the service.
        jobs: of the service.
    """

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs
        self._timeouts: dict[int, _Timeout] = {}

    def names(self) -> list[str]:
        """Return their names.

        Raises:
            StorageError: the database cannot be used.
        """
        running = self._jobs.all(kinds=(JobKind.REMOTE,), states=(JobState.STARTING, JobState.RUNNING))
        self._timeouts = {job.id: self._timeout(job) for job in running}
        late = {job.study for job in running if time.time() >= end_of(job, self._timeouts[job.id].seconds)}
        return sorted(late.union(studies_with_leases(self._database)))

    def _timeout(self, job: JobRecord) -> _Timeout:
        known = self._timeouts.get(job.id)
        if known is not None and known.command == job.command:
            return known
        try:
            return _Timeout(job.command, space_of(job).search.timeout)
        except TunerError as error:
            _log.warning("study %s: its search.timeout is not known: %s", job.study, error)
        except Exception:  # one study keeps nobody from looking at the others
            _log.exception("study %s: its search.timeout is not known: a fault of this program", job.study)
        return _Timeout(job.command, None)
