"""Opening a remote study: its space, its driver, its leases and its event log."""

from __future__ import annotations

import collections
import contextlib
import functools
import logging
import math
import threading
from collections.abc import Iterator
from pathlib import Path

from tuner.goal import goal_of
from tuner.search import warm_start
from tuner.search.driver import Driver
from tuner.search.event_lines import EventLines
from tuner.search.events import Event, Opened
from tuner.search.open_search import Opening, OpenSearch, opened_search
from tuner.search.steering import handle
from tuner.service.database import Database
from tuner.service.queue.job_record import JobRecord
from tuner.service.remote.leased_study import LeasedStudy
from tuner.service.remote.remote_leases import Leases
from tuner.service.running.driver_command import SPACE_FILE
from tuner.service.running.job_folder import JobFolder
from tuner.space import Space
from tuner.space.edit import pairs_of, settings_of
from tuner.study.versions import Version

_log = logging.getLogger(__name__)


class EventFile:
    """The event log of a job: lines are collected, and written when the database has what they tell."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = EventLines()
        self._unwritten: list[str] = []
        self._lock = threading.Lock()

    def see(self, event: Event) -> None:
        """Keep the line of an event; any thread may call it."""
        line = self._lines.of(event)
        with self._lock:
            self._unwritten.append(line + "\n")

    def forget(self) -> None:
        """Drop the lines: the database has lost what they tell."""
        with self._lock:
            self._unwritten.clear()

    def write(self) -> None:
        """Write the lines. A file that cannot be written costs them and no trial."""
        with self._lock:
            lines, self._unwritten = self._unwritten, []
        if not lines:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(lines)
        except OSError as error:
            _log.warning("%s: cannot be written: %s", self._path, error.strerror)


@contextlib.contextmanager
def opened_study(job: JobRecord, database: Database) -> Iterator[tuple[LeasedStudy, EventFile]]:
    """Open the study of a job, and go on with its leases."""
    log = EventFile(JobFolder.of(database.home, job.id).events)
    space = space_of(job)
    opening = Opening(space, goal_of(space.objective, None), Version(), warm_start.known_configs(space, database.url))
    with opened_search(opening, database.url, log.see) as search:
        driver = Driver(search.study, search.turns, search.limits(math.inf), search.folder, log.see)
        leases = Leases(database, job.study)
        leases.read()
        study = LeasedStudy(search, driver, leases, job.owner)
        study.follow(job)
        recovered = study.adopt()
        answer = functools.partial(handle, driver)
        search.inbox.look(answer)
        driver.retry()
        log.see(_opened_event(search, recovered))
        driver.tell_of_lost()
        if study.halt:  # with a server that died before its workers had given them back
            study.set_back()
        with search.inbox.passed_on(answer):
            try:
                yield study, log
            finally:
                search.watch.close()
                try:
                    driver.trials.flush()
                finally:
                    driver.trials.close()
                if database.is_kept:  # else they are those of another server
                    leases.write(everything=True)
                log.write()


def _opened_event(search: OpenSearch, recovered: int) -> Opened:
    study = search.study
    records = study.records()
    states = collections.Counter(record.state for record in records if record.finished)
    front = study.front(records)
    wanted = study.space.search
    return Opened(study.name, study.goal, wanted.trials, states, recovered, wanted.timeout, front, search.notes)


def space_of(job: JobRecord) -> Space:
    """Return the space of a remote study's job, with its settings."""
    command = job.command
    named = {name: command.get(name) for name in ("n_trials", "timeout", "seed", "epochs")}
    changes = [*pairs_of(command.get("settings") or ()), *settings_of(study_name=job.study, **named)]
    return Space.load(Path(job.folder) / SPACE_FILE, changes)
