"""The example job of Optuna's documentation: an MLP on MNIST, 10 epochs of 30 batches of 128, scored on 1,280 images.

    python -m benchmarks.example --data DATA --trials 20 --repeats 3

All contestants train the same trials, drawn by a seeded random sampler. Start-up (imports, data) is apart.
"""

from __future__ import annotations

from benchmarks.rig import Asked, Contestant, front, race, say
from benchmarks.rows import Row

PLAIN, BARE, BARES = "plain Optuna script", "bare loop, 1 thread", "bare loop, 2 processes"
CONTESTANTS = (
    Contestant(PLAIN, "plain"),
    Contestant("Ray Tune", "raytune", against=(PLAIN,)),
    Contestant(BARE, "bare", {"processes": 1, "threads": 1}, (PLAIN,)),
    Contestant(BARES, "bare", {"processes": 2, "threads": 1}, (PLAIN,)),
    Contestant("tuner, 1 worker, 1 thread", "ours", {"workers": 1, "threads": 1, "fuse": "off"}, (PLAIN, BARE)),
    Contestant("tuner, 2 workers", "ours", {"workers": 2, "fuse": "off"}, (PLAIN, BARES)),
    Contestant("tuner, --fuse auto", "ours", {"workers": 1, "threads": 1, "fuse": "auto"}, (PLAIN, BARE)),
)


def measure(asked: Asked) -> list[Row]:
    """Seconds per trial, and of start-up."""
    if asked.data is None:
        say("example: left out, it needs --data")
        return []
    return race("example job", "example", CONTESTANTS, asked)


if __name__ == "__main__":
    front(__doc__, measure)
