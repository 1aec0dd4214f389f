"""Peak memory of a run against the number of workers and the size of the data, as PSS of all its processes.

    python -m benchmarks.memory --workers 1 8 --megabytes 16 416

PSS counts a page that several processes share once in all. What more data cost should be one copy of
them, however many workers there are: the table shows it in copies.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks import studies
from benchmarks.rig import Asked, asked_of, parser, say, show
from benchmarks.rows import Row

SPACE = """\
search: {{trials: {trials}, sampler: {{type: RandomSampler}}, pruner: null}}
data: {{type: "rows.py:rows", megabytes: {megabytes}, batch_size: 4096}}
model: {{type: MLP, hidden: [4]}}
optimizer: {{type: SGD, lr: {{float: [1e-3, 1e-1], log: true}}}}
training: {{epochs: 3}}
"""
ROWS = """\
import torch

WIDTH = 256

def rows(megabytes):
    inputs = torch.rand(megabytes * 2**20 // (WIDTH * 4), WIDTH)
    return inputs, (inputs[:, 0] > 0.5).long()
"""
LOOK_SECONDS = 0.2


def peak(process: psutil.Process) -> int:
    """Return the peak, in bytes, of a process and its descendants together, until it ends."""
    most = 0
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        most = max(most, sum(map(_pss, [process, *process.children(recursive=True)])))
        try:
            process.wait(LOOK_SECONDS)
        except psutil.TimeoutExpired:
            continue
    return most


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has just ended
        return 0


def measured(workers: int, megabytes: int) -> int:
    """Return the peak of a run in bytes."""
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        Path(folder, "rows.py").write_text(ROWS)
        space = Path(folder, "memory.yaml")
        space.write_text(SPACE.format(trials=4 * workers, megabytes=megabytes))
        options = ["--workers", str(workers), "--threads", "1", "-q"]
        command = studies.command(space, f"sqlite:///{folder}/studies.db", *options)
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as run:
            most = peak(psutil.Process(run.pid))
        if run.returncode:
            raise RuntimeError(f"the run ended with {run.returncode}")
        return most


def rows_of(workers: Sequence[int], megabytes: Sequence[int], repeats: int) -> list[Row]:
    """Peaks for every number of workers and size of the data, in megabytes, and in copies what more data cost."""
    rows = []
    for count in workers:
        peaks = {size: [measured(count, size) / 2**20 for _ in range(repeats)] for size in megabytes}
        for size, values in peaks.items():
            say(f"memory: {count} workers, {size} MB of data: {values[-1]:.0f} MB")
            rows.append(Row.of("memory", f"{count} workers, {size} MB of data", "peak PSS", "MB", values))
        for less, more in itertools.pairwise(megabytes):
            copies = [(big - small) / (more - less) for small, big in zip(peaks[less], peaks[more], strict=True)]
            name = f"{count} workers, {less} to {more} MB"
            rows.append(Row.of("memory", name, "what more data cost", "copies", copies))
    return rows


def measure(asked: Asked) -> list[Row]:
    """One worker and several, little data and much."""
    return rows_of([1, 2], [16, 64], 1) if asked.quick else rows_of([1, 8], [16, 416], asked.repeats)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--workers", type=int, nargs="+", default=[1, 8])
    options.add_argument("--megabytes", type=int, nargs="+", default=[16, 416])
    told = options.parse_args()
    asked = asked_of(told)
    show(rows_of(told.workers, told.megabytes, asked.repeats), asked)


if __name__ == "__main__":
    main()
