"""Jobs on a real server: each runs to its end as an ordinary `tuner run`, whatever falls in between."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.conftest import command, environment, until
from tests.support.servers import Queue, kill_driver, pid_of, real_server, space_of
from tuner.api import status
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.lifecycle import JobState
from tuner.service.running import control
from tuner.service.running.driver_command import model_folder
from tuner.service.server_options import ONE_CORE
from tuner.storage import open_storage
from tuner.study import list_studies

DIES = """\
import os, signal

os.kill(os.getpid(), signal.SIGKILL)
"""
"""Code that kills its driver when it is imported."""

DEAF = """\
import time

def loss(config, report):
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass
"""
"""Code that heeds no exception."""


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


def running(queue: Queue, study: str) -> bool:
    """Whether a study has reported an epoch and runs."""
    job = queue.jobs.search_of(study)
    events = queue.folder / ".tuner" / "service" / "jobs" / str(job.id if job else 0) / "events.jsonl"
    is_running = job is not None and job.state is JobState.RUNNING
    return is_running and events.exists() and '"reported"' in events.read_text()


def trials_of(queue: Queue, study: str) -> dict[str, int]:
    """The number of a study's trials in each state."""
    return {str(state.value): count for state, count in status(study, storage=queue.database.url).states.items()}


WHOLE = ["queued", "starting", "running", "done"]
WITHOUT_A_LOOK = ["queued", "starting", "done"]
"""The states of a study that ended between two looks of the runner."""


def states_of(queue: Queue, study: str) -> list[str]:
    """The states through which a study's job went."""
    job = queue.jobs.search_of(study)
    assert job is not None
    return [change.state.value for change in queue.jobs.changes(job.id)]


def became(queue: Queue, study: str, state: str) -> float:
    """When a study's job first got a state, in seconds since the epoch."""
    job = queue.jobs.search_of(study)
    assert job is not None
    return next(change.at for change in queue.jobs.changes(job.id) if change.state.value == state)


@pytest.mark.slow
def test_a_submitted_study_runs_to_its_total_and_the_server_loads_no_torch(queue: Queue) -> None:
    with real_server(queue.folder) as server:
        queue.submit("first", space_of(trials=3))

        until(lambda: queue.states() == {"first": "done"}, 90)

        assert states_of(queue, "first") in (WHOLE, WITHOUT_A_LOOK)
        loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert not [name for name in ("libtorch", "sklearn", "pandas") if name in loaded]
        assert server.stop() == 0


@pytest.mark.slow
def test_jobs_share_the_slots_and_the_third_waits(queue: Queue) -> None:
    with real_server(queue.folder, "--cpus", "2"):
        for name in ("one", "two"):
            queue.submit(name, space_of(trials=6, seconds=0.5))
        until(lambda: set(queue.states().values()) <= {"starting", "running"}, 90)
        queue.submit("three", space_of())

        until(lambda: set(queue.states().values()) == {"done"}, 180)

    assert became(queue, "three", "starting") >= min(became(queue, name, "done") for name in ("one", "two"))


@pytest.mark.slow
def test_a_job_of_higher_priority_suspends_another_which_goes_on_by_itself(queue: Queue) -> None:
    with real_server(queue.folder, "--cpus", "1"):
        queue.submit("low", space_of(trials=4, seconds=0.5, epochs=6))
        until(lambda: running(queue, "low"), 90)
        queue.submit("high", space_of(trials=1), owner="bob", priority=1)

        until(lambda: queue.states()["high"] == "done", 120)

        assert queue.states()["low"] != "done"
        until(lambda: queue.states()["low"] == "done", 120)
        assert states_of(queue, "low")[2:5] == ["running", "suspending", "queued"]
        assert trials_of(queue, "low") == {"complete": 4}


@pytest.mark.slow
def test_the_next_server_adopts_the_drivers_of_one_that_was_killed(queue: Queue) -> None:
    with real_server(queue.folder) as server:
        job = queue.submit("study", space_of(trials=4, seconds=0.5, epochs=6))
        until(lambda: running(queue, "study"), 90)
        driver = queue.jobs.get(job.id).process
        server.kill()

    with real_server(queue.folder) as server:
        adopted = queue.jobs.get(job.id)
        until(lambda: queue.states()["study"] == "done", 120)

        assert adopted.process == driver
        assert adopted.starts == 1
        assert states_of(queue, "study") in (WHOLE, WITHOUT_A_LOOK)


@pytest.mark.slow
def test_a_driver_that_ended_without_a_server_is_done_at_the_next_start(queue: Queue) -> None:
    with real_server(queue.folder) as server:
        queue.submit("study", space_of(trials=2, seconds=0.5))
        until(lambda: running(queue, "study"), 90)
        server.kill()
    exit_code = queue.folder / ".tuner" / "service" / "jobs" / "1" / "exit"
    until(exit_code.exists, 90)

    with real_server(queue.folder):
        until(lambda: queue.states()["study"] == "done", 60)


