from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.conftest import TINY
from tests.support.asking import opened
from tuner import storage
from tuner.goal import Task, goal_of
from tuner.space import Space
from tuner.storage.active_drivers import drivers_of
from tuner.study import AskTell, open_study

THIS = f"process {os.getpid()} on {socket.gethostname()}"


def test_the_one_driver_of_a_study_on_sqlite_is_known(url: str) -> None:
    opened(url)

    before = drivers_of(url, "tiny")
    with storage.join(url, "tiny"):
        inside, other = drivers_of(url, "tiny"), drivers_of(url, "other")
    after = drivers_of(url, "tiny")

    assert (before, inside, other, after) == ({}, {"": THIS}, {}, {})


def test_a_driver_that_was_killed_works_on_nothing(url: str, tmp_path: Path) -> None:
    opened(url)
    die = f"import os; from tuner import storage; storage.join({url!r}, 'tiny').__enter__(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", die], check=False)

    (lock,) = (tmp_path / ".tuner" / "locks").glob("studies.db-tiny-*.lock")
    assert "process" in lock.read_text()
    assert drivers_of(url, "tiny") == {}


def test_who_looks_keeps_no_run_from_starting(url: str) -> None:
    opened(url)
    with storage.join(url, "tiny"):
        pass

    drivers_of(url, "tiny")

    with storage.join(url, "tiny"):
        assert drivers_of(url, "tiny") == {"": THIS}


def test_the_drivers_of_a_study_on_postgresql_are_known_by_the_names_that_their_trials_have(postgres: str) -> None:
    space = Space.parse(TINY)
    study = open_study(
        storage.open_storage(postgres, create=True), space, goal_of(space.objective, Task.CLASSIFICATION)
    )
    before = drivers_of(postgres, "tiny")

    with storage.join(postgres, "tiny") as turns, storage.join(postgres, "other"):
        trials = AskTell(study, turns)
        number = storage.in_turn(turns, trials.ask).number
        inside = drivers_of(postgres, "tiny")
    after = drivers_of(postgres, "tiny")

    assert before == after == {}
    assert inside == {study.record(number).attributes.driver: THIS}
