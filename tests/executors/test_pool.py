"""The driver's side of workers over a transport that is only lists."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tuner.errors import TunerError
from tuner.executors import pool
from tuner.executors.messages import Ask, Begun, Checkpoint, FromWorker, Gone, Judgement, Output, ToWorker, Work
from tuner.executors.pool import TrialLimits
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict, WorkerState

PLACE = Place("0", "here", "cpu", 1)
Script = Callable[["FakeLink", ToWorker], None]


@dataclass(eq=False)
class FakeLink:
    name: str
    script: Script
    said: deque[FromWorker] = field(default_factory=deque)
    heard: list[ToWorker] = field(default_factory=list)

    def send(self, message: ToWorker) -> None:
        self.heard.append(message)
        self.script(self, message)


class FakeTransport:
    """Workers that say what their script makes of what they hear; each is started with the next script."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = deque(scripts)
        self.links: list[FakeLink] = []
        self.killed: list[str] = []
        self.closed: list[bool] = []

    def start(self, name: str) -> FakeLink:
        link = FakeLink(name, self.scripts.popleft())
        if link.script is stillborn:
            link.said.append(Gone("it burnt"))
        elif link.script is not silent:
            link.said.append(Ask(PLACE))
        self.links.append(link)
        return link

    def wait(self, seconds: float) -> Sequence[tuple[FakeLink, FromWorker]]:
        return [(link, link.said.popleft()) for link in self.links if link.said]

    def kill(self, link: FakeLink) -> None:
        self.killed.append(link.name)
        link.said.clear()

    def close(self, at_once: bool) -> None:
        self.closed.append(at_once)


def diligent(link: FakeLink, message: ToWorker) -> None:
    """Two epochs, then complete, then the next."""
    if isinstance(message, Work) and message.trial is not None:
        trial = message.trial
        epochs = [Epoch(trial.number, trial.attempt, number, {}, 0.1) for number in (1, 2)]
        saved = Checkpoint(trial.number, b"state", False)
        printed = Output(trial.number, b"a word\n")
        done = Outcome(trial.number, trial.attempt, State.COMPLETE)
        link.said.extend([epochs[0], printed, saved, epochs[1], done, Ask(PLACE)])


def hanging(link: FakeLink, message: ToWorker) -> None:
    """One epoch and then not a word."""
    if isinstance(message, Work) and message.trial is not None:
        link.said.append(Epoch(message.trial.number, message.trial.attempt, 1, {}, 0.1))


def dying(link: FakeLink, message: ToWorker) -> None:
    """One epoch, and gone."""
    hanging(link, message)
    if isinstance(message, Work) and message.trial is not None:
        link.said.append(Gone("SIGKILL"))


def holding(link: FakeLink, message: ToWorker) -> None:
    """Three trials at once, then the second begins, and gone."""
    if isinstance(message, Work) and message.trial is not None:
        last = message.trial.number == 2
        link.said.extend([Begun(1), Gone("SIGKILL")] if last else [Ask(PLACE, wait=False)])


def foreseeing(link: FakeLink, message: ToWorker) -> None:
    """Asks for the next trial while it trains this one."""
    if isinstance(message, Work) and message.trial is not None:
        trial = message.trial
        link.said.extend([Ask(PLACE), Begun(trial.number), Outcome(trial.number, trial.attempt, State.COMPLETE)])


def stillborn(link: FakeLink, message: ToWorker) -> None:
    """Gone before it asks."""


def silent(link: FakeLink, message: ToWorker) -> None:
    """Still starting when all is over."""


class FakeDispatcher:
    """Hands out so many trials; those that are lost come again."""

    def __init__(self, folder: Path, trials: int, stop_at: dict[int, int] | None = None) -> None:
        self.waiting = deque(Trial(number, 1, {}, 0) for number in range(trials))
        self.left = trials
        self.stop_at = stop_at or {}
        self.stopped: set[int] = set()
        self.epochs: list[tuple[int, int]] = []
        self.outcomes: list[Outcome] = []
        self.unasked: list[int] = []
        self.saved: dict[int, bytes] = {}
        self.seen: list[tuple[str, WorkerState, str]] = []
        self.folder = folder
        self.begun: list[int] = []

    @property
    def over(self) -> bool:
        return self.left == 0

    def next(self, place: Place, ahead: bool = False) -> Trial | None:
        return self.waiting.popleft() if self.waiting else None

    def report(self, epoch: Epoch) -> Verdict:
        self.epochs.append((epoch.trial, epoch.epoch))
        if self.stop_at.get(epoch.trial) == epoch.epoch:
            self.stopped.add(epoch.trial)
        return Verdict.GO

    def begin(self, trial: int) -> None:
        self.begun.append(trial)

    def verdict(self, trial: Trial) -> Verdict:
        return Verdict.STOP if trial.number in self.stopped else Verdict.GO

    def load(self, trial: int) -> bytes | None:
        return self.saved.get(trial)

    def save(self, trial: int, state: bytes, best: bool) -> None:
        self.saved[trial] = state

    def done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.unasked.append(len(self.waiting))
        if outcome.state is State.LOST and outcome.attempt < 3:
            self.waiting.append(Trial(outcome.trial, outcome.attempt + 1, {}, 0))
        else:
            self.left -= 1

    def log(self, trial: int) -> Path:
        return self.folder / f"{trial}.log"

    def note(self, text: str) -> None:
        pass

    def saw(self, worker: str, state: WorkerState, cause: str = "") -> None:
        self.seen.append((worker, state, cause))


