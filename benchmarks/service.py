"""What the service must show: figures of a real `tuner serve` on this machine.

    python -m benchmarks.service
    python -m benchmarks.service --only reports --workers 256 --seconds 20

Each section starts a server in a folder of its own, and prints its lines.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil

from benchmarks import remote_workers, service_lists


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its process, folder, address and token."""

    process: psutil.Process
    folder: Path
    address: str
    token: str

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"sqlite:///{self.folder}/studies.db"


@contextlib.contextmanager
def served() -> Iterator[Served]:
    """Serve in a temporary folder until the context ends.

    Raises:
        RuntimeError: the server does not start.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        printed = folder / "server.log"
        with printed.open("wb") as log:
            command = [sys.executable, "-m", "tuner", "serve", "--port", "0"]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
        try:
            link = urlsplit(_link(process, printed))
            token = next(iter(parse_qs(link.query).get("token", ())), "")
            yield Served(psutil.Process(process.pid), folder, f"{link.scheme}://{link.netloc}", token)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _link(process: subprocess.Popen[bytes], printed: Path) -> str:
    while process.poll() is None:
        if found := re.search(r"http://\S+", printed.read_text()):
            return found[0]
        time.sleep(0.05)
    raise RuntimeError(printed.read_text())


def _reports(asked: argparse.Namespace) -> Iterator[str]:
    """Yield how many reports a second are kept, and how long each takes."""
    load = remote_workers.Load(asked.workers, asked.rate, asked.seconds, asked.epochs, asked.sampler)
    with served() as server:
        remote_workers.submit(server.url, load)
        before = server.process.cpu_times()
        found = remote_workers.measure(server.address, server.token, load)
        after = server.process.cpu_times()
        kept = remote_workers.kept(server.url)
    used = after.user + after.system - before.user - before.system
    yield f"{load.workers} workers, {load.sampler}, {load.epochs} epochs a trial, for {load.seconds:g} s"
    yield f"reports: {found.rate:,.0f} a second; {found.reports}"
    yield f"asks: {found.asks}"
    yield f"all answers: {found.answered:,} reports; in the database: {kept:,}"
    yield f"the server used {used:.1f} s of CPU in all"
    if kept != found.answered:
        raise SystemExit("reports that were answered are not in the database")


def _lists(asked: argparse.Namespace) -> Iterator[str]:
    """Yield how soon lists of studies and of trials are there."""
    with served() as server:
        for i in range(asked.studies):
            service_lists.write_study(server.url, f"study-{i}", 10)
        service_lists.write_study(server.url, "large", asked.trials)
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=f"{server.address}/api/v1", headers=headers, timeout=600) as client:
            yield from service_lists.measured(client, asked.studies + 1, "large")


SECTIONS: Mapping[str, Callable[[argparse.Namespace], Iterator[str]]] = {"reports": _reports, "lists": _lists}
"""The sections, by their names; each yields lines."""


def main() -> None:
    """Run the sections and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), metavar="NAME")
    parser.add_argument("--workers", type=int, default=256)
    parser.add_argument("--rate", type=float, default=1100, help="reports a second that the workers try")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--sampler", default="RandomSampler")
    parser.add_argument("--studies", type=int, default=999, help="small studies of the section lists")
    parser.add_argument("--trials", type=int, default=10_000, help="trials of its large study")
    asked = parser.parse_args()
    for name in asked.only:
        print(f"# {name}")
        for line in SECTIONS[name](asked):
            print(line, flush=True)


if __name__ == "__main__":
    main()
