"""Drivers as processes: their exit codes, their signals, and how a later server finds them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.conftest import until
from tuner.service.running.driver_process import Driver, Ended
from tuner.service.running.job_folder import JobFolder

SLEEPS = ["/bin/sh", "-c", "sleep 60"]


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    made = JobFolder.of(tmp_path, 7)
    made.begin()
    return made


def started(folder: JobFolder, *command: str) -> Driver:
    return Driver.start(folder, command, dict(os.environ))


def end_of(driver: Driver) -> Ended | None:
    until(lambda: driver.ended() is not None, 60)
    return driver.ended()


@pytest.mark.parametrize(("command", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143)])
def test_the_exit_code_is_known(folder: JobFolder, command: str, code: int) -> None:
    assert end_of(started(folder, "/bin/sh", "-c", command)) == Ended(code)


def test_a_file_is_newer_than_the_start_only_if_it_was_written_since(folder: JobFolder, tmp_path: Path) -> None:
    folder.begin()
    state = tmp_path / "state"
    looks = [folder.is_newer(state)]
    state.touch()
    for seconds in (1, -1):  # times of files are only as exact as the system's clock ticks
        os.utime(state, (time.time() + seconds,) * 2)
        looks.append(folder.is_newer(state))

    assert looks == [False, True, False]


def test_what_it_prints_is_kept_over_its_starts_and_its_error_is_told(folder: JobFolder) -> None:
    end_of(started(folder, "/bin/sh", "-c", "echo one; exit 1"))
    folder.begin()
    end_of(started(folder, "/bin/sh", "-c", "echo two; echo 'tuner: no such data' >&2; exit 2"))

    assert folder.log.read_text() == "one\ntwo\ntuner: no such data\n"
    assert folder.last_lines() == "no such data"


def test_a_new_start_forgets_the_last_exit_code(folder: JobFolder) -> None:
    end_of(started(folder, "/bin/sh", "-c", "exit 3"))

    folder.begin()

    assert started(folder, *SLEEPS).ended() is None


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_later_server_finds_the_driver_and_learns_its_exit_code(folder: JobFolder, is_recorded: bool) -> None:
    first = started(folder, "/bin/sh", "-c", "trap 'exit 130' INT; echo ready; sleep 60 & wait")
    until(lambda: "ready" in folder.log.read_text(), 60)

    found = Driver.find(folder, first.process if is_recorded else None)

    assert found is not None
    assert found.process.pid == first.process.pid
    assert found.ended() is None
    found.ask_to_stop()
    assert end_of(found) == Ended(130)
    assert Driver.find(folder, first.process) is None


def test_another_process_of_that_number_is_no_driver(folder: JobFolder, tmp_path: Path) -> None:
    other = JobFolder.of(tmp_path, 8)
    other.begin()

    driver = started(other, *SLEEPS)

    assert Driver.find(folder, driver.process) is None
    assert Driver.find(folder, None) is None


def test_a_driver_of_another_machine_is_not_sought_here(folder: JobFolder) -> None:
    driver = started(folder, *SLEEPS)

    assert Driver.find(folder, replace(driver.process, host="elsewhere")) is None


def test_a_driver_that_does_not_stop_is_killed(folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = started(folder, "/bin/sh", "-c", "trap '' INT; echo ready; sleep 60")
    until(lambda: "ready" in folder.log.read_text(), 60)
    driver.ask_to_stop()
    assert driver.ended() is None

    monkeypatch.setattr("tuner.service.running.driver_process.STOP_SECONDS", 0)
    driver.ask_to_stop()

    assert end_of(driver) == Ended(None)


@pytest.mark.parametrize("is_followed", [True, False])
def test_a_driver_whose_shell_alone_was_killed_is_killed_before_its_end_is_believed(
    folder: JobFolder, is_followed: bool
) -> None:
    driver = started(folder, "/bin/sh", "-c", "setsid sleep 61 & sleep 60 & wait")
    until(lambda: len(psutil.Process(driver.process.pid).children(recursive=True)) >= 3, 60)
    shell = psutil.Process(driver.process.pid)
    below, recorded = shell.children(recursive=True), driver.process

    shell.kill()
    shell.wait(10)
    found = driver if is_followed else Driver.find(folder, recorded)

    assert found is not None
    assert found.ended() is None
    assert end_of(found) == Ended(None)
    assert not psutil.wait_procs(below, 5)[1]
    assert Driver.find(folder, recorded) is None


def test_a_killed_shell_leaves_no_code(folder: JobFolder) -> None:
    driver = started(folder, *SLEEPS)

    os.killpg(driver.process.pid, signal.SIGKILL)

    assert end_of(driver) == Ended(None)
