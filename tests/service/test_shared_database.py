"""A server on PostgreSQL, which may be away for a while."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from tests.conftest import until
from tests.support.postgres import Server, postgres, server
from tests.support.servers import Queue, real_server, space_of
from tuner.api import status
from tuner.errors import StorageError

__all__ = ["postgres", "server"]

AWAY_SECONDS = 20.0
"""Longer than drivers and the queue need to notice it."""


def states(queue: Queue) -> dict[str, str]:
    with contextlib.suppress(StorageError):  # connections of before the outage
        return queue.states()
    return {}


@pytest.mark.slow
def test_a_database_that_was_away_costs_no_trial_and_starts_nothing_twice(
    server: Server, postgres: str, tmp_path: Path
) -> None:
    queue = Queue(tmp_path, postgres)
    with real_server(tmp_path, "--storage", postgres) as serving:
        job = queue.submit("study", space_of(trials=8, seconds=0.5, epochs=4))
        until(
            lambda: status("study", storage=postgres).ended > 0 if states(queue) == {"study": "running"} else False, 90
        )

        server.stop()
        time.sleep(AWAY_SECONDS)
        server.start()

        until(lambda: states(queue) == {"study": "done"}, 180)
        assert queue.jobs.get(job.id).starts <= 1
        assert {str(state.value): count for state, count in status("study", storage=postgres).states.items()} == {
            "complete": 8
        }
        assert serving.stop() == 0
    assert "the queue waits: the database cannot be read or written" in serving.printed
