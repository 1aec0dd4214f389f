"""`tuner delete` at a database that a service uses too."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from tests.conftest import TINY
from tests.support.asking import complete, opened
from tests.support.servers import Queue
from tuner.cli import app
from tuner.service.queue.lifecycle import JobState


def test_the_service_forgets_the_jobs_of_a_study_that_is_deleted_beside_it(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.database.upgrade()
    gone, other = (queue.submit(name, TINY).id for name in ("tiny", "other"))
    queue.jobs.move(gone, JobState.DONE)
    complete(opened(queue.database.url, TINY), 0.5)

    deleted = CliRunner().invoke(app, ["delete", "tiny", "--yes", "--storage", queue.database.url])

    assert deleted.exit_code == 0, deleted.output
    assert [job.id for job in queue.jobs.all()] == [other]
