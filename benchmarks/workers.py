"""Two workers against one, on the same trials of a CNN on real MNIST.

    python -m benchmarks.workers --data DATA --repeats 3

DATA is a folder with MNIST in torchvision's layout. Each repeat runs all contestants, in another order;
what counts is the ratio of the medians. A time is of the whole command, start-up included.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import studies

SPACE = """\
study: {{name: mnist-cnn}}
search: {{trials: {trials}, sampler: {{type: RandomSampler}}, pruner: null}}
data: {{type: MNIST, root: "{data}", batch_size: 64}}
model: {{type: CNN, channels: [16, 32], dropout: 0.25}}
optimizer: {{type: AdamW, lr: {{float: [1e-4, 1e-2], log: true}}}}
training: {{epochs: {epochs}}}
"""
CONTESTANTS = {
    "1 worker, 1 thread": ("--workers", "1", "--threads", "1"),
    "1 worker, all cores": ("--workers", "1"),
    "2 workers": ("--workers", "2"),
}


def seconds(contestant: str, data: Path, trials: int, epochs: int) -> float:
    """How long a contestant takes for the study."""
    with tempfile.TemporaryDirectory(prefix="workers-") as folder:
        space = Path(folder, "mnist.yaml")
        space.write_text(SPACE.format(data=data.resolve(), trials=trials, epochs=epochs))
        began = time.perf_counter()
        studies.run(space, f"sqlite:///{folder}/studies.db", *CONTESTANTS[contestant])
        return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for repeat in range(asked.repeats):
        for name in random.Random(repeat).sample(list(CONTESTANTS), len(CONTESTANTS)):
            times[name].append(seconds(name, asked.data, asked.trials, asked.epochs))
            print(f"  {name}: {times[name][-1]:.1f} s", flush=True)
    two = statistics.median(times["2 workers"])
    print(f"{asked.trials} trials of {asked.epochs} epochs, {asked.repeats} repeats")
    print(f"{'':22} {'median s':>9} {'from':>7} {'to':>7} {'2 workers take':>15}")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:22} {median:9.1f} {min(taken):7.1f} {max(taken):7.1f} {two / median:15.2f}")


if __name__ == "__main__":
    main()
