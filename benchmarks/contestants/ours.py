"""This project. Options: what `tuner.run` takes besides, and for a search for quality its `search` section.

Start-up is until the first trial starts. Then a study of one epoch per worker warms up, and the time
counts from the first trial's start to the last one's end.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import tuner
from benchmarks.contestants.race import Answer, Clock, Target, Work, play
from tuner.errors import Interrupted, NoTrialSucceeded
from tuner.search.events import Ended, Event, Reported, Started

GIVEN = {"sampler": {"type": "RandomSampler"}, "pruner": None}
"""The search section where the parameters are given; a search for quality has the defaults of a space instead."""


class _Watch:
    """An observer: when the first trial started and the last one ended, or the target was reached."""

    def __init__(self, target: Target | None = None) -> None:
        self.started = self.ended = 0.0
        self.reached = self.value = 0.0
        self.accuracies: dict[int, float] = {}
        self._target = target

    def __call__(self, event: Event) -> None:
        now = time.perf_counter()
        match event:
            case Started():
                self.started = self.started or now
            case Ended(outcome):
                self.ended = now
                self.accuracies[outcome.trial] = outcome.values[0] if outcome.values else 0.0
            case Reported(epoch) if self._target is not None and not self.reached:
                late = now - self.started > self._target.seconds
                if late or epoch.metrics["accuracy"] >= self._target.accuracy:
                    self.reached, self.value = now, epoch.metrics["accuracy"]
                    signal.raise_signal(signal.SIGINT)


def run(work: Work) -> Answer:
    """Train the trials, or search for the target."""
    clock = Clock(work)
    _study(
        work, "warm-up", {**GIVEN, "trials": work.options.get("workers", 1)}, lambda event: _note_start(clock, event), 1
    )
    watch = _Watch(work.target)
    if work.target is None:
        _study(work, "race", {**GIVEN, "trials": len(work.params), "enqueue": work.params}, watch)
        values = [watch.accuracies[number] for number in sorted(watch.accuracies)]
        return Answer(clock.startup, watch.ended - watch.started, values)
    _study(work, "race", {"trials": work.target.trials, **work.options["search"]}, watch)
    if watch.reached:
        return Answer(clock.startup, watch.reached - watch.started, [watch.value])
    return Answer(clock.startup, watch.ended - watch.started, list(watch.accuracies.values()))


def _note_start(clock: Clock, event: Event) -> None:
    if isinstance(event, Started) and event.trial.number == 0:
        clock.ready()


def _options(work: Work) -> dict[str, Any]:
    return {name: value for name, value in work.options.items() if name != "search"}


def _study(work: Work, name: str, search: dict[str, Any], observe: Any, epochs: int | None = None) -> None:
    folder = Path(work.folder)
    space = folder / f"{name}.yaml"
    space.write_text(work.what.space(work.data, folder, search))
    try:
        tuner.run(
            space,
            storage=f"sqlite:///{folder}/studies.db",
            seed=work.seed,
            epochs=epochs,
            observe=observe,
            **_options(work),
        )
    except (Interrupted, NoTrialSucceeded):  # the watch has seen enough, or all trials were pruned or diverged
        return


if __name__ == "__main__":
    play(run)
