"""Many workers on one SQLite study of many short trials: whether it holds, and what the driver costs.

    python -m benchmarks.many --workers 16 --trials 2000 --epochs 10

The trials train nothing; so what is measured is asking, reporting, pruning and telling. It must end
without an error and without a word about waiting.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import studies

SPACE = """\
study: {{name: many}}
search: {{trials: {trials}, sampler: {{type: {sampler}}}}}
objective: {{function: "fit.py:fit", metric: score, direction: maximize}}
x: {{float: [0, 1]}}
y: {{float: [1e-4, 1], log: true}}
training: {{epochs: {epochs}}}
"""
FIT = """\
def fit(config, report):
    for epoch in range(1, config["training"]["epochs"] + 1):
        report(epoch, score=config["x"] * epoch - config["y"])
"""


def main() -> None:
    """Run it, check the study and print the cost of a trial."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--sampler", default="TPESampler")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="many-") as folder:
        space, storage = Path(folder, "many.yaml"), f"sqlite:///{folder}/studies.db"
        space.write_text(SPACE.format(trials=asked.trials, epochs=asked.epochs, sampler=asked.sampler))
        Path(folder, "fit.py").write_text(FIT)
        command = studies.command(space, storage, "--workers", str(asked.workers), "--threads", "1")
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        taken = time.perf_counter() - began
        troubles = [line for line in done.stderr.splitlines() if not line.startswith(("trial ", "study "))]
        if done.returncode or troubles:
            raise SystemExit(f"ended with {done.returncode}:\n" + "\n".join(troubles))
        trials = studies.trials(storage, "many")
    states = {state.name: sum(trial.state is state for trial in trials) for state in {trial.state for trial in trials}}
    assert len(trials) == asked.trials, len(trials)
    print(f"{asked.trials} trials of {asked.epochs} epochs, {asked.workers} workers, {asked.sampler}: {states}")
    print(f"{taken:.0f} s with start-up, {1000 * taken / asked.trials:.1f} ms a trial; no error, no waiting")


if __name__ == "__main__":
    main()
