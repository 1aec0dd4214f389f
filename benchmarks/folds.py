"""What five folds cost: the same trials on one validation split, and on five folds in lanes and in turn.

    python -m benchmarks.folds --trials 20 --repeats 3

The seconds are those from the first trial's start to the last one's end, on one thread. Measuring what pays is in them.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import tuner
from benchmarks.rig import Asked, Contestant, compared, front, say
from benchmarks.rows import Row

SPACE = """\
study: {{name: folds, seed: {seed}}}
search: {{trials: {trials}, pruner: null}}
data: {{type: digits, batch_size: 64{folds}}}
model: {model}
optimizer: {{type: AdamW, lr: {{float: [1e-3, 1e-2], log: true}}}}
training: {{epochs: 12}}
"""
MODELS = {
    "MLP on digits": "{type: MLP, hidden: [64, 32], dropout: {float: [0, 0.5]}}",
    "CNN on digits": "{type: CNN, channels: [16, 32], dropout: {float: [0, 0.5]}}",
}
ONE = "one split"
CONTESTANTS = (
    Contestant(ONE, "ours", {"folds": "", "fuse": "off"}),
    Contestant("5 folds, --fuse auto", "ours", {"folds": ", folds: 5", "fuse": "auto"}, (ONE,)),
    Contestant("5 folds, in turn", "ours", {"folds": ", folds: 5", "fuse": "off"}, (ONE,)),
)


def seconds_of(model: str, contestant: Contestant, trials: int, seed: int) -> float:
    """Return the seconds per trial of a search."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        text = SPACE.format(seed=seed, trials=trials, model=model, folds=contestant.options["folds"])
        space = Path(folder, "folds.yaml")
        space.write_text(text)
        url = f"sqlite:///{folder}/studies.db"
        study = tuner.run(space, storage=url, threads=1, device="cpu", fuse=contestant.options["fuse"]).study
        ends = [record.ended.timestamp() for record in study.records() if record.ended is not None]
        starts = [record.started.timestamp() for record in study.records() if record.started is not None]
        return (max(ends) - min(starts)) / trials


def measure(asked: Asked) -> list[Row]:
    """Seconds per trial."""
    found = []
    for part, model in MODELS.items():
        values: dict[str, list[float]] = {contestant.name: [] for contestant in CONTESTANTS}
        for repeat in range(asked.repeats):
            for contestant in random.Random(repeat).sample(CONTESTANTS, len(CONTESTANTS)):
                values[contestant.name].append(seconds_of(model, contestant, asked.trials, repeat))
                say(f"{part}: {contestant.name}: {values[contestant.name][-1]:.3f} s a trial")
        found += compared(part, "training", "s per trial", values, CONTESTANTS)
    return found


if __name__ == "__main__":
    front(__doc__, measure)
