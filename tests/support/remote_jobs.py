"""Studies of remote workers: submitted as the service does it, and opened without a server."""

from __future__ import annotations

from pathlib import Path

from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.slots import NO_SLOTS
from tuner.service.remote.leased_study import LeasedStudy
from tuner.service.schemas import AskBody, EpochBody, TaskView

REMOTE = """\
search: {trials: 4, sampler: {type: RandomSampler}, pruner: {type: ThresholdPruner, upper: 5}}
objective: {remote: true, metric: error, direction: minimize}
rate: {float: [1e-3, 1], log: true}
net: {units: {int: [4, 64]}, kind: {choice: [a, b]}}
"""


def database_in(folder: Path) -> Database:
    """The database of a service in a folder."""
    database = Database(f"sqlite:///{folder}/studies.db")
    database.upgrade()
    return database


def submitted(folder: Path, text: str = REMOTE, name: str = "far", owner: str = "ann") -> JobRecord:
    """Submit a study of remote workers."""
    database = database_in(folder)
    files = folder / "spaces" / name
    files.mkdir(parents=True)
    (files / "space.yaml").write_text(text)
    return Jobs(database).submit(Submission(JobKind.REMOTE, name, owner, NO_SLOTS, {}, 0, str(files)))


def ask(study: LeasedStudy, worker: str = "w", lease_seconds: float = 60, key: str = "") -> TaskView:
    """Ask for a trial, which there must be."""
    task = study.ask(AskBody(worker=worker, lease_seconds=lease_seconds), "ann", key)
    assert isinstance(task, TaskView), task
    return task


def epoch(number: int, error: float | None) -> EpochBody:
    """An epoch as a worker reports it."""
    return EpochBody.model_validate({"epoch": number, "metrics": {"error": error}, "seconds": 1})
