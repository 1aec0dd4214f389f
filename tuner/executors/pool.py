"""Many workers and one dispatcher: who gets which trial, who hears which verdict, and who is replaced.

The workers run engines somewhere else, behind a `Transport`; this is all of the driver's side that does
not depend on where.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tuner.errors import TunerError
from tuner.executors.messages import Ask, Checkpoint, FromWorker, Gone, Judgement, Output, ToWorker, Work
from tuner.executors.output import append
from tuner.port import Dispatcher, Epoch, Outcome, Place, State, Trial, Verdict, WorkerState

LOOK_SECONDS = 0.2
"""How often verdicts, limits and the end are looked at when no worker says a word."""

AGAIN_SECONDS = 1.0
"""How often a worker that found no work asks again: another driver may have given some back."""

STILLBORN = 3
"""So many workers in a row may die before they ask for work; then it is no accident."""


class Link(Protocol):
    """The driver's end of a worker."""

    def send(self, message: ToWorker) -> None:
        """Say something; to a worker that has died it says nothing."""
        ...


class Transport(Protocol):
    """Starts workers and carries what is said."""

    def start(self, name: str) -> Link:
        """A new worker, which asks for work when it is ready."""
        ...

    def wait(self, seconds: float) -> Sequence[tuple[Link, FromWorker]]:
        """What workers say, at most so many seconds from now; the last word of each is `Gone`."""
        ...

    def kill(self, link: Any) -> None:
        """End a worker at once; after that it is not heard any more."""
        ...

    def close(self, at_once: bool) -> None:
        """End all workers; if not at once, those that were told that there is no more work have a moment."""
        ...


@dataclass(frozen=True, slots=True)
class TrialLimits:
    """How long, in seconds, a trial may train in all, and from one epoch to the next; None is for ever."""

    trial: float | None = None
    epoch: float | None = None

    @property
    def none(self) -> bool:
        """Whether nothing is ever killed."""
        return self.trial is None and self.epoch is None

    def exceeded(self, began: float, heard: float, now: float) -> str:
        """Why a trial is to be killed; empty while it is not."""
        if self.epoch is not None and now - heard > self.epoch:
            return f"no epoch within {self.epoch:g} s"
        if self.trial is not None and now - began > self.trial:
            return f"not done within {self.trial:g} s"
        return ""


@dataclass(slots=True)
class _Worker:
    name: str
    link: Link
    place: Place | None = None
    trial: Trial | None = None
    began: float = 0.0
    heard: float = 0.0
    judged: Verdict = Verdict.GO


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
        while any(each.trial is not None for each in self.workers.values()) or not self.dispatcher.over:
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
        worker.heard = time.monotonic()
        match message:
            case Ask(place):
                self.stillborn = 0
                if worker.place is None:
                    self.dispatcher.saw(worker.name, WorkerState.READY)
                worker.place = place
            case Epoch():
                self.dispatcher.report(message)
            case Checkpoint(trial, state, best):
                self.dispatcher.save(trial, state, best)
            case Output(trial, text):
                append(self.dispatcher.log(trial), text)
            case Outcome():
                worker.trial = None
                self.dispatcher.done(message)
            case Gone(cause):
                self.replace(worker, State.LOST, f"its worker died ({cause})", cause)

    def give(self, at_once: bool) -> None:
        """Hand trials to workers that are free, in the order of their names."""
        free = [each for each in self.workers.values() if each.place is not None and each.trial is None]
        if not free or not (at_once or time.monotonic() - self.asked > AGAIN_SECONDS):
            return
        self.asked = time.monotonic()
        for worker in free:
            assert worker.place is not None
            if (trial := self.dispatcher.next(worker.place)) is None:
                return
            worker.trial, worker.judged = trial, Verdict.GO
            worker.began = worker.heard = time.monotonic()
            checkpoint, log = self.dispatcher.load(trial.number), str(self.dispatcher.log(trial.number))
            worker.link.send(Work(trial, checkpoint, log))

    def judge(self) -> None:
        """Pass on the verdicts that are new."""
        for worker in self.workers.values():
            if worker.trial is None:
                continue
            verdict = self.dispatcher.verdict(worker.trial)
            if verdict is not worker.judged:
                worker.judged = verdict
                worker.link.send(Judgement(worker.trial.number, worker.trial.attempt, verdict))

    def excuse(self, seconds: float) -> None:
        """The driver's own time, an outage of the database say, is not counted: what was said waits to be heard."""
        for worker in self.workers.values():
            worker.began, worker.heard = worker.began + seconds, worker.heard + seconds

    def end_those_that_hang(self, now: float) -> None:
        for worker in [each for each in self.workers.values() if each.trial is not None]:
            if cause := self.limits.exceeded(worker.began, worker.heard, now):
                self.transport.kill(worker.link)
                self.replace(worker, State.TIMED_OUT, cause, cause)

    def replace(self, worker: _Worker, state: State, cause: str, last_words: str) -> None:
        """A worker is gone: tell of its trial, and start another in its place while there is work."""
        del self.workers[worker.link]
        self.dispatcher.saw(worker.name, WorkerState.GONE, last_words)
        if worker.trial is not None:
            self.dispatcher.done(Outcome(worker.trial.number, worker.trial.attempt, state, cause=cause))
        elif worker.place is None:
            self.stillborn += 1
        if self.stillborn >= STILLBORN:
            raise TunerError(f"workers die before they begin ({last_words}): see what they print above")
        if not self.dispatcher.over:
            self.start(worker.name)


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