def test_workers_train_all_that_there_is_and_are_told_when_there_is_no_more(tmp_path: Path) -> None:
    transport, dispatcher = FakeTransport(diligent, diligent), FakeDispatcher(tmp_path, 5)

    pool.run(transport, dispatcher, ["0", "1"], TrialLimits())

    assert sorted(outcome.trial for outcome in dispatcher.outcomes) == [0, 1, 2, 3, 4]
    assert len(dispatcher.epochs) == 10
    assert dispatcher.saved == dict.fromkeys(range(5), b"state")
    assert (tmp_path / "3.log").read_text() == "a word\n"
    assert [link.heard[-1] for link in transport.links] == [Work(None)] * 2
    assert transport.closed == [False]


def test_a_worker_that_dies_is_replaced_and_its_trial_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    transport, dispatcher = FakeTransport(dying, diligent), FakeDispatcher(tmp_path, 1)
    dispatcher.saved[0] = b"after 1"

    pool.run(transport, dispatcher, ["0"], TrialLimits())

    assert [outcome.state for outcome in dispatcher.outcomes] == [State.LOST, State.COMPLETE]
    assert dispatcher.outcomes[0].cause == "its worker died (SIGKILL)"
    second = transport.links[1].heard[0]
    assert isinstance(second, Work)
    assert second.checkpoint == b"after 1"
    assert [(state.value, cause) for _, state, cause in dispatcher.seen] == [
        ("starting", ""),
        ("ready", ""),
        ("gone", "SIGKILL"),
        ("starting", ""),
        ("ready", ""),
    ]


def test_a_worker_that_dies_loses_the_trial_that_it_trains_and_those_that_it_holds_are_only_set_back(
    tmp_path: Path,
) -> None:
    transport, dispatcher = FakeTransport(holding, diligent), FakeDispatcher(tmp_path, 3)

    pool.run(transport, dispatcher, ["0"], TrialLimits())

    ends = {outcome.trial: outcome.state for outcome in dispatcher.outcomes if outcome.attempt == 1}
    assert ends == {0: State.SUSPENDED, 1: State.LOST, 2: State.SUSPENDED}


def test_a_worker_that_found_no_work_takes_what_another_one_lost(tmp_path: Path) -> None:
    transport, dispatcher = FakeTransport(dying, diligent, silent), FakeDispatcher(tmp_path, 1)

    pool.run(transport, dispatcher, ["0", "1"], TrialLimits())

    assert [outcome.state for outcome in dispatcher.outcomes] == [State.LOST, State.COMPLETE]
    assert any(isinstance(message, Work) and message.trial for message in transport.links[1].heard)


@pytest.mark.parametrize(("limits", "most"), [(TrialLimits(), 2), (TrialLimits(epoch=60), 1)])
def test_a_worker_holds_a_second_trial_only_where_none_is_killed_at_a_limit(
    tmp_path: Path, limits: TrialLimits, most: int
) -> None:
    transport, dispatcher = FakeTransport(foreseeing), FakeDispatcher(tmp_path, 4)

    pool.run(transport, dispatcher, ["0"], limits)

    assert [outcome.trial for outcome in dispatcher.outcomes] == [0, 1, 2, 3]
    assert dispatcher.unasked[0] == 4 - most


def test_a_verdict_is_sent_once(tmp_path: Path) -> None:
    transport, dispatcher = FakeTransport(diligent), FakeDispatcher(tmp_path, 1, stop_at={0: 1})

    pool.run(transport, dispatcher, ["0"], TrialLimits())

    judgements = [message for message in transport.links[0].heard if isinstance(message, Judgement)]
    assert judgements == [Judgement(0, 1, Verdict.STOP)]


@pytest.mark.parametrize(
    ("limits", "cause"),
    [(TrialLimits(epoch=0.3), "no epoch within 0.3 s"), (TrialLimits(trial=0.3), "not done within 0.3 s")],
)
def test_a_trial_that_hangs_is_killed_with_its_worker_and_recorded(
    tmp_path: Path, limits: TrialLimits, cause: str
) -> None:
    transport, dispatcher = FakeTransport(hanging, diligent), FakeDispatcher(tmp_path, 2)

    pool.run(transport, dispatcher, ["0"], limits)

    assert [(outcome.trial, outcome.state) for outcome in dispatcher.outcomes] == [
        (0, State.TIMED_OUT),
        (1, State.COMPLETE),
    ]
    assert dispatcher.outcomes[0].cause == cause
    assert transport.killed == ["0"]


def test_workers_that_die_before_they_begin_are_given_up(tmp_path: Path) -> None:
    transport, dispatcher = FakeTransport(stillborn, stillborn, stillborn), FakeDispatcher(tmp_path, 1)

    with pytest.raises(TunerError, match=r"workers die before they begin \(it burnt\)"):
        pool.run(transport, dispatcher, ["0"], TrialLimits())

    assert transport.closed == [True]


def test_the_time_that_the_driver_itself_takes_is_not_the_trials(tmp_path: Path) -> None:
    class Waiting(FakeDispatcher):
        """Whose database is away for longer than a trial may be silent."""

        def report(self, epoch: Epoch) -> Verdict:
            time.sleep(0.4)
            return super().report(epoch)

    transport, dispatcher = FakeTransport(diligent, diligent), Waiting(tmp_path, 2)

    pool.run(transport, dispatcher, ["0", "1"], TrialLimits(trial=0.35, epoch=0.3))

    assert [outcome.state for outcome in dispatcher.outcomes] == [State.COMPLETE] * 2
    assert transport.killed == []
