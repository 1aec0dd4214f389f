"""Start-up: what a command takes before it does its work, and a run before its first epoch ends.

    python -m benchmarks.startup --repeats 5

The time to the first epoch is of a small MLP on digits, whose epoch takes about 50 ms.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from benchmarks import studies
from benchmarks.rig import Asked, compared, front, say
from benchmarks.rows import Row

SPACE = """\
search: {trials: 1, sampler: {type: RandomSampler}, pruner: null}
data: {type: digits, batch_size: 128}
model: {type: MLP, hidden: [32]}
optimizer: {type: SGD, lr: {float: [1e-3, 1e-1], log: true}}
training: {epochs: 1}
"""


def _seconds(*command: str) -> Callable[[Path], float]:
    """How long a command of Python's takes."""

    def measured(folder: Path) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - began

    return measured


def _first_epoch(*options: str) -> Callable[[Path], float]:
    """How long a run takes until the driver has heard of its first epoch."""

    def measured(folder: Path) -> float:
        storage, log = f"sqlite:///{folder}/{time.monotonic_ns()}.db", folder / f"{time.monotonic_ns()}.jsonl"
        began = time.time()
        studies.run(folder / "space.yaml", storage, "--log-file", str(log), *options)
        events = map(json.loads, log.read_text().splitlines())
        heard = next(event["time"] for event in events if event["event"] == "reported")
        return datetime.fromisoformat(heard).timestamp() - began

    return measured


CONTESTANTS = {
    "python -c 'import torch'": _seconds("-c", "import torch"),
    "tuner --help": _seconds("-m", "tuner", "--help"),
    "tuner check --no-build": _seconds("-m", "tuner", "check", "--no-build", "--space", "space.yaml"),
    "tuner check": _seconds("-m", "tuner", "check", "--space", "space.yaml"),
    "tuner run, to the first epoch": _first_epoch(),
    "tuner run --workers 2, to the first epoch": _first_epoch("--workers", "2"),
}


def measure(asked: Asked) -> list[Row]:
    """Seconds of each command."""
    taken: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    with tempfile.TemporaryDirectory(prefix="startup-") as folder:
        Path(folder, "space.yaml").write_text(SPACE)
        for repeat in range(asked.repeats):
            for name in random.Random(repeat).sample(list(CONTESTANTS), len(CONTESTANTS)):
                taken[name].append(CONTESTANTS[name](Path(folder)))
                say(f"start-up: {name}: {taken[name][-1]:.2f} s")
    return compared("start-up", "command", "s", taken, [])


if __name__ == "__main__":
    front(__doc__, measure)
