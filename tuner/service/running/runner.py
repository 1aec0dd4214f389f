"""The runner: one thread that starts the drivers of jobs, follows them, suspends them and notes how they ended.

A start is in the database before its process is there. So a server may die at any moment. The next one looks for the
drivers of jobs that were starting or running. It follows those that it finds, and starts the others again.
"""

from __future__ import annotations

import dataclasses
import errno
import logging
import threading
import time
from collections.abc import Callable, Mapping

from tuner.errors import StorageError, TunerError, listing
from tuner.service.database import Database
from tuner.service.log_lines import apart
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.queue_waits import Waits
from tuner.service.queue.scheduler import Plan, Start, schedule
from tuner.service.queue.wait_estimates import WaitEstimates
from tuner.service.running.driver_process import STOP_SECONDS
from tuner.service.running.drivers import Drivers
from tuner.service.running.job_end import Known, sequel
from tuner.service.server_options import ServerOptions
from tuner.service.tenure import ServedByAnother

TICK_SECONDS = 0.5
"""Seconds between two looks at the drivers, if no job changes."""

PLAN_SECONDS = 2.0
"""Seconds between two plans, if no job changes; waiting changes levels, and another process may add jobs."""

_OCCUPYING = tuple(state for state in JobState if state.occupies)
_log = logging.getLogger(__name__)


