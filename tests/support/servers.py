"""A real `tuner serve` in a process and folder of its own, and jobs for it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil

from tests.conftest import command, environment
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.slots import Slots
from tuner.service.server_options import ONE_CORE

OWN = """\
import time

def loss(config, report):
    for epoch in range(1, config["training"]["epochs"] + 1):
        time.sleep(config["model"]["seconds"])
        report(epoch, loss=config["model"]["x"])
"""


def space_of(trials: int = 3, seconds: float = 0.0, epochs: int = 1) -> str:
    """A space with a function that sleeps for some seconds in each epoch."""
    return f"""\
search: {{trials: {trials}, pruner: null, checkpoint_interval: 0.5s}}
objective: {{function: own.py:loss, metric: loss}}
model: {{x: {{float: [0, 1]}}, seconds: {seconds}}}
training: {{epochs: {epochs}}}
"""


@dataclass
class RealServer:
    """A running server; `link` is the address that it prints."""

    process: subprocess.Popen[bytes]
    folder: Path
    link: str

    @property
    def address(self) -> str:
        """The address without a path."""
        found = re.match(r"https?://[^/?\s]+", self.link)
        assert found
        return found[0]

    @property
    def token(self) -> str:
        """The token of the printed link."""
        return parse_qs(urlsplit(self.link).query)["token"][0]

    @property
    def printed(self) -> str:
        """What it printed so far."""
        return (self.folder / "server.log").read_text()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def kill(self) -> None:
        """Kill it; its drivers go on."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def real_server(folder: Path, *options: str) -> Iterator[RealServer]:
    """Serve in a folder until the context ends; a second one in the same folder goes on with its studies."""
    log = folder / "server.log"
    began = log.stat().st_size if log.exists() else 0
    with log.open("ab") as printed:
        process = subprocess.Popen(
            [*command(), "serve", "--port", "0", *options],
            cwd=folder,
            env=environment(),
            stdout=printed,
            stderr=printed,
            start_new_session=True,
        )
    try:
        yield RealServer(process, folder, _link(process, log, began))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _link(process: subprocess.Popen[bytes], log: Path, began: int) -> str:
    deadline = time.monotonic() + 60
    while True:
        with log.open() as printed:
            printed.seek(began)
            text = printed.read()
        if found := re.search(r"https?://\S+", text):
            return found[0]
        assert process.poll() is None, text
        assert time.monotonic() < deadline, text
        time.sleep(0.05)


@dataclass
class Queue:
    """The jobs of a database, by default the folder's own, which tests fill and read beside the server."""

    folder: Path
    url: str = ""

    def __post_init__(self) -> None:
        self.database = Database(self.url or f"sqlite:///{self.folder}/studies.db")
        self.jobs = Jobs(self.database)

    def submit(
        self,
        name: str,
        space: str,
        slots: Slots = ONE_CORE,
        *,
        owner: str = "ann",
        priority: int = 0,
        own: str = OWN,
        command: Mapping[str, Any] | None = None,
    ) -> JobRecord:
        """Submit a search."""
        files = self.folder / "spaces" / name
        files.mkdir(parents=True)
        (files / "space.yaml").write_text(space)
        (files / "own.py").write_text(own)
        return self.jobs.submit(Submission(JobKind.RUN, name, owner, slots, command or {}, priority, str(files)))

    def states(self) -> dict[str, str]:
        """The state of each study."""
        return {job.study: job.state.value for job in self.jobs.all()}


def pid_of(job: JobRecord) -> int:
    """The process of a job's driver: the child of the shell that waits for it."""
    assert job.process is not None
    (child,) = psutil.Process(job.process.pid).children()
    return int(child.pid)


def kill_driver(job: JobRecord) -> None:
    """Kill a job's driver, not its shell."""
    os.kill(pid_of(job), signal.SIGKILL)
