"""Many workers, or many studies side by side, on one SQLite file: whether it holds, and what the driver costs.

    python -m benchmarks.many --workers 16 --trials 2000 --epochs 10
    python -m benchmarks.many --studies 8 --workers 1 --trials 500

The trials train nothing. So what is measured is asking, reporting, pruning and telling. It must end without an error
and without a word about waiting. One more writer asks for SQLite's write lock all the time: how long it waits is how
long a report of any driver may wait.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import studies

SPACE = """\
study: {{name: many-{i}}}
search: {{trials: {trials}, sampler: {{type: {sampler}}}}}
objective: {{function: "fit.py:fit", metric: score, direction: maximize}}
x: {{float: [0, 1]}}
y: {{float: [1e-4, 1], log: true}}
training: {{epochs: {epochs}}}
"""
FIT = """\
def fit(config, report):
    for epoch in range(1, config["training"]["epochs"] + 1):
        report(epoch, score=config["x"] * epoch - config["y"])
"""
PAUSE = 0.02
"""Seconds between two asks for the write lock."""


def main() -> None:
    """Run them, check the studies, and print the cost of a trial and the waits of a writer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1)
    parser.add_argument("--workers", type=int, default=16, help="of each study")
    parser.add_argument("--trials", type=int, default=2000, help="of each study")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--sampler", default="TPESampler")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="many-") as folder:
        began = time.perf_counter()
        with _writer(Path(folder, "studies.db")) as waits:
            _run(Path(folder), asked)
        taken = time.perf_counter() - began
        for i in range(asked.studies):
            trials = studies.trials(f"sqlite:///{folder}/studies.db", f"many-{i}")
            assert len(trials) == asked.trials, len(trials)
            assert all(trial.state.is_finished() for trial in trials)
    total = asked.studies * asked.trials
    print(f"{asked.studies} studies of {asked.trials} trials of {asked.epochs} epochs, {asked.workers} workers each")
    print(f"{taken:.0f} s with start-up, {1000 * taken / total:.1f} ms a trial; no error, no waiting")
    print(f"write lock: median {np.median(waits):.4f} s, p99 {np.quantile(waits, 0.99):.3f} s, most {max(waits):.3f} s")


def _run(folder: Path, asked: argparse.Namespace) -> None:
    (folder / "fit.py").write_text(FIT)
    runs = []
    for i in range(asked.studies):
        space = folder / f"many-{i}.yaml"
        space.write_text(SPACE.format(i=i, trials=asked.trials, epochs=asked.epochs, sampler=asked.sampler))
        call = studies.command(
            space, f"sqlite:///{folder}/studies.db", "--workers", str(asked.workers), "--threads", "1"
        )
        runs.append(subprocess.Popen(call, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    for run in runs:
        said = run.communicate()[1]
        troubles = [line for line in said.splitlines() if not line.startswith(("trial ", "study "))]
        if run.returncode or troubles:
            raise SystemExit(f"ended with {run.returncode}:\n" + "\n".join(troubles))


@contextlib.contextmanager
def _writer(file: Path) -> Iterator[Sequence[float]]:
    """Ask for the write lock of a database all the time; the seconds of each wait."""
    waits, over = [0.0], threading.Event()

    def ask() -> None:
        while not over.wait(PAUSE):
            if not file.exists():
                continue
            with contextlib.closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as connection:
                began = time.perf_counter()
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                waits.append(time.perf_counter() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield waits
    finally:
        over.set()
        asking.join()


if __name__ == "__main__":
    main()
