"""A worker in Python. It trains trials of a study until the study has its total.

export TUNER_SERVER=http://127.0.0.1:8000 TUNER_TOKEN=...
tuner run space.yaml --detach
python worker.py remote
"""

from __future__ import annotations

import math
import sys

import tuner


def error(rate: float, decay: float, epoch: int) -> float:
    """Stand in for an epoch of training."""
    return math.log10(rate / 0.03) ** 2 + decay**epoch


def main(study: str) -> None:
    """Train trials, and print how each ended."""
    for trial in tuner.Client().study(study).work():
        config = trial.config
        with trial:  # a trial that the pruner stops leaves this block early, without an error
            for epoch in range(1, config["training"]["epochs"] + 1):
                trial.report(epoch, error=error(config["rate"], config["decay"], epoch))
        print(f"trial {trial.number} has ended")


if __name__ == "__main__":
    main(sys.argv[1])