@pytest.mark.slow
def test_a_killed_driver_starts_again_and_no_trial_is_lost(queue: Queue) -> None:
    with real_server(queue.folder):
        job = queue.submit("study", space_of(trials=3, seconds=0.5, epochs=4))
        until(lambda: running(queue, "study"), 90)
        kill_driver(queue.jobs.get(job.id))

        until(lambda: queue.states()["study"] == "done", 120)

        assert "its driver died of signal 9; it goes on" in [each.reason for each in queue.jobs.changes(job.id)]
        assert trials_of(queue, "study") == {"complete": 3}


@pytest.mark.slow
def test_a_driver_that_dies_each_time_fails_after_three_starts(queue: Queue) -> None:
    with real_server(queue.folder):
        job = queue.submit("study", space_of(), own=DIES)

        until(lambda: queue.states()["study"] == "failed", 120)

        assert states_of(queue, "study").count("starting") == 3
        assert queue.jobs.get(job.id).reason.startswith("its driver died of signal 9, 3 times without progress")


@pytest.mark.slow
def test_a_space_that_is_refused_fails_at_once_with_the_reason(queue: Queue) -> None:
    with real_server(queue.folder):
        job = queue.submit("study", "search: {trials: 3}\nobjective: {function: own.py:absent, metric: loss}\n")

        until(lambda: queue.states()["study"] == "failed", 90)

        assert "absent" in queue.jobs.get(job.id).reason
        assert states_of(queue, "study").count("starting") == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_stopped_server_suspends_its_studies_and_the_next_one_goes_on(queue: Queue, number: signal.Signals) -> None:
    with real_server(queue.folder) as server:
        queue.submit("study", space_of(trials=4, seconds=0.5, epochs=6))
        until(lambda: running(queue, "study"), 90)

        assert server.stop(number) == 0

    assert "study: suspending; the next start goes on with it" in server.printed
    assert queue.states() == {"study": "queued"}
    assert trials_of(queue, "study").get("running") is None
    with real_server(queue.folder):
        until(lambda: queue.states()["study"] == "done", 120)
    assert trials_of(queue, "study") == {"complete": 4}


@pytest.mark.slow
def test_a_server_that_leaves_its_studies_running_is_followed_by_one_that_adopts_them(queue: Queue) -> None:
    with real_server(queue.folder, "--leave-running") as server:
        job = queue.submit("study", space_of(trials=4, seconds=0.5, epochs=6))
        until(lambda: running(queue, "study"), 90)
        process = queue.jobs.get(job.id).process
        assert process is not None

        assert server.stop() == 0

    assert "study: left running" in server.printed
    assert psutil.pid_exists(process.pid)
    with real_server(queue.folder):
        until(lambda: queue.states()["study"] == "done", 120)
    assert states_of(queue, "study") in (WHOLE, WITHOUT_A_LOOK)


@pytest.mark.slow
def test_a_suspended_study_can_be_finished_by_hand(queue: Queue) -> None:
    with real_server(queue.folder):
        queue.submit("study", space_of(trials=3, seconds=0.5, epochs=4))
        until(lambda: running(queue, "study"), 90)
        control.suspend(queue.jobs, "study", "ann")
        until(lambda: queue.states()["study"] == "suspended", 60)

        by_hand = [*command(), "run", "spaces/study/space.yaml", "--study-name", "study"]
        subprocess.run(by_hand, cwd=queue.folder, env=environment(), check=True, capture_output=True)

        assert trials_of(queue, "study") == {"complete": 3}
        control.resume(queue.jobs, "study", "ann")
        until(lambda: queue.states()["study"] == "done", 60)
        assert trials_of(queue, "study") == {"complete": 3}


@pytest.mark.slow
def test_a_study_is_confirmed_and_its_model_trained(queue: Queue) -> None:
    with real_server(queue.folder):
        queue.submit("study", space_of(trials=2))
        until(lambda: queue.states()["study"] == "done", 90)
        confirm = Submission(JobKind.CONFIRM, "study", "ann", ONE_CORE, {"top": 1, "seeds": 2})
        train = Submission(JobKind.TRAIN, "study", "ann", ONE_CORE, {"trial": 1})
        jobs = [control.follow_up(queue.jobs, each, ONE_CORE) for each in (confirm, train)]

        until(lambda: all(queue.jobs.get(job.id).state is JobState.DONE for job in jobs), 120)

    assert (model_folder(queue.database.home, jobs[1].id) / "metrics.json").exists()
    assert len(list_studies(open_storage(queue.database.url))) == 2


@pytest.mark.slow
def test_a_cancelled_study_ends_though_its_code_does_not_listen(queue: Queue) -> None:
    with real_server(queue.folder):
        job = queue.submit("study", space_of(), own=DEAF)
        until(lambda: queue.states()["study"] == "running", 90)
        driver = psutil.Process(pid_of(queue.jobs.get(job.id)))
        control.cancel(queue.jobs, "study", "ann")

        until(lambda: queue.states()["study"] == "cancelled", 60)

        until(lambda: not driver.is_running() or driver.status() == psutil.STATUS_ZOMBIE, 60)
