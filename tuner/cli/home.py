"""The home of the studies that a command works on: a database, or a server.

Commands read and change studies through a `Home`, and print the same for both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tuner.cli.extras import missing_for_serve
from tuner.config import and_storage
from tuner.errors import UsageError, listing

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from tuner.cli.trial_output import Output
    from tuner.results.progress import Overview
    from tuner.results.results import Results
    from tuner.study import Study

SERVER = "TUNER_SERVER"
"""The environment's name for the address of a server."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """Where a study stands at a server; `told` says why, and is empty if nobody said."""

    state: str
    owner: str
    priority: int
    told: str


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A study in a list. `states` counts its trials by state; `best` and `failed` are phrases for readers.

    `job` is None for a study that no server has begun.
    """

    name: str
    metrics: Sequence[str]
    best: str
    states: Mapping[str, int]
    ignored: int
    failed: str
    job: JobRow | None = None

    @property
    def trials(self) -> int:
        """The number of its trials."""
        return sum(self.states.values())


class Files(Protocol):
    """The files of a study: checkpoints, and what its trials printed."""

    @property
    def summary(self) -> str:
        """The size of the checkpoints and their place; empty if that is unknown."""
        ...

    def of_trial(self, trial: int) -> dict[str, str]:
        """Return a trial's files by their kind, each with its size."""
        ...

    def data(self, trial: int) -> dict[str, Any]:
        """Return a trial's files as JSON values."""
        ...


class Home(Protocol):
    """Where studies are."""

    @property
    def place(self) -> str:
        """Its address, for readers."""
        ...

    @property
    def typed(self) -> str:
        """The option of a command that finds the same home; empty for the usual one."""
        ...

    def page_of(self, study: str) -> str:
        """Return the address of a study's page; empty where there is none."""
        ...

    def rows(self) -> Sequence[StudyRow]:
        """Return every study, in the order in which they were made."""
        ...

    def results(self, study: str) -> Results:
        """Return a study as it is now. Trials of dead drivers are `left running`.

        Raises:
            StudyError: there is no such study.
        """
        ...

    def kept(self, study: Study) -> Files:
        """Return the files of a study."""
        ...

    def output(self, study: str, trial: int | None) -> Output:
        """Return the output of a study's trials, or of one.

        Raises:
            StudyError: there is no such study or trial.
        """
        ...

    def look(self, study: str) -> Callable[[], Overview]:
        """Return a function that reads the study again at each call and holds no lock in between."""
        ...

    def stop(self, study: str, cancel: bool) -> str:
        """Stop the runs of a study, and return a sentence on what happens; `cancel` ends it for good.

        Raises:
            StudyError: there is no such study, or no run works on it.
            UsageError: a database has nothing to cancel.
        """
        ...

    def steer(self, study: str, trial: int, action: str, undo: bool) -> None:
        """Stop, ignore or retry a trial; with `undo`, count it again.

        Raises:
            StudyError: there is no such study or trial, or its state does not allow that.
        """
        ...

    def delete(self, study: Study) -> None:
        """Delete a study with its trials, its files and its confirmation."""
        ...


class Database:
    """The studies of a database, which this process opens.

    Args:
        storage: the URL of the database.
    """

    def __init__(self, storage: str) -> None:
        self.place = storage
        self.typed = and_storage(storage)

    @functools.cached_property
    def _opened(self) -> BaseStorage:
        from tuner.storage import open_storage

        return open_storage(self.place)

    def page_of(self, study: str) -> str:
        """Return no address: a database has no pages."""
        return ""

    def rows(self) -> Sequence[StudyRow]:
        """Return every study."""
        from tuner.cli.study_rows import row_of
        from tuner.study import list_studies

        return [row_of(self.results(name)) for name in list_studies(self._opened)]

    def results(self, study: str) -> Results:
        """Return a study as it is now."""
        from tuner.results.results import Results
        from tuner.study import Attended, load_study

        return Results(Attended(load_study(self._opened, study), self.place))

    def kept(self, study: Study) -> Files:
        """Return the files of a study."""
        from tuner.results.artifacts import Kept

        return Kept(study, self.place)

    def output(self, study: str, trial: int | None) -> Output:
        """Return the output of a study's trials, or of one."""
        from tuner.cli.trial_output import FileOutput

        return FileOutput(self.place, study, trial)

    def look(self, study: str) -> Callable[[], Overview]:
        """Return a function that reads the study again."""
        from tuner.api import status_of

        return lambda: status_of(self._opened, study, self.place)  # it may not be there yet: each look tries to open it

    def stop(self, study: str, cancel: bool) -> str:
        """Ask the drivers of a study to stop."""
        from tuner.study.interventions import stop_runs

        if cancel:
            raise UsageError("--cancel needs a server: give --server URL")
        asked = listing(sorted(stop_runs(self.place, study).values()))
        return f"asked {asked} to stop; running trials wait at their epoch's end"

    def steer(self, study: str, trial: int, action: str, undo: bool) -> None:
        """Stop, ignore or retry a trial."""
        from tuner.study.interventions import steer_trial

        steer_trial(self.place, study, trial, action, undo)

    def delete(self, study: Study) -> None:
        """Delete a study; no run may work on it. Its confirmation goes first: if the rest fails, it is found again."""
        from tuner.results.confirmation import runs_of
        from tuner.study.deletion import delete_with_files

        for one in (runs_of(study), study):
            if one is not None:
                delete_with_files(self.place, one)
        _forget_jobs(self.place, study.name)


def _forget_jobs(storage: str, study: str) -> None:
    """End and hide the jobs of a deleted study, where a service uses the database too."""
    if missing_for_serve():
        return
    from tuner.service.database import Database as ServiceDatabase
    from tuner.service.queue.jobs import Jobs
    from tuner.service.queue.lifecycle import JobState

    try:
        database = ServiceDatabase(storage)
    except UsageError:  # no service can use such a database
        return
    if not database.is_current:
        return
    jobs = Jobs(database)
    for job in jobs.all(study=study, states=(JobState.QUEUED, JobState.SUSPENDED)):
        jobs.move(job.id, JobState.CANCELLED, since=(job.state,), actor="tuner delete", reason="its study was deleted")
    jobs.forget(study)


def home(storage: str, server: str | None) -> Home:
    """Return the home that a command line names: a server, else a database."""
    if server is None:
        return Database(storage)
    from tuner.cli.server_home import ServerHome

    return ServerHome(server)
