"""`tuner delete` at a database that a service uses too."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from tests.conftest import TINY
from tests.support.asking import complete, opened
from tests.support.servers import Queue
from tuner.cli import app
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.lifecycle import JobState
from tuner.service.server_options import ONE_CORE


def test_the_service_ends_and_forgets_the_jobs_of_a_study_that_is_deleted_beside_it(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.database.upgrade()
    gone, other = (queue.submit(name, TINY).id for name in ("tiny", "other"))
    queue.jobs.move(gone, JobState.DONE)
    train = queue.jobs.submit(Submission(JobKind.TRAIN, "tiny", "ann", ONE_CORE)).id
    complete(opened(queue.database.url, TINY), 0.5)

    deleted = CliRunner().invoke(app, ["delete", "tiny", "--yes", "--storage", queue.database.url])

    assert deleted.exit_code == 0, deleted.output
    ended = queue.jobs.get(train)
    assert (ended.state, ended.reason) == (JobState.CANCELLED, "its study was deleted")
    assert [job.id for job in queue.jobs.all() if job.state is JobState.QUEUED] == [other]
    assert queue.jobs.search_of("tiny") is None
