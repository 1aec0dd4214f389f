"""Kills at random over `tuner serve` and the drivers of its studies; then what was lost, which must be nothing.

All studies have one space and one seed, with --deterministic. So in the end each must have, bit for bit, the trials of
a study that one `tuner run` has run in peace. A server that fell is started again. Where kills give a job three
starts without progress, the service gives up on it: it is resumed, and that is counted.
"""

from __future__ import annotations

import collections
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks import studies
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running import control
from tuner.service.running.job_folder import JobFolder

SPACE = """\
study: {name: chaos}
search: {trials: 10, retries: 1000, checkpoint_interval: 0.5s}
data: {type: digits, batch_size: {choice: [32, 64]}}
model: {type: CNN, channels: {list: {int: [4, 16]}, length: {int: [1, 2]}}, dropout: {float: [0, 0.5]}}
optimizer: {type: AdamW, lr: {float: [1e-3, 1e-1], log: true}}
training: {epochs: 9}
"""
TOTAL = 10
STUDIES = 8
SEEDED = {"deterministic": 2, "seed": 1, "fuse": "off"}
KINDS = ("the server", "the server", "a driver", "a driver", "a driver and its shell", "everything")
LONGEST_PEACE = 10.0
"""The most seconds between two kills; a driver needs about half of them to begin."""

LONGEST_END = 1800.0
"""Seconds after the last kill in which all studies must have their totals."""


class Service:
    """A server in a folder, its jobs and the processes of its drivers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"sqlite:///{folder}/studies.db"
        database = Database(self.url)
        database.upgrade()
        self.home = database.home
        self.jobs = Jobs(database)
        self.server: subprocess.Popen[bytes] | None = None

    def submit(self, number: int) -> None:
        """Submit a study; they differ in priority, so that they suspend one another too."""
        files = str(self._folder)
        submission = Submission(
            JobKind.RUN, f"chaos-{number}", f"user-{number % 3}", Slots(1), SEEDED, number % 2, files
        )
        self.jobs.submit(submission)

    def start(self) -> None:
        """Start the server, or start it again."""
        command = [sys.executable, "-m", "tuner", "serve", "--port", "0", "--cpus", "2", "--storage", self.url]
        with (self._folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log, start_new_session=True)

    def kill(self, kind: str, chance: random.Random) -> bool:
        """Kill, and return whether there was anyone to kill."""
        shells = [shell for found in self.shells().values() for shell in found]
        chosen: list[psutil.Process] = []
        if kind in ("the server", "everything") and self.server is not None and self.server.poll() is None:
            chosen.append(psutil.Process(self.server.pid))
        for shell in shells if kind == "everything" else chance.sample(shells, min(1, len(shells))):
            with contextlib.suppress(psutil.NoSuchProcess):
                drivers = shell.children()
                chosen += [] if kind == "the server" else drivers if kind == "a driver" else [shell, *drivers]
        for process in chosen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return bool(chosen)

    def shells(self) -> dict[str, list[psutil.Process]]:
        """Return the running drivers of each study, each as the shell that waits for it."""
        exits = {str(JobFolder.of(self.home, job.id).exit): job.study for job in self.jobs.all()}
        found = collections.defaultdict(list)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (line := process.cmdline())[:2] == ["/bin/sh", "-c"] and len(line) > 3 and line[3] in exits:
                    found[exits[line[3]]].append(process)
        return found


def under_fire(service: Service, kills: int, chance: random.Random) -> tuple[list[str], list[str], int]:
    """Run until all studies are done, with at most so many kills; what fell, what was wrong, and the resumed jobs."""
    fallen: list[str] = []
    faults: list[str] = []
    resumed, next_kill, deadline = 0, time.monotonic(), time.monotonic() + LONGEST_END
    while not all(job.state is JobState.DONE for job in service.jobs.all()):
        if service.server is None or service.server.poll() is not None:
            time.sleep(chance.uniform(0, 1))
            service.start()
        faults += [
            f"{study}: {len(found)} drivers at once" for study, found in service.shells().items() if len(found) > 1
        ]
        resumed += sum(map(_resumed_after_deaths, [service] * STUDIES, service.jobs.all()))
        if len(fallen) < kills and time.monotonic() > next_kill:
            kind = chance.choice(KINDS)
            if service.kill(kind, chance):
                fallen.append(kind)
                print(f"  {len(fallen):3} {kind}", flush=True)
            next_kill = time.monotonic() + chance.uniform(0, LONGEST_PEACE)
            deadline = time.monotonic() + LONGEST_END
        if time.monotonic() > deadline:
            return (
                fallen,
                [*faults, f"not done: {[(job.study, job.state.value) for job in service.jobs.all()]}"],
                resumed,
            )
        time.sleep(0.2)
    return fallen, faults, resumed


def _resumed_after_deaths(service: Service, job: JobRecord) -> bool:
    if job.state is not JobState.FAILED:
        return False
    if "times without progress" not in job.reason:
        raise RuntimeError(f"{job.study} failed though nothing but kills befell it: {job.reason}")
    control.resume(service.jobs, job.study, "chaos")
    return True


def lost(service: Service, peaceful: str) -> list[str]:
    """Return what the studies lack, have too often, or have otherwise than the peaceful one."""
    expected = [studies.facts(trial) for trial in studies.trials(peaceful, "chaos")]
    faults = []
    for job in service.jobs.all():
        found = [studies.facts(trial) for trial in studies.trials(service.url, job.study)]
        if len(found) != TOTAL:
            faults.append(f"{job.study}: {len(found)} trials instead of {TOTAL}")
        faults += [
            f"{job.study}, trial {one['number']}: {key} is {other[key]}, not {one[key]}"
            for one, other in zip(expected, found, strict=False)
            for key in one
            if one[key] != other[key]
        ]
    return faults


def main(kills: int, seed: int) -> Sequence[str]:
    """Run it, print what fell, and return what was lost."""
    chance = random.Random(seed)
    began = time.monotonic()
    print(f"{kills} kills over {STUDIES} studies of a server, seed {seed}")
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        space = folder / "space.yaml"
        space.write_text(SPACE)
        peaceful = f"sqlite:///{folder}/peaceful.db"
        studies.run(space, peaceful, *(f"--{option}={value}" for option, value in SEEDED.items()))
        service = Service(folder)
        for number in range(STUDIES):
            service.submit(number)
        fallen, faults, resumed = under_fire(service, kills, chance)
        if service.server is not None:
            service.server.terminate()
            service.server.wait(60)
        faults += lost(service, peaceful)
        starts = sum(
            change.state is JobState.STARTING for job in service.jobs.all() for change in service.jobs.changes(job.id)
        )
    print(f"\n{len(fallen)} kills in {time.monotonic() - began:.0f} s: {dict(collections.Counter(fallen))}")
    print(f"{starts} starts of drivers, {resumed} times the service gave up on a job and it was resumed")
    return faults
