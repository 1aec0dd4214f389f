"""A run made up from its events, and a screen of any size to see it on."""

from __future__ import annotations

import collections
import io
from dataclasses import replace

from rich.console import Console

from tuner.cli.views.run_screen import screen
from tuner.cli.views.run_state import Progress
from tuner.goal import Direction, Goal, Scope
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict
from tuner.search.events import Ended, Event, Opened, Reported, SetBack, Started
from tuner.study import Record
from tuner.study.trial_attributes import TrialAttributes

OPENED = Opened(
    "made-up",
    Goal(("accuracy",), (Direction.MAXIMIZE,), Scope.BEST, ()),
    30,
    {State.COMPLETE: 1, State.PRUNED: 1},
    0,
    None,
    [],
    (),
)


def started(trial: int, worker: str, attempt: int = 1, host: str = "here", device: str = "cpu") -> Started:
    return Started(Trial(trial, attempt, {"training": {"epochs": 12}}, 0), Place(worker, host, device, 1))


def reported(trial: int, epoch: int, accuracy: float, attempt: int = 1, lanes: int = 1) -> Reported:
    metrics = {"train_loss": float("nan"), "accuracy": accuracy}
    return Reported(Epoch(trial, attempt, epoch, metrics, 0.5, lanes), Verdict.GO)


def lost(trial: int, cause: str) -> SetBack:
    return SetBack(Outcome(trial, 1, State.LOST, cause=cause))


def ended(trial: int, value: float | None, cause: str = "") -> Ended:
    state = State.PRUNED if value is None else State.COMPLETE
    values = () if value is None else (value,)
    record = Record(trial, state, values, {}, 3, cause, {}, {}, [], {}, None, None, 1.5, TrialAttributes())
    return Ended(Outcome(trial, 1, state, values, 3, cause), record, [record] if values else [], {})


def seen(*events: Event, opened: Opened = OPENED) -> Progress:
    """Each trial that ends is counted beside those that had before the run, as a driver does."""
    progress, states = Progress(), collections.Counter(opened.states)
    for event in (opened, *events):
        if isinstance(event, Ended):
            states[event.record.state] += 1
            event = replace(event, states=dict(states))
        progress.see(event)
    return progress


def shown(progress: Progress, width: int = 100, height: int = 30) -> list[str]:
    """The lines of the screen, of which none may be broken by the terminal."""
    console = Console(file=io.StringIO(), width=width, height=height, no_color=True)
    with console.capture() as captured:
        console.print(screen(progress, console))
    return [line.rstrip() for line in captured.get().splitlines()]
