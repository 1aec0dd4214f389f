"""The studies for lists: those of the database and those that wait for their first driver, each with its job.

What a study says of itself is kept as long as no trial of it ends or begins.
"""

from __future__ import annotations

import functools
import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import StorageError, UnknownStudy
from tuner.results.results import Results
from tuner.service.log_lines import apart
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.driver_command import SPACE_FILE
from tuner.service.schemas import MetricView, Page, StudyView, WaitView
from tuner.service.views.cursors import part
from tuner.service.views.reading import Listed, Reading
from tuner.service.views.study_views import seen_now, study_view, unopened_view, with_job
from tuner.service.views.summary_store import SummaryStore
from tuner.space import Space
from tuner.study.study import CONFIRM

PAUSE_SECONDS = 0.02
"""Pause between two studies that are read ahead."""

_log = logging.getLogger(__name__)

SEARCHES = (JobKind.RUN, JobKind.REMOTE)

_ORDER = {JobState.QUEUED: 1, JobState.SUSPENDED: 2}
"""Running studies stand first in a list, then waiting, suspended and ended ones."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A study before its answer is made: what orders and filters the list."""

    name: str
    group: int
    at: float
    state: str
    owner: str | None
    job: JobRecord | None
    listed: Listed | None

    @property
    def key(self) -> tuple[Any, ...]:
        return self.group, -self.at, self.name


