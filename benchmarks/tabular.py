"""Small MLPs on scikit-learn's digits and on a CSV; lr, momentum, weight decay, dropout and stepped widths tuned.

    python -m benchmarks.tabular --trials 100 --repeats 3

All contestants train the same trials of 10 epochs. Two of the jobs are of one shape, so that all of
their trials may train as one program; the third tunes its widths.
"""

from __future__ import annotations

from benchmarks.rig import Asked, Contestant, front, race
from benchmarks.rows import Row

BARE = "bare loop, 1 thread"
CONTESTANTS = (
    Contestant(BARE, "bare", {"processes": 1, "threads": 1}),
    Contestant("tuner, 1 worker, 1 thread", "ours", {"workers": 1, "threads": 1, "fuse": "off"}, (BARE,)),
    Contestant("tuner, 2 workers", "ours", {"workers": 2, "fuse": "off"}, (BARE,)),
    Contestant("tuner, --fuse auto", "ours", {"workers": 1, "threads": 1, "fuse": "auto"}, (BARE,)),
)
JOBS = ("digits, batch 32, width 32", "digits, batch 128, width 64", "CSV, batch 64, widths tuned")


def measure(asked: Asked) -> list[Row]:
    """Seconds per trial, and of start-up."""
    return [row for job in JOBS for row in race(job, job, CONTESTANTS, asked)]


if __name__ == "__main__":
    front(__doc__, measure)
