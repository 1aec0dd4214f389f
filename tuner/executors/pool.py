"""Many workers and one dispatcher: assigns trials, passes verdicts on, and replaces workers.

The workers run engines somewhere else, behind a `Transport`. This module is the driver's side that does not depend on
where.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tuner.errors import TunerError
from tuner.executors.messages import (
    Ask,
    Begun,
    Checkpoint,
    Closing,
    FromWorker,
    Gone,
    Judgement,
    Note,
    Output,
    ToWorker,
    Work,
)
from tuner.executors.output import append
from tuner.protocol import Dispatcher, Epoch, Outcome, Place, State, Trial, Verdict, WorkerState

LOOK_SECONDS = 0.2
"""Seconds between two looks at verdicts, limits and the end, without messages."""

AGAIN_SECONDS = 1.0
"""Seconds after which a worker without work asks again: another driver may have given some back."""

STILLBORN = 3
"""Number of workers in a row that may die before they ask for work."""


class Link(Protocol):
    """The driver's end of a worker."""

    def send(self, message: ToWorker) -> None:
        """Send a message; a worker that has died does not get it."""
        ...


class Transport(Protocol):
    """Starts workers and carries messages."""

    def start(self, name: str) -> Link:
        """Start a new worker, which asks for work when it is ready."""
        ...

    def wait(self, seconds: float) -> Sequence[tuple[Link, FromWorker]]:
        """Return the workers' messages within at most `seconds`; the last one of each is `Gone`."""
        ...

    def kill(self, link: Any) -> None:
        """End a worker at once; its messages are dropped from then on."""
        ...

    def close(self, at_once: bool) -> None:
        """End all workers; unless `at_once`, workers that know of the end have a moment."""
        ...


@dataclass(frozen=True, slots=True)
class TrialLimits:
    """Largest number of seconds of a trial in total, and between two epochs; None is no limit."""

    trial: float | None = None
    epoch: float | None = None

    @property
    def none(self) -> bool:
        """Whether nothing is ever killed."""
        return self.trial is None and self.epoch is None

    def exceeded(self, began: float, heard: float, now: float) -> str:
        """Return why a trial must be killed; empty if it must not."""
        if self.epoch is not None and now - heard > self.epoch:
            return f"no epoch within {self.epoch:g} s"
        if self.trial is not None and now - began > self.trial:
            return f"not done within {self.trial:g} s"
        return ""


@dataclass(slots=True)
class _Held:
    """A trial of a worker: its start, its last sign, and the last verdict that its worker knows.

    `begun` is whether the worker trains it and does not only hold it.
    """

    trial: Trial
    began: float
    heard: float
    judged: Verdict = Verdict.GO
    begun: bool = False


@dataclass(slots=True)
class _Worker:
    """A worker and its trials; `asked` is its open request."""

    name: str
    link: Link
    place: Place | None = None
    asked: Ask | None = None
    knows_of_the_end: bool = False
    held: dict[int, _Held] = field(default_factory=dict)