class StudyList:
    """Lists studies.

    Args:
        reading: of the database.
        jobs: of the service.
        store: keeps what is said of studies.
        wait_of: returns why a job waits, if it does.
    """

    def __init__(
        self, reading: Reading, jobs: Jobs, store: SummaryStore, wait_of: Callable[[int], WaitView | None]
    ) -> None:
        self._reading = reading
        self._jobs = jobs
        self._store = store
        self._wait_of = wait_of
        self._kept = dict(store.load())
        self._closed = threading.Event()
        self._warming = threading.Thread(target=self._warm, name="study list", daemon=True)

    def start(self) -> None:
        """Begin to read the studies that a list does not know yet, one after the other."""
        self._warming.start()

    def close(self) -> None:
        """Read no more studies ahead."""
        self._closed.set()
        self._warming.join()

    def page(
        self,
        *,
        states: Iterable[str] = (),
        owner: str | None = None,
        search: str = "",
        confirmations: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[StudyView]:
        """Return a part of the list: running studies first, then waiting and ended ones, each the latest first.

        Args:
            states: leave out studies in other states, if there are any.
            owner: leave out studies of others.
            search: leave out studies whose names lack this text.
            confirmations: whether the studies of confirmations' runs are listed.
            limit: how many to return at most.
            cursor: of an earlier part.

        Raises:
            UsageError: the cursor is not one of this list.
        """
        listed = {each.name: each for each in self._reading.listed()}
        wanted, text = set(states), search.casefold()
        rows = [
            row
            for row in self._rows(listed)
            if (not wanted or row.state in wanted)
            and owner in (None, row.owner)
            and text in row.name.casefold()
            and (confirmations or not _confirms(row.name, listed))
        ]
        rows.sort(key=lambda row: row.key)
        shown, following = part(rows, lambda row: row.key, limit, cursor)
        return Page(items=[self._view(row, listed) for row in shown], next=following, total=len(rows))

    def one(self, name: str) -> StudyView:
        """Return a study.

        Raises:
            UnknownStudy: there is no such study, and none is submitted.
        """
        job = self._jobs.search_of(name)
        if self._reading.has(name):
            results = self._reading.results(name)
            view = study_view(results, seen_now(results, self._reading.drivers(name)))
        elif job is not None:
            view = _unopened(job)
        else:
            raise UnknownStudy(f"there is no study {name}")
        return view if job is None else with_job(view, job, self._wait_of(job.id))

    def forget(self, name: str) -> None:
        """Forget a study that is deleted."""
        self._kept.pop(name, None)
        self._store.remove(name)

    def results(self, name: str) -> Results | None:
        """Return a study with its trials, None before its first driver opens it.

        Raises:
            UnknownStudy: there is no such study, and none is submitted.
        """
        if not self._reading.has(name) and self._jobs.search_of(name) is not None:
            return None
        return self._reading.results(name)

    def _rows(self, listed: Mapping[str, Listed]) -> Iterable[_Row]:
        jobs = {job.study: job for job in self._jobs.all(kinds=SEARCHES)}
        for name in dict.fromkeys([*listed, *jobs]):
            job, there = jobs.get(name), listed.get(name)
            running = there is not None and bool(there.running) and bool(self._reading.drivers(name))
            if running or (job is not None and job.state.occupies):
                group, state = 0, "running" if job is None or not job.state.occupies else job.state.value
            else:
                group = 3 if job is None else _ORDER.get(job.state, 3)
                state = self._resting(there) if job is None and there is not None else job.state.value  # type: ignore[union-attr]
            at = job.submitted_at if job is not None else there.begun if there is not None else 0.0
            yield _Row(name, group, at, state, None if job is None else job.owner, job, there)

    def _resting(self, there: Listed) -> str:
        """Return the state of a study without a job and without a driver, as far as it is known yet."""
        known = self._kept.get(there.name)
        if known is not None:
            return known[1].state
        unfinished = any(state in ("RUNNING", "WAITING") for state, *_ in there.signature)
        return "suspended" if unfinished or not there.signature else "done"

    def _warm(self) -> None:
        """Make the views that are missing, with pauses for requests. What cannot be made is left to requests."""
        try:
            listed = {each.name: each for each in self._reading.listed()}
            for name in self._kept.keys() - listed.keys():
                self.forget(name)
            for there in listed.values():
                if self._closed.is_set():
                    return
                if there.name not in self._kept:
                    with apart(_log, f"study {there.name}: cannot be read for the list"):
                        self._kept_view(there, listed)
                    self._closed.wait(PAUSE_SECONDS)
        except StorageError as error:
            _log.warning("studies are not read ahead: %s", error)

    def _view(self, row: _Row, listed: Mapping[str, Listed]) -> StudyView:
        if row.listed is None:
            assert row.job is not None
            view = _unopened(row.job)
        else:
            view = self._kept_view(row.listed, listed)
        return view if row.job is None else with_job(view, row.job, self._wait_of(row.job.id))

    def _kept_view(self, there: Listed, listed: Mapping[str, Listed]) -> StudyView:
        runs = listed.get(f"{there.name}.{CONFIRM}")
        key = repr((there.id, there.signature, None if runs is None else runs.signature))
        found = self._kept.get(there.name)
        if found is not None and found[0] == key and not there.running:
            return found[1]
        results = self._reading.results(there.name)
        drivers = self._reading.drivers(there.name)
        view = study_view(results, seen_now(results, drivers))
        if not drivers:  # a driver that is about to end makes a study "running", which no later change would correct
            self._kept[there.name] = key, view
            self._store.save(key, view)
        return view


def _confirms(name: str, listed: Mapping[str, Listed]) -> bool:
    return name.endswith(f".{CONFIRM}") and name.removesuffix(f".{CONFIRM}") in listed


def _unopened(job: JobRecord) -> StudyView:
    metrics, total = _asked(job.folder, json.dumps(job.command.get("settings", {}))) if job.folder else ((), 0)
    asked = job.command.get("n_trials")
    return unopened_view(job.study, metrics, total if asked is None else asked)


@functools.lru_cache(1000)
def _asked(folder: str, settings: str) -> tuple[Sequence[MetricView], int]:
    """Return the objectives that a submitted space names with their directions, and its number of trials."""
    space = Space.load(Path(folder, SPACE_FILE), json.loads(settings))
    objective = space.objective
    pairs = zip(objective.metrics, objective.directions, strict=False)
    metrics = [MetricView(name=name, title=name, direction=direction.value) for name, direction in pairs]
    return metrics, space.search.trials
