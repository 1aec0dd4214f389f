"""The worker's side of the port, over a channel that is only lists."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from tuner.executors.messages import Ask, Closing, FromWorker, ToWorker, Work
from tuner.executors.worker import RemotePort
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict

PLACE = Place("0", "here", "cpu", 1)


class FakeChannel:
    """What the driver says is there before it is asked for."""

    def __init__(self) -> None:
        self.sent: list[FromWorker] = []
        self.arriving: deque[ToWorker] = deque()

    def send(self, message: FromWorker) -> None:
        self.sent.append(message)

    def recv(self) -> ToWorker:
        return self.arriving.popleft()

    def poll(self) -> bool:
        return bool(self.arriving)


@pytest.fixture
def channel() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def port(channel: FakeChannel) -> RemotePort:
    """With trial 0 in its hands."""
    port = RemotePort(channel, PLACE, lambda log: None)
    channel.arriving.append(work(0))
    assert port.take() == trial(0)
    return port


def trial(number: int) -> Trial:
    return Trial(number, 1, {}, 0)


def work(number: int) -> Work:
    return Work(trial(number), None, str(Path("logs", f"{number}.log")))


def test_a_trial_that_was_foreseen_is_there_when_it_is_taken(port: RemotePort, channel: FakeChannel) -> None:
    port.foresee()
    port.foresee()
    channel.arriving.append(work(1))
    assert port.report(Epoch(0, 1, 1, {}, 0.1)) is Verdict.GO  # it is not lost among what else arrives
    port.done(Outcome(0, 1, State.COMPLETE))

    assert port.take() == trial(1)
    assert channel.sent.count(Ask(PLACE)) == 2
    channel.arriving.append(work(2))
    assert port.take() == trial(2)
    assert channel.sent.count(Ask(PLACE)) == 3


def test_what_was_foreseen_does_not_begin_when_the_end_has_come(port: RemotePort, channel: FakeChannel) -> None:
    port.foresee()
    channel.arriving.extend([work(1), Closing(), Work(None)])
    port.done(Outcome(0, 1, State.COMPLETE))

    assert port.take() is None
    assert channel.sent[-2:] == [Outcome(1, 1, State.SUSPENDED), Ask(PLACE)]
