"""Time to quality: how long a search takes until its best validation accuracy passes a target.

    python -m benchmarks.quality --data DATA --repeats 5

Each repeat has a seed of its own; the trial count does not matter. Start-up is not in the times. All
search one space; the scripts train one trial at a time with all cores, as such scripts do. Trials of the MLP
may train together: that is faster, but what is asked for earlier is sampled knowing less. Here both count.
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
APART = "tuner, one after the other"
LANES = (
    *CONTESTANTS[:2],
    Contestant(APART, "ours", {"workers": 1, "threads": 1, "fuse": "off", "search": {}}, (PLAIN, RANDOM)),
    Contestant("tuner, --fuse auto", "ours", {"workers": 1, "threads": 1, "search": {}}, (PLAIN, RANDOM, APART)),
)
DIGITS, MLP, MNIST = "digits to 0.98", "MLP on digits to 0.972", "MNIST to 0.985"


def measure(asked: Asked) -> list[Row]:
    """Seconds until the target is reached."""
    found = race_to(DIGITS, DIGITS, CONTESTANTS, asked, Target(0.98, trials=200, seconds=300))
    found += race_to(MLP, "digits, batch 32, width 32", LANES, asked, Target(0.972, trials=200, seconds=120))
    if asked.data is None or asked.quick:
        say("quality: MNIST is left out, it needs --data and no --quick")
        return found
    return found + race_to(MNIST, MNIST, CONTESTANTS, asked, Target(0.985, trials=50, seconds=1200))


if __name__ == "__main__":
    front(__doc__, measure)
