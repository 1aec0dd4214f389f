"""Runs the engine in the driver's own process, where a report is answered at once."""

from __future__ import annotations

import time

from tuner.executors.output import Tee
from tuner.protocol import Dispatcher, Engine, Epoch, Outcome, Place, Trial, Verdict

LOOK_SECONDS = 0.5
"""How often it looks for work that another driver may have given back."""


def run(engine: Engine, dispatcher: Dispatcher, place: Place) -> None:
    """Run `engine` until the dispatcher has no more work."""
    with Tee() as tee:
        engine(_Port(dispatcher, place, tee))


class _Port:
    """A port to the dispatcher behind it; what a trial prints goes to its log too."""

    def __init__(self, dispatcher: Dispatcher, place: Place, tee: Tee) -> None:
        self._dispatcher = dispatcher
        self._place = place
        self._tee = tee
        self._held = 0

    @property
    def closing(self) -> bool:
        """Whether nothing more is to begin."""
        return self._dispatcher.over

    def take(self, wait: bool = True) -> Trial | None:
        """The next trial, as soon as there is one."""
        while (trial := self._dispatcher.next(self._place, ahead=self._held > 0)) is None:
            if not wait or self._dispatcher.over:
                return None
            time.sleep(LOOK_SECONDS)
        self._held += 1
        self._tee.log_to(self._dispatcher.log(trial.number))
        return trial

    def begin(self, trial: int) -> None:
        """Have it noted before it runs: with this process it would take the driver along."""
        self._dispatcher.begin(trial)

    def foresee(self) -> None:
        """Nothing: while this process trains, its driver cannot look."""

    def report(self, epoch: Epoch) -> Verdict:
        """Report it and hear the verdict."""
        return self._dispatcher.report(epoch)

    def load(self, trial: int) -> bytes | None:
        """The checkpoint to go on from, by a trial that begins to print."""
        self._tee.log_to(self._dispatcher.log(trial))
        return self._dispatcher.load(trial)

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Keep a checkpoint."""
        self._dispatcher.save(trial, state, best)

    def note(self, text: str) -> None:
        """Tell the user."""
        self._dispatcher.note(text)

    def done(self, outcome: Outcome) -> None:
        """Tell how a trial ended."""
        self._tee.log_to(None)
        self._held -= 1
        self._dispatcher.done(outcome)