class Runner:
    """Runs the jobs of a server.

    Args:
        options: of the server.
        database: of the service, which this server alone serves.
        jobs: in that database.
        refusal: returns why a job may not start; empty if it may.
    """

    def __init__(
        self,
        options: ServerOptions,
        database: Database,
        jobs: Jobs,
        refusal: Callable[[JobRecord], str] = lambda job: "",
    ) -> None:
        self._refusal = refusal
        self._options = options
        self._database = database
        self._jobs = jobs
        self._drivers = Drivers(options, database)
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)
        self._woken = threading.Event()
        self._stopping_since: float | None = None
        self._away_at = self._planned_at = -float("inf")
        self._must_adopt = False
        self._estimates = WaitEstimates(jobs, options.capacity, self._drivers.seconds_left)
        self.waits: Mapping[int, Waits] = {}
        """The wait of each queued job, by its id."""

    def start(self) -> None:
        """Adopt the drivers that run, and begin to run jobs.

        Raises:
            StorageError: the database cannot be used.
        """
        self._adopt_all()
        self._thread.start()

    def wake(self) -> None:
        """Look at once: a job has changed."""
        self._woken.set()

    def stop(self) -> None:
        """Suspend the drivers of running jobs, which then wait for the next server; with `leave_running` they go on."""
        studies = sorted(self._drivers.studies())
        if studies and self._options.leave_running:
            _log.info("%s: left running; the next start follows it", listing(studies))
        elif studies:
            _log.info("%s: suspending; the next start goes on with it", listing(studies))
        self._stopping_since = time.monotonic()
        self.wake()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over():
            if self._woken.wait(TICK_SECONDS):
                self._planned_at = -float("inf")
            self._woken.clear()
            try:
                self.tick()
            except (TunerError, OSError) as error:  # the database is away, or the disk is full: later ticks do it
                if time.monotonic() - self._away_at > STOP_SECONDS:
                    _log.warning("the queue waits: %s", error)
                self._away_at = time.monotonic()
                if self._stopping_since is not None:
                    self._leave(error)
                time.sleep(TICK_SECONDS)
            except Exception:  # a fault of this program must not leave the others' jobs without a runner
                _log.exception("the queue has met a fault of its own")
                time.sleep(TICK_SECONDS)

    def _leave(self, error: Exception) -> None:
        """Stop the drivers without the database; those of a server that was followed by another are that one's."""
        if isinstance(error, ServedByAnother):
            self._drivers.forget_all()
        else:
            self._drivers.stop_all()

    def _is_over(self) -> bool:
        if self._stopping_since is None:
            return False
        late = time.monotonic() - self._stopping_since > STOP_SECONDS + 5
        return late or self._options.leave_running or not self._drivers.studies()

    def tick(self) -> None:
        """Follow each driver, then start and suspend jobs as the scheduler says.

        Raises:
            ServedByAnother: another server serves the database now, so this one must not.
            StorageError: the database cannot be used.
        """
        if self._database.keep_serving():
            _log.warning("the connection that kept other servers off was lost; this server has it again")
            self._must_adopt = True
        if self._must_adopt:
            self._adopt_all()
        occupying = self._jobs.all(states=_OCCUPYING)
        self._drivers.forget_others(job.id for job in occupying)
        for job in occupying:
            with apart(_log, f"{job.title}: cannot be followed"):
                self._follow(job)
        self._database.note_life()
        if self._stopping_since is None and time.monotonic() - self._planned_at > PLAN_SECONDS:
            self._apply_plan()
            self._planned_at = time.monotonic()

    def _apply_plan(self) -> None:
        jobs = {job.id: job for job in self._jobs.all(states=(JobState.QUEUED, *_OCCUPYING))}
        if all(job.state is not JobState.QUEUED for job in jobs.values()):
            self.waits = {}
            return
        now = time.time()
        capacity = self._options.capacity
        usage = self._jobs.usage(capacity, now)
        plan = schedule([job.for_scheduler() for job in jobs.values()], capacity, usage, now)
        self._suspend_for_others(plan)
        for start in plan.starts:
            with apart(_log, f"{jobs[start.job].title}: cannot start"):
                self._start_or_fail(jobs[start.job], start)
        self.waits = self._estimates.waits(plan, list(jobs.values()), usage, now)

    def _suspend_for_others(self, plan: Plan) -> None:
        for number in plan.suspends:
            self._jobs.move(
                number,
                JobState.SUSPENDING,
                since=(JobState.STARTING, JobState.RUNNING),
                reason="makes room for a job that goes first",
                wanted=JobState.QUEUED.value,
            )

    def _start_or_fail(self, job: JobRecord, start: Start) -> None:
        """Start a job. One that cannot start has failed, so that its owner hears why.

        Raises:
            StorageError: the database is away.
            TunerError: the disk is full, which passes: the job waits.
            OSError: the same.
        """
        try:
            self._start(job, start)
        except StorageError:
            raise
        except (TunerError, OSError) as error:
            if _is_disk_full(error):
                raise
            self._fail(job, str(error))

    def _fail(self, job: JobRecord, reason: str) -> None:
        """Note that a job cannot start. None of its processes runs."""
        since, now = (JobState.QUEUED, JobState.STARTING), time.time()
        self._jobs.move(job.id, JobState.FAILED, since=since, reason=reason, ended_at=now, wanted=None)
        _log.warning("%s: cannot start: %s", job.title, reason)

    def _start(self, job: JobRecord, start: Start) -> None:
        if reason := self._refusal(job):
            self._fail(job, reason)
            return
        self._drivers.prepare(job)
        starting = self._jobs.move(
            job.id,
            JobState.STARTING,
            since=(JobState.QUEUED,),
            started_at=time.time(),
            ended_at=None,
            exit_code=None,
            passed=sorted(start.passed),
            starts=job.starts + 1,
            wanted=None,
            process=None,
        )
        if starting is None:  # a user was quicker
            return
        if job.kind is JobKind.REMOTE:
            self._jobs.move(job.id, JobState.RUNNING, since=(JobState.STARTING,))
            return
        self._drivers.start(starting)
        self._note_process(job.id)
        _log.info("%s: starts", job.title)

    def _note_process(self, number: int) -> None:
        process = self._drivers.process(number)
        self._jobs.update(number, process=None if process is None else dataclasses.asdict(process))

    def _adopt_all(self) -> None:
        """Follow the drivers of all jobs that run."""
        jobs = [job for job in self._jobs.all(states=_OCCUPYING) if job.kind is not JobKind.REMOTE]
        self._drivers.let_go(jobs)
        for job in jobs:
            self._adopt(job)
        self._must_adopt = False  # an outage before leaves it due

    def _adopt(self, job: JobRecord) -> None:
        if self._drivers.adopt(job):
            self._note_process(job.id)
            _log.info("%s: still runs, and is followed", job.title)
            return
        self._end(job, unseen=True)

    def _follow(self, job: JobRecord) -> None:
        if job.kind is JobKind.REMOTE:
            if job.wanted is not None:
                ended = time.time() if job.wanted is JobState.CANCELLED else None
                self._jobs.move(job.id, job.wanted, seen=job, reason=job.reason, wanted=None, ended_at=ended)
            elif job.state is JobState.STARTING:  # an earlier server died between the two
                self._jobs.move(job.id, JobState.RUNNING, since=(JobState.STARTING,))
        elif self._drivers.ended(job.id) is not None:
            self._end(job, unseen=False)
        elif job.state is JobState.SUSPENDING:
            self._drivers.ask_to_stop(job.id)
        elif self._stopping_since is not None and not self._options.leave_running:
            self._jobs.move(
                job.id,
                JobState.SUSPENDING,
                since=(job.state,),
                reason="the server stops; the next one goes on with it",
                wanted=JobState.QUEUED.value,
            )
            self._drivers.ask_to_stop(job.id)
        elif job.process is None:  # the database was away when it was to be written
            self._note_process(job.id)
        elif job.state is JobState.STARTING and self._drivers.has_begun(job):
            self._jobs.move(job.id, JobState.RUNNING, since=(JobState.STARTING,))

    def _end(self, job: JobRecord, *, unseen: bool) -> None:
        seen = self._drivers.seen(job)
        now = self._drivers.end_unseen(job) if unseen else time.time()
        with_server = unseen or self._stopping_since is not None
        known = Known(seen.end, seen.complete, seen.progressed, seen.last_lines, with_server, seen.retries)
        job = self._jobs.get(job.id)  # a user may have asked for another end in the meantime
        follows = sequel(job, known)
        is_over = follows.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
        goes_back = follows.state is JobState.QUEUED and job.wanted is JobState.QUEUED
        queued_at = time.time() if goes_back and self._stopping_since is None else job.queued_at
        moved = self._jobs.move(
            job.id,
            follows.state,
            seen=job,
            reason=follows.reason,
            starts=follows.starts,
            exit_code=seen.end.code,
            used_until=now,
            ended_at=now if is_over else None,
            wanted=None,
            process=None,
            queued_at=queued_at,
        )
        if moved is not None:  # else a user was quicker, and the next look meets what is wanted now
            self._drivers.forget(job.id)
            _log.info("%s: %s%s", job.title, follows.state.value, f": {follows.reason}" * bool(follows.reason))


def _is_disk_full(error: Exception) -> bool:
    cause = error.__cause__ if isinstance(error, TunerError) else error
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
