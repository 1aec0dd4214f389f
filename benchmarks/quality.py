"""Time to quality: how long a search takes until its best validation accuracy passes a target.

    python -m benchmarks.quality --data DATA --repeats 5

Each repeat has a seed of its own; the trial count does not matter. Start-up is not in the times. All
search one space; the scripts train one trial at a time with all cores, as such scripts do.
"""

from __future__ import annotations

from benchmarks.contestants.race import Target
from benchmarks.rig import Asked, Contestant, front, race_to, say
from benchmarks.rows import Row

PLAIN, RANDOM = "plain Optuna script, TPE and MedianPruner", "plain Optuna script, random search"
CONTESTANTS = (
    Contestant(PLAIN, "plain", {"sampler": "TPESampler", "pruner": "MedianPruner"}),
    Contestant(RANDOM, "plain", {"sampler": "RandomSampler", "pruner": "NopPruner"}, (PLAIN,)),
    Contestant("tuner, its defaults, 2 workers", "ours", {"workers": 2, "search": {}}, (PLAIN, RANDOM)),
)
TARGETS = {"digits to 0.98": Target(0.98, trials=200, seconds=300), "MNIST to 0.985": Target(0.985, 50, 1200)}


def measure(asked: Asked) -> list[Row]:
    """Seconds until the target is reached."""
    found = race_to("digits to 0.98", "digits to 0.98", CONTESTANTS, asked, TARGETS["digits to 0.98"])
    if asked.data is None or asked.quick:
        say("quality: MNIST is left out, it needs --data and no --quick")
        return found
    return found + race_to("MNIST to 0.985", "MNIST to 0.985", CONTESTANTS, asked, TARGETS["MNIST to 0.985"])


if __name__ == "__main__":
    front(__doc__, measure)
