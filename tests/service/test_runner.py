"""Jobs on a real server: each runs to its end as an ordinary `tuner run`, whatever falls in between."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import until
from tests.support.servers import Queue, real_server, space_of
from tuner.service.lifecycle import JobState


def test_a_submitted_study_runs_to_its_total(tmp_path: Path) -> None:
    with real_server(tmp_path) as server:
        queue = Queue(tmp_path)
        job = queue.submit("first", space_of(trials=3))

        until(lambda: queue.states() == {"first": "done"}, 60)

        states = [change.state for change in queue.jobs.changes(job.id)]
        assert states == [JobState.QUEUED, JobState.STARTING, JobState.RUNNING, JobState.DONE]
        assert server.stop() == 0
