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
import statistics
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
    load = remote_workers.Load(asked.workers, asked.rate, asked.seconds, asked.epochs, asked.sampler, asked.pruner)
    with served() as server:
        remote_workers.submit(server.url, load)
        found = remote_workers.measure(server.address, server.token, load)
        times = [process.cpu_times() for process in (server.process, *server.process.children())]
        kept = remote_workers.kept(server.url)
    how = f"{load.sampler}, {load.pruner or 'no pruner'}, {load.epochs} epochs a trial"
    yield f"{load.workers} workers, {how}, for {load.seconds:g} s"
    yield f"reports: {found.rate:,.0f} a second; {found.reports}"
    yield f"asks: {found.asks}"
    yield f"all answers: {found.answered:,} reports; in the database: {kept:,}"
    used = " + ".join(f"{each.user + each.system:.1f}" for each in times)
    yield f"the server and its processes used {used} s of CPU in all, with their start"
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


def _pages(asked: argparse.Namespace) -> Iterator[str]:
    """Yield how soon pages are usable in a browser, and how soon an epoch is on the page."""
    from benchmarks import service_pages

    with served() as server:
        for i in range(asked.studies):
            service_lists.write_study(server.url, f"study-{i}", 10)
        service_lists.write_study(server.url, "large", asked.trials)
        wanted = {
            f"the list of {asked.studies + 1} studies": ("/", ["main tbody tr"]),
            f"a study of {asked.trials:,} trials": ("/studies/large", ["#trials tbody tr", "#history svg path"]),
        }
        headers = {"Authorization": f"Bearer {server.token}"}
        with service_pages.opened(f"{server.address}/?token={server.token}") as page:
            for what, (path, selectors) in wanted.items():
                first, later = service_pages.seconds_until(page, server.address + path, *selectors)
                yield f"{what}: {later:.2f} s until it is drawn; the first time {first:.2f} s"
            with httpx.Client(base_url=f"{server.address}/api/v1", headers=headers, timeout=60) as client:
                delays = service_pages.epoch_delays(page, client, server.address, server.folder / ".tuner/service")
        median = statistics.median(delays)
        yield f"an epoch is on the page after {median:.2f} s (median of {len(delays)}), at most {max(delays):.2f} s"


def _idle(asked: argparse.Namespace) -> Iterator[str]:
    """Yield the memory and the CPU of a server that nobody asks."""
    with served() as server:
        time.sleep(5)  # the start is over
        server.process.cpu_percent()
        time.sleep(asked.idle_seconds)
        used = server.process.cpu_percent()
        megabytes = server.process.memory_info().rss / 1e6
        yield f"idle for {asked.idle_seconds:g} s: {megabytes:.0f} MB, {used:.2f} % of a core"


SECTIONS: Mapping[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "reports": _reports,
    "lists": _lists,
    "pages": _pages,
    "idle": _idle,
}
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
    parser.add_argument("--pruner", default="MedianPruner", help="of the study; an empty one lets each trial end")
    parser.add_argument("--idle-seconds", type=float, default=30)
    parser.add_argument("--studies", type=int, default=999, help="small studies of the sections lists and pages")
    parser.add_argument("--trials", type=int, default=10_000, help="trials of its large study")
    asked = parser.parse_args()
    for name in asked.only:
        print(f"# {name}")
        for line in SECTIONS[name](asked):
            print(line, flush=True)


if __name__ == "__main__":
    main()
