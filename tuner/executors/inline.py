"""An executor that runs the engine in the driver's own process, where a report is answered at once."""

from __future__ import annotations

import time

from tuner.executors.output import Tee
from tuner.protocol import Dispatcher, Engine, Epoch, Outcome, Place, Trial, Verdict

LOOK_SECONDS = 0.5
"""Seconds between two looks for work that another driver may have given back."""


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
        """Whether nothing more may begin."""
        return self._dispatcher.over

    def take(self, wait: bool = True) -> Trial | None:
        """Return the next trial, as soon as there is one."""
        while (trial := self._dispatcher.next(self._place, ahead=self._held > 0)) is None:
            if not wait or self._dispatcher.over:
                return None
            time.sleep(LOOK_SECONDS)
        self._held += 1
        self._tee.log_to(self._dispatcher.log(trial.number))
        return trial

    def begin(self, trial: int) -> None:
        """Record a trial before it runs: its crash would end the driver too."""
        self._dispatcher.begin(trial)

    def foresee(self) -> None:
        """Do nothing: while this process trains, its driver cannot look for a trial."""

    def report(self, epoch: Epoch) -> Verdict:
        """Report an epoch and return the verdict."""
        return self._dispatcher.report(epoch)

    def load(self, trial: int) -> bytes | None:
        """Return the checkpoint of a trial, and redirect output to the trial's log."""
        self._tee.log_to(self._dispatcher.log(trial))
        return self._dispatcher.load(trial)

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Save a checkpoint."""
        self._dispatcher.save(trial, state, best)

    def note(self, text: str) -> None:
        """Show a note to the user."""
        self._dispatcher.note(text)

    def done(self, outcome: Outcome) -> None:
        """Report the end of a trial."""
        self._tee.log_to(None)
        self._held -= 1
        self._dispatcher.done(outcome)
