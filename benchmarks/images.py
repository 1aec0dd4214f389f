"""A CNN on MNIST for one epoch; on a GPU, where there is one, CNNs of CIFAR's shape fused and one after the other.

    python -m benchmarks.images --data DATA --trials 8 --repeats 3

All contestants train the same trials, with all cores where nothing else is said.
"""

from __future__ import annotations

import torch

from benchmarks.rig import Asked, Contestant, front, race, say
from benchmarks.rows import Row
from tuner.runtime.cores import cores

PLAIN, BARE = "plain Optuna script", "bare loop, all cores"
CONTESTANTS = (
    Contestant(PLAIN, "plain"),
    Contestant(BARE, "bare", {"processes": 1, "threads": cores()}, (PLAIN,)),
    Contestant("tuner, 1 worker, all cores", "ours", {"workers": 1, "fuse": "off"}, (PLAIN, BARE)),
    Contestant("tuner, 2 workers", "ours", {"workers": 2, "fuse": "off"}, (PLAIN, BARE)),
)
RESIDENT, APART = "bare loop, rows on the GPU", "tuner, one after the other"
ON_GPU = (
    Contestant(RESIDENT, "bare", {"processes": 1, "threads": cores(), "device": "cuda"}),
    Contestant(APART, "ours", {"workers": 1, "fuse": "off"}, (RESIDENT,)),
    Contestant("tuner, --fuse auto", "ours", {"workers": 1, "fuse": "auto"}, (RESIDENT, APART)),
)
GPU_JOBS = ("small CNN, CIFAR's shape", "resnet18, CIFAR's shape")


def measure(asked: Asked) -> list[Row]:
    """Seconds per trial, and of start-up."""
    found = []
    if asked.data is None:
        say("images: the CNN on MNIST is left out, it needs --data")
    else:
        found += race("CNN on MNIST, 1 epoch", "CNN on MNIST", CONTESTANTS, asked)
    if not torch.cuda.is_available():
        say("images: fused CNNs are left out, they need a GPU")
        return found
    return found + [row for job in GPU_JOBS for row in race(f"{job}, on a GPU", job, ON_GPU, asked)]


if __name__ == "__main__":
    front(__doc__, measure)
