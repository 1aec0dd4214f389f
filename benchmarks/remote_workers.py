"""Remote workers as load: each asks for trials and reports their epochs at a steady pace, over a connection of its own.

They run in processes of their own and train nothing. A report's time is from its sending to its answer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import multiprocessing
import random
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.slots import NO_SLOTS
from tuner.storage import open_storage
from tuner.study import load_study

STUDY = "load"
PROCESSES = 2
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
START_SECONDS = 300.0
"""Seconds in which all workers must have their first trials."""

SPACE = """\
search: {{trials: 1000000, max_failures: 1000000, sampler: {{type: {sampler}}}, pruner: {pruner}}}
objective: {{remote: true, metric: loss}}
rate: {{float: [1e-4, 1], log: true}}
net: {{units: {{int: [8, 64]}}, kind: {{choice: [relu, tanh]}}}}
training: {{epochs: {epochs}}}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """How many workers try how many reports a second, for how long, with how many epochs a trial.

    `pruner` is a class of Optuna, or empty. A pruner ends many trials after few epochs, and each end is followed by an
    ask, which costs as much as six reports.
    """

    workers: int
    rate: float
    seconds: float
    epochs: int
    sampler: str
    pruner: str = "MedianPruner"


@dataclass(frozen=True, slots=True)
class Times:
    """The times of answers, in seconds."""

    all: tuple[float, ...]

    def __str__(self) -> str:
        if not self.all:
            return "none"
        ordered = sorted(self.all)
        shown = (
            f"{name} {1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.1f} ms" for name, share in _AT
        )
        return f"{len(ordered):,}, {', '.join(shown)}"


