"""The drivers of a server: the process of each running job, its events, and the GPUs that it has."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tuner.runtime.files import unfinished_of
from tuner.search.notify import BY_SERVICE
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, JobRecord, Process
from tuner.service.running.driver_command import driver_command, model_folder
from tuner.service.running.driver_events import DriverEvents
from tuner.service.running.driver_process import Driver, Ended
from tuner.service.running.job_folder import JobFolder
from tuner.service.server_options import ServerOptions
from tuner.storage.requests import asks_for_retries

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable of CUDA that names the GPUs of a process."""

OF_CLIENTS = ("TUNER_SERVER", "TUNER_TOKEN")
"""Variables that make a command work on a server."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a driver that has ended left: its end, how far it came, its last lines, and whether retries wait."""

    end: Ended
    complete: bool
    progressed: bool
    last_lines: str
    retries: bool


@dataclass(slots=True)
class _Followed:
    """A driver that this server follows; None if it could not be started, for the reason `refused`."""

    study: str
    driver: Driver | None
    events: DriverEvents
    gpus: tuple[str, ...] = ()
    refused: str = ""


class Drivers:
    """The drivers of the running jobs.

    Args:
        options: of the server.
        database: of the service, whose folder has the folders of jobs.
    """

    def __init__(self, options: ServerOptions, database: Database) -> None:
        self._options = options
        self._database = database
        self._followed: dict[int, _Followed] = {}

    def studies(self) -> Sequence[str]:
        """Return the studies whose drivers run, or ended without being forgotten."""
        return [each.study for each in self._followed.values()]

    def prepare(self, job: JobRecord) -> None:
        """Make the folder of a job that is about to start.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
            TunerError: the same.
        """
        self._folder(job.id).begin()

    def start(self, job: JobRecord) -> None:
        """Start the driver of a prepared job. One that the system refuses has ended at once."""
        folder, gpus = self._folder(job.id), self._free_gpus(job)
        command = driver_command(job, self._database.home, self._options.ray_address)
        followed = self._followed[job.id] = _Followed(job.study, None, _events(job, folder), gpus)
        try:
            followed.driver = Driver.start(folder, command, self._environment(gpus))
        except OSError as error:
            followed.refused = f"cannot be started: {error.strerror}"

    def adopt(self, job: JobRecord) -> bool:
        """Follow a driver that an earlier server has started; return whether it runs."""
        if job.id in self._followed:
            return True
        folder = self._folder(job.id)
        found = Driver.find(folder, job.process)
        if found is None:
            return False
        visible = found.environment.get(VISIBLE, "")
        gpus = tuple(visible.split(",")) if visible and job.slots.gpus else ()
        self._followed[job.id] = _Followed(job.study, found, _events(job, folder), gpus)
        return True

    def let_go(self, jobs: Iterable[JobRecord]) -> None:
        """Stop and forget drivers that are not those of their jobs, since another server has ended or started these."""
        theirs = {job.id: job.process for job in jobs}
        for number in list(self._followed):
            if number not in theirs or theirs[number] not in (None, self.process(number)):
                self.ask_to_stop(number)
                self.forget(number)

    def process(self, number: int) -> Process | None:
        """Return the process of a job's driver."""
        followed = self._followed.get(number)
        return followed.driver.process if followed and followed.driver else None

    def ended(self, number: int) -> Ended | None:
        """Return how a job's driver ended, None while it runs. One that never began has ended."""
        followed = self._followed.get(number)
        return Ended(None) if followed is None or followed.driver is None else followed.driver.ended()

    def has_begun(self, job: JobRecord) -> bool:
        """Return whether the driver has opened its study. One that writes no events has begun at once."""
        if job.kind is not JobKind.RUN:
            return True
        events = self._followed[job.id].events
        events.read()
        return events.opened

    def seconds_left(self, number: int) -> float | None:
        """Return about how long a job will run, None if that is unknown."""
        followed = self._followed.get(number)
        if followed is None:
            return None
        followed.events.read()
        return followed.events.seconds_left

    def seen(self, job: JobRecord) -> Seen:
        """Return what the driver of a job left that has ended. It may have ended before this server began.

        Raises:
            StorageError: the database cannot be used.
        """
        folder = self._folder(job.id)
        followed = self._followed.get(job.id)
        events = _events(job, folder) if followed is None else followed.events
        events.read()
        is_trained_further = folder.is_newer(unfinished_of(model_folder(self._database.home, job.id)))
        return Seen(
            Ended(folder.exit_code()),
            job.kind is JobKind.RUN and events.complete,
            is_trained_further if job.kind is JobKind.TRAIN else events.progressed,
            followed.refused if followed and followed.refused else folder.last_lines(),
            job.kind is JobKind.RUN and asks_for_retries(self._database.url, job.study),
        )

    def end_unseen(self, job: JobRecord) -> float:
        """Return up to when a driver may have run that ended without a server, in seconds since 1970.

        It is the end that its exit code shows. Else it is the last sign of the driver or the server. The machine may
        have been off for days since.
        """
        folder = self._folder(job.id)
        signs = [folder.last_sign(), job.started_at or 0.0]
        if folder.exit_code() is None and (alive := self._database.alive).exists():
            signs.append(alive.stat().st_mtime)
        return min(time.time(), max(signs))

    def ask_to_stop(self, number: int) -> None:
        """Ask a job's driver to stop; one that does not is killed by a later call."""
        followed = self._followed.get(number)
        if followed is not None and followed.driver is not None:
            followed.driver.ask_to_stop()

    def stop_all(self) -> None:
        """Ask all drivers to stop, and forget those that have, where the database cannot be told of it."""
        for number in list(self._followed):
            self.ask_to_stop(number)
            if self.ended(number) is not None:
                self.forget(number)

    def forget_all(self) -> None:
        """Follow no driver any longer: another server does."""
        self._followed.clear()

    def forget_others(self, jobs: Iterable[int]) -> None:
        """Forget drivers that have ended, of other jobs than these: the answer of the write of their end was lost."""
        for number in self._followed.keys() - set(jobs):
            if self.ended(number) is not None:
                self.forget(number)

    def forget(self, number: int) -> None:
        """Follow a job's driver no longer."""
        self._followed.pop(number, None)

    def _folder(self, number: int) -> JobFolder:
        return JobFolder.of(self._database.home, number)

    def _environment(self, gpus: tuple[str, ...]) -> dict[str, str]:
        """Return the environment of a driver. It has the database's URL, as a command line would show its password.

        The server that the shell of this one works with is not among it: a driver works on the database.
        """
        kept = {name: value for name, value in os.environ.items() if name not in OF_CLIENTS}
        given = {**kept, "TUNER_STORAGE": self._database.url, BY_SERVICE: "1"}
        return given if self._options.ray_address is not None else {**given, VISIBLE: ",".join(gpus)}

    def _free_gpus(self, job: JobRecord) -> tuple[str, ...]:
        """Return GPUs for a job that no other job has."""
        taken = {gpu for each in self._followed.values() for gpu in each.gpus}
        return tuple(gpu for gpu in visible_gpus(self._options) if gpu not in taken)[: job.slots.gpus]


def visible_gpus(options: ServerOptions) -> tuple[str, ...]:
    """Return the names of the GPUs of a server, as CUDA takes them."""
    named = os.environ.get(VISIBLE)
    names = [str(number) for number in range(options.capacity.gpus)] if named is None else named.split(",")
    return tuple(name for name in names if name)


def _events(job: JobRecord, folder: JobFolder) -> DriverEvents:
    file = folder.confirmation if job.kind is JobKind.CONFIRM else folder.events
    return DriverEvents(file, folder.began_at(file))
