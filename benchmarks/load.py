"""How many reports a second go through one driver, while optuna-dashboard shows the study.

    python -m benchmarks.load --seconds 20 --workers 256

The workers are only names: they report as fast as the driver takes it. Every other second the dashboard, a
process of its own on the same SQLite file, is asked for the whole study, as its page does. In the end it must
show every trial that has ended.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.driver import REPORTS, SPACE
from tuner.goal import goal_of
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict
from tuner.search.driver import Driver
from tuner.search.trial_scheduler import Limits
from tuner.space import Space
from tuner.storage import join, open_storage
from tuner.study import open_study

EVERY_SECONDS = 2.0

CACHE_SECONDS = 10.5
"""For so long the dashboard shows what it has read."""


@dataclass(slots=True)
class Reader:
    """Asks the dashboard for the study again and again; how long each answer took, and how much it showed."""

    port: int
    taken: list[float] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Ask once.

        Raises:
            OSError: the dashboard gave no study.
        """
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/studies/1?after=0", timeout=60) as answer:
            trials: list[dict[str, Any]] = json.load(answer)["trials"]
        self.taken.append(time.perf_counter() - began)
        self.ended.append(sum(trial["state"] in ("Complete", "Pruned") for trial in trials))

    def read_on(self) -> None:
        """Ask until it is over."""
        while not self.over.wait(EVERY_SECONDS):
            self.read()


@contextmanager
def dashboard(url: str) -> Iterator[Reader]:
    """Return a reader of a dashboard that is up."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tuner", "dashboard", "--storage", url, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield Reader(port)
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the dashboard does not come up")


def drive(driver: Driver, places: list[Place], seconds: float) -> tuple[int, int, float]:
    """Have all report, one after the other, for some seconds; the reports, the ended trials, and the seconds."""
    training: dict[Place, tuple[Trial, int]] = {}
    reports = ended = 0
    began = time.perf_counter()
    for place in itertools.cycle(places):
        if time.perf_counter() - began > seconds:
            break
        trial, epoch = training.get(place) or (driver.next(place), 1)
        assert trial is not None
        score = trial.values["x0"] * epoch
        verdict = driver.report(Epoch(trial.number, 1, epoch, {"score": score, "train_loss": 1.0 / epoch}, 0.1))
        reports += 1
        training[place] = trial, epoch + 1
        if verdict is Verdict.STOP or epoch == REPORTS:
            outcome = Outcome(trial.number, 1, State.PRUNED, epoch=epoch)
            if verdict is Verdict.GO:
                outcome = Outcome(trial.number, 1, State.COMPLETE, (score,), epoch)
            driver.done(outcome)
            ended += 1
            del training[place]
    return reports, ended, time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", type=int, default=256)
    parser.add_argument("--sampler", default="RandomSampler")
    parser.add_argument("--pruner", default="HyperbandPruner")
    asked = parser.parse_args()
    space = Space.parse(SPACE % (asked.sampler, f"{{type: {asked.pruner}}}"))
    places = [Place(str(i), "here", "cpu", 1) for i in range(asked.workers)]
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        url = f"sqlite:///{folder}/studies.db"
        with join(url, space.name) as turns:
            with turns.turn():
                study = open_study(open_storage(url, create=True), space, goal_of(space.objective, None))
            driver = Driver(study, turns, Limits(10**6, math.inf, 10, 3), Path(folder), lambda event: None)
            with dashboard(url) as reader, ThreadPoolExecutor() as beside:
                reading = beside.submit(reader.read_on)
                try:
                    reports, ended, taken = drive(driver, places, asked.seconds)
                finally:
                    reader.over.set()
                reading.result()
                time.sleep(CACHE_SECONDS)
                reader.read()
            driver.leave()
    assert reader.ended[-1] == ended, f"the dashboard shows {reader.ended[-1]} of {ended} trials"
    print(f"{reports} reports of trials of {REPORTS} in {taken:.1f} s, {asked.workers} workers, {asked.pruner}")
    print(f"{reports / taken:.0f} reports a second, {ended / taken:.0f} trials begun and ended")
    print(f"dashboard: {len(reader.taken)} answers, {statistics.median(reader.taken):.2f} s each, {reader.ended} ended")


if __name__ == "__main__":
    main()