_AT = (("median", 0.5), ("p99", 0.99), ("most", 1.0))


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured: reports and asks of the measured time, and all reports that were answered."""

    rate: float
    reports: Times
    asks: Times
    answered: int


def submit(url: str, load: Load) -> None:
    """Submit the study."""
    database = Database(url)
    folder = Path(database.home).absolute() / "load"
    folder.mkdir(parents=True)
    pruner = f"{{type: {load.pruner}}}" if load.pruner else "null"
    (folder / "space.yaml").write_text(SPACE.format(sampler=load.sampler, epochs=load.epochs, pruner=pruner))
    Jobs(database).submit(Submission(JobKind.REMOTE, STUDY, "local", NO_SLOTS, {}, 0, str(folder)))


def kept(url: str) -> int:
    """Return how many epochs the database has."""
    return sum(len(record.epochs) for record in load_study(open_storage(url), STUDY).records())


def measure(address: str, token: str, load: Load) -> Found:
    """Let the workers report, and return what they found."""
    context = multiprocessing.get_context("spawn")
    ready, begin = context.Semaphore(0), context.Event()
    answers = context.Queue()
    shares = [len(range(i, load.workers, PROCESSES)) for i in range(PROCESSES)]
    processes = [
        context.Process(target=_work, args=(address, token, load, i, share, ready, begin, answers))
        for i, share in enumerate(shares)
    ]
    for process in processes:
        process.start()
    for _ in range(load.workers):
        if not ready.acquire(timeout=START_SECONDS):
            raise RuntimeError("not every worker has got a trial")
    begin.set()
    found = [answers.get(timeout=load.seconds + START_SECONDS) for _ in processes]
    for process in processes:
        process.join()
    reports = tuple(itertools.chain.from_iterable(each[0] for each in found))
    asks = tuple(itertools.chain.from_iterable(each[1] for each in found))
    return Found(len(reports) / load.seconds, Times(reports), Times(asks), sum(each[2] for each in found))


def _work(
    address: str, token: str, load: Load, process: int, workers: int, ready: Any, begin: Any, answers: Any
) -> None:
    uvloop.run(_worked(address, token, load, process, workers, ready, begin, answers))


async def _worked(
    address: str, token: str, load: Load, process: int, workers: int, ready: Any, begin: Any, answers: Any
) -> None:
    crew = Crew(address, token, load)
    names = [f"{process}-{i}" for i in range(workers)]
    firsts = await asyncio.gather(*(crew.first(name, ready) for name in names))
    await asyncio.to_thread(begin.wait)
    crew.until = time.perf_counter() + load.seconds
    await asyncio.gather(*(worker.report_on(crew) for worker in firsts))
    answers.put((crew.reports, crew.asks, crew.answered))


@dataclass(slots=True)
class Crew:
    """The workers of one process, and what they measured."""

    address: str
    token: str
    load: Load
    until: float = math.inf
    reports: list[float] = field(default_factory=list)
    asks: list[float] = field(default_factory=list)
    answered: int = 0

    async def first(self, name: str, ready: Any) -> Worker:
        """Return a worker with its first trial."""
        worker = Worker(name, Connection.to(self.address, self.token))
        await worker.ask()
        ready.release()
        return worker


@dataclass(slots=True)
class Worker:
    """A worker with a trial."""

    name: str
    connection: Connection
    number: int = -1
    attempt: int = 0

    async def ask(self) -> None:
        """Ask until there is a trial."""
        while True:
            status, task = await self.connection.post("ask", {"worker": self.name})
            if status == 200:
                self.number, self.attempt = task["number"], task["attempt"]
                return
            await asyncio.sleep(0.5)

    async def report_on(self, crew: Crew) -> None:
        """Report epochs at the pace of the load until its time is over.

        The first trial is cut short at random. Else all workers would end their trials at the same moment.
        """
        epochs = random.randint(1, crew.load.epochs)
        pause = crew.load.workers / crew.load.rate
        due = time.perf_counter() + random.random() * pause
        epoch = 0
        while time.perf_counter() < crew.until:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            due = max(due + pause, time.perf_counter() - pause)
            epoch += 1
            began = time.perf_counter()
            verdict = await self._report(epoch)
            crew.reports.append(time.perf_counter() - began)
            crew.answered += 1
            if verdict == "go" and epoch < epochs:
                continue
            if verdict == "go":
                await self._call("complete", {})
            began = time.perf_counter()
            await self.ask()
            crew.asks.append(time.perf_counter() - began)
            epoch, epochs = 0, crew.load.epochs

    async def _report(self, epoch: int) -> str:
        metrics = {"loss": 1 / epoch + (self.number * 7919 % 100) / 300, "accuracy": 0.5}
        answer = await self._call("epochs", {"epochs": [{"epoch": epoch, "metrics": metrics}]})
        verdict: str = answer["verdict"]
        return verdict

    async def _call(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        place = f"trials/{self.number}/{action}"
        status, answer = await self.connection.post(place, {"attempt": self.attempt, **body})
        if status != 200:
            raise RuntimeError(f"{place}: {status} {answer}")
        told: dict[str, Any] = answer
        return told


@dataclass(slots=True)
class Connection:
    """A connection that stays open. A client of HTTP would take more time than what is measured."""

    place: str
    head: str
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @classmethod
    def to(cls, address: str, token: str) -> Connection:
        """Return a connection, which is made when something is sent."""
        place = urlsplit(address).netloc
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        return cls(place, f"Host: {place}\r\n{bearer}Content-Type: application/json\r\n")

    async def post(self, place: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Send a body to a place below the study, and return the status and the body of the answer.

        The server closes connections that are idle. So it is sent again over a new one, which repeats nothing.
        """
        content = json.dumps(body)
        line = f"POST /api/v1/studies/{STUDY}/{place} HTTP/1.1\r\n"
        request = f"{line}{self.head}Content-Length: {len(content)}\r\n\r\n{content}".encode()
        try:
            return await self._sent(request)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.streams = None
            return await self._sent(request)

    async def _sent(self, request: bytes) -> tuple[int, Any]:
        if self.streams is None:
            host, _, port = self.place.rpartition(":")
            self.streams = await asyncio.open_connection(host, int(port))
        reader, writer = self.streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        answer = await reader.readexactly(int(length[1]) if length else 0)
        return int(head[9:12]), json.loads(answer) if answer else None
