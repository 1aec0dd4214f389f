"""The jobs of the service."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from tuner.errors import StudyError
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running.job_folder import JobFolder


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    database = Database(f"sqlite:///{tmp_path}/studies.db")
    database.upgrade()
    return Jobs(database)


def test_a_study_that_is_submitted_by_many_at_once_is_one_job(jobs: Jobs) -> None:
    together = threading.Barrier(4)

    def submit() -> None:
        together.wait()
        with contextlib.suppress(StudyError):
            jobs.submit(Submission(JobKind.RUN, "s", "ann", Slots(1)))

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(jobs.all(study="s")) == 1


def test_a_job_that_runs_is_not_forgotten(jobs: Jobs) -> None:
    job = jobs.submit(Submission(JobKind.RUN, "s", "ann", Slots(1)))
    jobs.move(job.id, JobState.STARTING)

    jobs.forget("s")

    assert [each.id for each in jobs.all(study="s")] == [job.id]


def test_a_new_study_has_no_jobs_of_a_deleted_one_of_its_name_and_models_stay(jobs: Jobs) -> None:
    kinds = (JobKind.RUN, JobKind.CONFIRM, JobKind.TRAIN)
    old = [jobs.submit(Submission(kind, "s", "ann", Slots(1))).id for kind in kinds]
    for number in old:
        jobs.move(number, JobState.DONE)

    jobs.forget("s")
    new = jobs.submit(Submission(JobKind.RUN, "s", "bob", Slots(1)))

    assert [job.id for job in jobs.all(study="s")] == [new.id]
    assert [each.job for each in jobs.changes_after(0, "s")] == [new.id]
    assert [job.id for job in jobs.all(kinds=[JobKind.TRAIN])] == [old[-1]]


@pytest.mark.parametrize(("written", "code"), [("0\n", 0), ("143\n", 143), ("", None), ("\x00\x00", None)])
def test_an_exit_code_that_was_not_written_whole_is_none(tmp_path: Path, written: str, code: int | None) -> None:
    folder = JobFolder.of(tmp_path, 1)
    folder.path.mkdir(parents=True)
    folder.exit.write_text(written)

    assert folder.exit_code() == code


@pytest.mark.parametrize("wanted", [JobState.CANCELLED, JobState.QUEUED], ids=["cancelled", "resumed"])
def test_what_was_asked_for_since_a_job_was_read_is_not_overwritten(jobs: Jobs, wanted: JobState) -> None:
    job = jobs.submit(Submission(JobKind.RUN, "s", "ann", Slots(1)))
    read = jobs.move(job.id, JobState.SUSPENDING, wanted=JobState.SUSPENDED.value)
    jobs.move(job.id, JobState.SUSPENDING, actor="bob", wanted=wanted.value)

    assert jobs.move(job.id, JobState.SUSPENDED, seen=read, wanted=None) is None

    assert jobs.get(job.id).wanted is wanted
    assert jobs.move(job.id, wanted, seen=jobs.get(job.id), wanted=None) is not None
