"""Whole runs on SQLite whose database is locked by another program, or whose disk is full."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import pytest

from tuner.errors import StorageError
from tuner.search import tune
from tuner.search.events import Event, Reported, Trouble
from tuner.storage import retry

LOCK = """\
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
"""


@dataclass(slots=True)
class Locker:
    """Another program, which locks a database for so many seconds as soon as the first epoch is reported."""

    file: Path
    seconds: float
    troubles: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Trouble):
            self.troubles.append(event.message)
        if isinstance(event, Reported) and self.process is None:
            call = [sys.executable, "-c", LOCK, str(self.file), str(self.seconds)]
            self.process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
            assert self.process.stdout is not None
            assert self.process.stdout.readline() == "locked\n"

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


def outcomes(url: str) -> list[tuple[int, str, int]]:
    """Number, state and epochs of every trial."""
    trials = optuna.load_study(study_name="tiny", storage=url).trials
    return [(trial.number, trial.state.name, len(trial.intermediate_values)) for trial in trials]


WHOLE = [(number, "COMPLETE", 2) for number in range(3)]


def test_a_run_waits_for_a_database_that_another_program_has_locked(tiny: Path, url: str, tmp_path: Path) -> None:
    locker = Locker(tmp_path / "studies.db", seconds=5)

    tune.run(tiny, storage=url, observe=locker)

    locker.end()
    assert outcomes(url) == WHOLE
    assert locker.troubles == [
        "the database is locked by another program: waiting for it, up to 60 s more",
        "the database can be used again: going on",
    ]


@pytest.mark.slow
def test_a_run_ends_in_a_sentence_when_the_database_stays_locked(
    tiny: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locker = Locker(tmp_path / "studies.db", seconds=600)
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 3.0)

    with pytest.raises(StorageError, match=r"the database is locked by another program, for .*: end that program"):
        tune.run(tiny, storage=url, observe=locker)
    locker.end()
    left = outcomes(url)
    tune.run(tiny, storage=url)

    assert [(number, state) for number, state, _ in left] == [(0, "RUNNING")]
    assert outcomes(url) == WHOLE


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@dataclass(slots=True)
class Filler:
    """Fills a disk as soon as the first epoch is reported, and frees it when it is told to or after some seconds."""

    disk: Path
    seconds: float | None = None
    troubles: list[str] = field(default_factory=list)
    full: bool = False

    def __call__(self, event: Event) -> None:
        if isinstance(event, Trouble):
            self.troubles.append(event.message)
        if isinstance(event, Reported) and not self.full:
            self.full = True
            self._fill()
            if self.seconds is not None:
                threading.Timer(self.seconds, self.free).start()

    def _fill(self) -> None:
        with (self.disk / "ballast").open("wb", buffering=0) as ballast:
            for size in (1 << 16, 1):
                try:
                    while True:
                        ballast.write(os.urandom(size))
                except OSError:  # no space is left
                    pass

    def free(self) -> None:
        (self.disk / "ballast").unlink()


def test_a_run_waits_for_space_on_a_full_disk(tiny: Path, disk: Path) -> None:
    url, filler = f"sqlite:///{disk}/studies.db", Filler(disk, seconds=3)

    tune.run(tiny, storage=url, observe=filler)

    assert outcomes(url) == WHOLE
    assert filler.troubles == [
        "the disk of the database is full: waiting for it, up to 60 s more",
        "the database can be used again: going on",
    ]


@pytest.mark.slow
def test_a_run_ends_in_a_sentence_when_the_disk_stays_full(
    tiny: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, filler = f"sqlite:///{disk}/studies.db", Filler(disk)
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 2.0)

    with pytest.raises(StorageError, match=r"the disk of the database is full, for .*: free some space on it"):
        tune.run(tiny, storage=url, observe=filler)
    filler.free()
    left = outcomes(url)
    tune.run(tiny, storage=url)

    assert [(number, state) for number, state, _ in left] == [(0, "RUNNING")]
    assert outcomes(url) == WHOLE
