"""The plan takes the width at which a step costs a trial least, on a machine that is slow at moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Protocol

import pytest
import torch
from torch import Tensor

from tuner.fused import plan
from tuner.fused.plan import Plan

STEADY = {1: 1.0, 2: 1.5, 4: 2.0, 8: 2.4, 16: 3.2, 32: 5.0, 64: 9.0}
"""Seconds of a step by its width; each doubling pays."""

Slow = tuple[float, float, float]
"""From one second to another everything takes so many times as long."""


class Machine:
    """Steps that only move a clock. Lanes take the time of a step to be put together."""

    def __init__(self, seconds: Mapping[int, float], slow: Slow, room: int) -> None:
        self.now = 0.0
        self.tried: set[int] = set()
        self._seconds = seconds
        self._slow = slow
        self._room = room

    def room(self) -> int:
        return self._room

    def step_alone(self) -> Tensor:
        return self._step(1)

    def together(self, width: int) -> Callable[[], Tensor]:
        self.tried.add(width)
        self._step(width)
        return lambda: self._step(width)

    def _step(self, width: int) -> Tensor:
        start, end, factor = self._slow
        self.now += self._seconds[width] * (factor if start <= self.now < end else 1.0)
        return torch.zeros(width)


class Measure(Protocol):
    def __call__(
        self,
        seconds: Mapping[int, float] = STEADY,
        steps: float = 1e6,
        most: int = 64,
        slow: Slow = (0.0, 0.0, 1.0),
        room: int = 64,
        forced: bool = False,
    ) -> tuple[Plan, Machine]: ...


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Measure:
    def measured(
        seconds: Mapping[int, float] = STEADY,
        steps: float = 1e6,
        most: int = 64,
        slow: Slow = (0.0, 0.0, 1.0),
        room: int = 64,
        forced: bool = False,
    ) -> tuple[Plan, Machine]:
        machine = Machine(seconds, slow, room)
        any_run: Callable[[], Any] = lambda: None  # noqa: E731
        monkeypatch.setattr(plan, "_Batches", lambda run: machine)
        monkeypatch.setattr(plan, "_difference", lambda build, batches: "")
        monkeypatch.setattr(plan, "time", SimpleNamespace(perf_counter=lambda: machine.now))
        return plan.measure(any_run, most, steps, forced), machine

    return measured


def test_the_width_is_that_at_which_a_step_costs_a_trial_least(measure: Measure) -> None:
    found, _ = measure()

    assert found.width == 64
    assert found.gain == pytest.approx(64 / 9)


@pytest.mark.parametrize("start", range(0, 120, 3))
@pytest.mark.parametrize("lasting", [0.5, 4.0, 12.0])
def test_a_slow_moment_decides_nothing(measure: Measure, start: float, lasting: float) -> None:
    assert measure(slow=(start, start + lasting, 10.0))[0].width == 64


@pytest.mark.parametrize("start", range(0, 120, 3))
def test_nor_does_it_have_lanes_put_together_that_are_slower(measure: Measure, start: float) -> None:
    slower = {1: 1.0, 2: 2.2, 4: 4.4, 8: 8.8, 16: 17.6, 32: 35.2, 64: 70.4}

    assert measure(slower, slow=(start, start + 4.0, 10.0))[0].width == 1


@pytest.mark.parametrize("start", range(30))
def test_nor_does_one_where_work_is_scarce(measure: Measure, start: float) -> None:
    assert measure(steps=8000, slow=(start, start + 1.0, 10.0))[0].width >= 16


def test_between_a_width_that_gains_and_one_that_does_not_there_is_another(measure: Measure) -> None:
    found, machine = measure({1: 1.0, 4: 2.0, 8: 2.4, 16: 16.2}, most=16)

    assert found.width == 8
    assert machine.tried == {4, 16, 8}


def test_a_machine_that_becomes_slower_is_slower_for_all(measure: Measure) -> None:
    for start in range(0, 120, 3):
        assert measure(slow=(start, 1e9, 3.0))[0].width == 64


def test_lanes_that_gain_next_to_nothing_are_left_out(measure: Measure) -> None:
    found, _ = measure({1: 1.0, 2: 1.5, 4: 2.0, 8: 3.95, 16: 7.9, 32: 15.8, 64: 31.6})

    assert found.width == 4


def test_where_together_takes_longer_trials_train_in_turn(measure: Measure) -> None:
    found, machine = measure({1: 1.0, 2: 3.0, 4: 6.0, 8: 1.0, 16: 1.0})

    assert found == Plan(1, "together they are not faster")
    assert machine.tried == {4, 2}


@pytest.mark.parametrize("steps", [300, 1000, 3000, 10_000, 30_000])
def test_trying_takes_its_share_of_the_work_at_most(measure: Measure, steps: int) -> None:
    """Two steps apart, which tell how long one takes."""
    _, machine = measure(steps=steps)

    assert machine.now <= (plan.SHARE * steps + 2) * STEADY[1]


def test_where_lanes_are_slower_than_foreseen_no_more_is_spent_on_them(measure: Measure) -> None:
    _, machine = measure({1: 1.0, 2: 20.0, 4: 40.0}, steps=3000)

    assert machine.now <= 2 + 3 * 40.0


@pytest.mark.parametrize("start", [0.0, 1.0, 2.0])
def test_a_slow_first_step_does_not_make_the_share_larger(measure: Measure, start: float) -> None:
    _, machine = measure(steps=3000, slow=(start, start + 1.0, 10.0))

    assert machine.now <= (plan.SHARE * 3000 + 2 + 9) * STEADY[1]


def test_the_more_work_is_to_come_the_wider_is_tried(measure: Measure) -> None:
    widths = [measure(steps=steps)[0].width for steps in (500, 2000, 4000, 10_000)]

    assert widths == sorted(set(widths))
    assert widths[-1] == 64


def test_where_there_is_too_little_work_nothing_is_tried(measure: Measure) -> None:
    found, machine = measure(steps=300)

    assert found == Plan(1, "there is too little work to find out what pays")
    assert machine.tried == set()


@pytest.mark.parametrize("limit", ["most", "room"])
def test_no_more_lanes_are_tried_than_are_allowed(measure: Measure, limit: str) -> None:
    found, machine = measure(most=8) if limit == "most" else measure(room=8)

    assert found.width == 8
    assert machine.tried == {4, 8}


def test_a_width_that_is_asked_for_is_taken_whatever_it_gains(measure: Measure) -> None:
    found, machine = measure({1: 1.0, 6: 12.0}, steps=1, most=6, forced=True)

    assert (found.width, machine.tried) == (6, {6})
    assert found.gain == pytest.approx(0.5)
