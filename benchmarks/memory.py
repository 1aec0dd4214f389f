"""Peak memory of a run against the number of workers and the size of the data, as PSS of all its processes.

    python -m benchmarks.memory --workers 1 8 --megabytes 16 416

PSS counts a page that several processes share once in all. What more data cost should be one copy of
them, however many workers there are: the table shows it in copies.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import tempfile
from pathlib import Path

import psutil

from benchmarks import studies

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
    """The most bytes that a process and those below it have taken together, until it ends."""
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
    """The peak of a run in bytes."""
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--megabytes", type=int, nargs="+", default=[16, 416])
    asked = parser.parse_args()
    print(f"{'workers':>8} {'data, MB':>9} {'peak PSS, MB':>13} {'copies of what was added':>25}")
    for workers in asked.workers:
        peaks = {megabytes: measured(workers, megabytes) / 2**20 for megabytes in asked.megabytes}
        print(f"{workers:8} {asked.megabytes[0]:9} {peaks[asked.megabytes[0]]:13.0f}")
        for less, more in itertools.pairwise(asked.megabytes):
            copies = (peaks[more] - peaks[less]) / (more - less)
            print(f"{workers:8} {more:9} {peaks[more]:13.0f} {copies:25.2f}")


if __name__ == "__main__":
    main()
