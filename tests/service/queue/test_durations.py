"""How long confirmations and final trainings run, by earlier ones."""

from __future__ import annotations

from tuner.service.queue.durations import seconds_left
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots


def job(
    state: JobState,
    started: float | None = None,
    ended: float | None = None,
    study: str = "a",
    kind: str = "confirm",
    owner: str = "ann",
    folder: str = "",
    trials: int | None = None,
) -> JobRecord:
    times = {"submitted_at": 0.0, "queued_at": 0.0, "started_at": started, "ended_at": ended}
    command = {} if trials is None else {"n_trials": trials}
    return JobRecord(1, JobKind(kind), study, owner, state, 0, Slots(1), command, folder, **times)  # type: ignore[arg-type]


def test_the_median_of_earlier_jobs_of_the_kind_and_study_counts() -> None:
    earlier = [job(JobState.DONE, 0, 10), job(JobState.DONE, 0, 30), job(JobState.DONE, 0, 20)]
    others = [job(JobState.DONE, 0, 999, "b"), job(JobState.DONE, 0, 999, kind="train")]

    assert seconds_left(job(JobState.QUEUED), earlier + others, 100) == 20
    assert seconds_left(job(JobState.RUNNING, started=95), earlier + others, 100) == 15
    assert seconds_left(job(JobState.RUNNING, started=50), earlier + others, 100) == 0


def test_a_search_lasts_as_long_as_those_of_the_same_files_else_of_the_same_owner() -> None:
    same = job(JobState.DONE, 0, 40, "b", "run", "bob", "files", trials=20)
    owned = job(JobState.DONE, 0, 50, "c", "run", "ann", "others", trials=10)
    waiting = job(JobState.QUEUED, study="d", kind="run", folder="files", trials=30)

    assert seconds_left(waiting, [same, owned], 0) == 60
    assert seconds_left(waiting, [owned], 0) == 150
    assert seconds_left(waiting, [job(JobState.DONE, 0, 9, "e", "run", "bob")], 0) is None