@dataclass(slots=True)
class _Pool:
    transport: Transport
    dispatcher: Dispatcher
    limits: TrialLimits
    workers: dict[Link, _Worker] = field(default_factory=dict)
    asked: float = 0.0
    stillborn: int = 0

    def start(self, name: str) -> None:
        link = self.transport.start(name)
        self.workers[link] = _Worker(name, link)
        self.dispatcher.saw(name, WorkerState.STARTING)

    def serve(self) -> None:
        """Answer the workers until there is no more work and none of them trains."""
        while any(each.held for each in self.workers.values()) or not self.dispatcher.over:
            messages = self.transport.wait(LOOK_SECONDS)
            woke = time.monotonic()
            for link, message in messages:
                if link in self.workers:  # or it was killed meanwhile
                    self.hear(self.workers[link], message)
            self.judge()
            self.end_those_that_hang(woke)
            self.give(at_once=bool(messages))
            self.excuse(time.monotonic() - woke)
        for each in self.workers.values():
            each.link.send(Work(None))

    def hear(self, worker: _Worker, message: FromWorker) -> None:
        match message:
            case Ask(place):
                self.stillborn = 0
                if worker.place is None:
                    self.dispatcher.saw(worker.name, WorkerState.READY)
                worker.place, worker.asked = place, message
            case Begun(trial):
                worker.held[trial].begun = True
                self.dispatcher.begin(trial)
            case Epoch():
                worker.held[message.trial].heard = time.monotonic()
                self.dispatcher.report(message)
            case Note(text):
                self.dispatcher.note(text)
            case Checkpoint(trial, state, best):
                self.dispatcher.save(trial, state, best)
            case Output(trial, text):
                append(self.dispatcher.log(trial), text)
            case Outcome():
                del worker.held[message.trial]
                self.dispatcher.done(message)
            case Gone(cause):
                self.replace(worker, State.LOST, f"its worker died ({cause})", cause)

    def give(self, at_once: bool) -> None:
        """Give trials to workers that ask, in the order of their names; answer those that do not wait."""
        asking = [each for each in self.workers.values() if each.asked is not None]
        if not asking or not (at_once or time.monotonic() - self.asked > AGAIN_SECONDS):
            return
        self.asked = time.monotonic()
        for worker in asking:
            assert worker.asked is not None
            if worker.held and not self.limits.none:
                continue  # it would go with the one that is killed at its limit
            trial = self.dispatcher.next(worker.asked.place, ahead=bool(worker.held))
            if trial is not None:
                self.hand(worker, trial)
            elif not worker.asked.wait:
                worker.asked = None
                worker.link.send(Work(None))

    def hand(self, worker: _Worker, trial: Trial) -> None:
        now = time.monotonic()
        worker.asked, worker.held[trial.number] = None, _Held(trial, now, now)
        checkpoint, log = self.dispatcher.load(trial.number), str(self.dispatcher.log(trial.number))
        worker.link.send(Work(trial, checkpoint, log))

    def judge(self) -> None:
        """Pass new verdicts on, and announce the end."""
        for worker in self.workers.values():
            for held in worker.held.values():
                verdict = self.dispatcher.verdict(held.trial)
                if verdict is not held.judged:
                    held.judged = verdict
                    worker.link.send(Judgement(held.trial.number, held.trial.attempt, verdict))
            if not worker.knows_of_the_end and self.dispatcher.over:
                worker.knows_of_the_end = True
                worker.link.send(Closing())

    def excuse(self, seconds: float) -> None:
        """Leave the driver's own time, such as an outage of the database, out of the limits."""
        for worker in self.workers.values():
            for held in worker.held.values():
                held.began, held.heard = held.began + seconds, held.heard + seconds

    def end_those_that_hang(self, now: float) -> None:
        for worker in list(self.workers.values()):
            for held in list(worker.held.values()):
                if cause := self.limits.exceeded(held.began, held.heard, now):
                    self.transport.kill(worker.link)
                    self.replace(worker, State.TIMED_OUT, cause, cause)
                    break

    def replace(self, worker: _Worker, state: State, cause: str, last_words: str) -> None:
        """Report the trials of a worker that is gone, and start another in its place while there is work."""
        del self.workers[worker.link]
        self.dispatcher.saw(worker.name, WorkerState.GONE, last_words)
        suspects = _suspects(worker)
        for number, held in worker.held.items():
            ended = state if number in suspects else State.SUSPENDED
            self.dispatcher.done(Outcome(number, held.trial.attempt, ended, cause=cause, company=len(suspects) > 1))
        if worker.place is None:
            self.stillborn += 1
        if self.stillborn >= STILLBORN:
            raise TunerError(f"workers die before they begin ({last_words}): see what they print above")
        if not self.dispatcher.over:
            self.start(worker.name)


def _suspects(worker: _Worker) -> list[int]:
    """Return the trials that may have killed a worker: those that ran, else the last that it got."""
    return [number for number, held in worker.held.items() if held.begun] or list(worker.held)[-1:]


def run(transport: Transport, dispatcher: Dispatcher, names: Sequence[str], limits: TrialLimits) -> None:
    """Run the workers called `names` until the dispatcher has no more work.

    Args:
        transport: is closed in the end.
        dispatcher: is called from this thread alone.
        names: at least one.
        limits: a trial beyond them is killed with its worker.

    Raises:
        TunerError: workers cannot be started.
    """
    pool = _Pool(transport, dispatcher, limits)
    served = False
    try:
        for name in names:
            pool.start(name)
        pool.serve()
        served = True
    finally:
        transport.close(at_once=not served)
