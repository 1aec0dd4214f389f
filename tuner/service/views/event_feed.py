"""The events of studies for listeners: what drivers write, and what changes in the queue.

A listener reads by itself, from where it lost contact. The id of an event is a place in the files. So a slow listener
is in nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import UsageError
from tuner.runtime.rounding import json_text
from tuner.service.queue.job_record import JobRecord, NumberedChange
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.event_file import events_from
from tuner.service.running.job_folder import JobFolder
from tuner.service.views.json_values import moment_of


@dataclass(frozen=True, slots=True)
class Place:
    """How far a listener has read: the last change of a job, and the bytes of each job's events."""

    change: int
    read: Mapping[int, int]

    def __str__(self) -> str:
        return ".".join([str(self.change), *(f"{job}-{size}" for job, size in sorted(self.read.items()))])

    @classmethod
    def of(cls, text: str) -> Place:
        """Read a place from the id of an event.

        Raises:
            UsageError: it is none.
        """
        try:
            change, *read = text.split(".")
            return cls(int(change), {int(job): int(size) for job, size in (each.split("-") for each in read)})
        except ValueError:
            raise UsageError(f"Last-Event-ID: is no id of an event: {text[:100]}; begin without it") from None


@dataclass(frozen=True, slots=True)
class Told:
    """An event for a listener, with the place behind it."""

    id: str
    kind: str
    data: str

    @property
    def text(self) -> str:
        """The event as `text/event-stream` has it."""
        return f"id: {self.id}\nevent: {self.kind}\ndata: {self.data}\n\n"


class Listener:
    """Reads new events of some jobs.

    Args:
        jobs: of the service.
        home: the folder of the service.
        study: the only study; None is every one.
        place: how far it has read; None is from the beginning, or for every study from now on.
    """

    def __init__(self, jobs: Jobs, home: Path, study: str | None, place: Place | None) -> None:
        self._jobs = jobs
        self._home = home
        self._study = study
        self._followed: dict[int, JobRecord] = {}
        self._change = 0 if study is not None else jobs.last_change()
        self._read: dict[int, int] = {}
        if place is not None:
            self._change, self._read = place.change, dict(place.read)
        elif study is None:
            self._followed = self._known()
            self._read = {number: _size(self._folder(job).events) for number, job in self._followed.items()}

    @property
    def place(self) -> Place:
        """How far it has read."""
        return Place(self._change, {job: self._read[job] for job in self._followed if job in self._read})

    def new(self) -> Iterator[Told]:
        """Yield the events since the last call, of each job in their order."""
        known = self._known()
        self._followed = {**self._followed, **known}  # one that has ended may have told its end
        for job in list(self._followed.values()):
            yield from self._events(job)
        self._followed = known
        for change in self._jobs.changes_after(self._change, self._study):
            self._change = change.id
            yield self._told(change.study, "job", _facts(change))

    def _known(self) -> dict[int, JobRecord]:
        states = [state for state in JobState if state.occupies] if self._study is None else None
        return {job.id: job for job in self._jobs.all(study=self._study, states=states)}

    def _folder(self, job: JobRecord) -> JobFolder:
        return JobFolder.of(self._home, job.id)

    def _begin(self, job: JobRecord) -> int:
        """Return where to begin in the events of a job: of all studies, only what its present driver tells."""
        return 0 if self._study is not None else self._folder(job).began_at(self._folder(job).events)

    def _events(self, job: JobRecord) -> Iterator[Told]:
        """Yield whole lines that were added to a job's events."""
        file = self._folder(job).events
        if job.id not in self._read:
            self._read[job.id] = self._begin(job)
        for read, facts in events_from(file, self._read[job.id]):
            self._read[job.id] = read
            if facts is not None:
                yield self._told(job.study, str(facts.get("event", "message")), {"job": job.id, **facts})

    def _told(self, study: str, kind: str, facts: Mapping[str, Any]) -> Told:
        return Told(str(self.place), kind.replace("\n", " "), json_text({"study": study, **facts}))


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _facts(change: NumberedChange) -> dict[str, Any]:
    return {
        "event": "job",
        "job": change.job,
        "kind": change.kind.value,
        "state": change.change.state.value,
        "time": moment_of(change.change.at).isoformat(timespec="milliseconds"),
        "actor": change.change.actor,
        "reason": change.change.reason,
    }
