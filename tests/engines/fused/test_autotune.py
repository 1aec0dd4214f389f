"""The plan takes the width at which a step costs a trial least, on a machine that is slow at moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor

from tuner.engines.fused import autotune, probe
from tuner.engines.fused.autotune import GroupWidth
from tuner.engines.fused.inspection.contents import Source
from tuner.training import Run

STEADY = {1: 1.0, 2: 1.5, 4: 2.0, 8: 2.4, 16: 3.2, 32: 5.0, 64: 9.0}
"""Seconds of a step by its width; each doubling pays."""

Slow = tuple[float, float, float]
"""From one second to another everything takes so many times as long."""


class Machine:
    """Steps that only move a clock. Lanes take the time of a step to be put together."""

    def __init__(self, seconds: Mapping[int, float] = STEADY, slow: Slow = (0.0, 0.0, 1.0), room: int = 64) -> None:
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


def measured(
    monkeypatch: pytest.MonkeyPatch,
    machine: Machine,
    steps: float = 1e6,
    most: int = 64,
    forced: bool = False,
    pays: float = autotune.GAIN,
) -> GroupWidth:
    monkeypatch.setattr(autotune, "_Batches", lambda run: machine)
    monkeypatch.setattr(probe, "fault", lambda build, source, first: "")
    monkeypatch.setattr(autotune, "time", SimpleNamespace(perf_counter=lambda: machine.now))
    return autotune.measure(lambda: cast(Run, None), Source(), most, steps, forced, pays)


def test_the_width_is_that_at_which_a_step_costs_a_trial_least(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Machine())

    assert found.width == 64
    assert found.gain == pytest.approx(64 / 9)


@pytest.mark.parametrize("start", range(0, 120, 3))
@pytest.mark.parametrize("lasting", [0.5, 4.0, 12.0])
def test_a_slow_moment_decides_nothing(monkeypatch: pytest.MonkeyPatch, start: float, lasting: float) -> None:
    assert measured(monkeypatch, Machine(slow=(start, start + lasting, 10.0))).width == 64


@pytest.mark.parametrize("start", range(0, 120, 3))
def test_nor_does_it_have_lanes_put_together_that_are_slower(monkeypatch: pytest.MonkeyPatch, start: float) -> None:
    slower = {1: 1.0, 2: 2.2, 4: 4.4, 8: 8.8, 16: 17.6, 32: 35.2, 64: 70.4}

    assert measured(monkeypatch, Machine(slower, (start, start + 4.0, 10.0))).width == 1


@pytest.mark.parametrize("start", range(30))
def test_nor_does_one_where_work_is_scarce(monkeypatch: pytest.MonkeyPatch, start: float) -> None:
    assert measured(monkeypatch, Machine(slow=(start, start + 1.0, 10.0)), steps=8000).width >= 16


def test_between_a_width_that_gains_and_one_that_does_not_there_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({1: 1.0, 4: 2.0, 8: 2.4, 16: 16.2})

    assert measured(monkeypatch, machine, most=16).width == 8
    assert machine.tried == {4, 16, 8}


@pytest.mark.parametrize("start", range(0, 120, 3))
def test_a_machine_that_becomes_slower_is_slower_for_all(monkeypatch: pytest.MonkeyPatch, start: float) -> None:
    assert measured(monkeypatch, Machine(slow=(start, 1e9, 3.0))).width == 64


def test_lanes_that_gain_next_to_nothing_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({1: 1.0, 2: 1.5, 4: 2.0, 8: 3.95, 16: 7.9, 32: 15.8, 64: 31.6})

    assert measured(monkeypatch, machine).width == 4


def test_where_together_takes_longer_trials_train_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({1: 1.0, 2: 3.0, 4: 6.0, 8: 1.0, 16: 1.0})

    assert measured(monkeypatch, machine) == GroupWidth(1, "together they are not faster")
    assert machine.tried == {4, 2}


@pytest.mark.parametrize("steps", [300, 1000, 3000, 10_000, 30_000])
def test_trying_takes_its_share_of_the_work_at_most(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Two steps apart, which tell how long one takes."""
    machine = Machine()

    measured(monkeypatch, machine, steps)

    assert machine.now <= (autotune.SHARE * steps + 2) * STEADY[1]


def test_where_lanes_are_slower_than_foreseen_no_more_is_spent_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({1: 1.0, 2: 20.0, 4: 40.0})

    measured(monkeypatch, machine, steps=3000)

    assert machine.now <= 2 + 3 * 40.0


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_a_slow_first_step_does_not_make_the_share_larger(monkeypatch: pytest.MonkeyPatch, start: float) -> None:
    machine = Machine(slow=(start, start + 1.0, 10.0))

    measured(monkeypatch, machine, steps=3000)

    assert machine.now <= (autotune.SHARE * 3000 + 2 + 9) * STEADY[1]


def test_the_more_work_is_to_come_the_wider_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = [measured(monkeypatch, Machine(), steps).width for steps in (500, 2000, 4000, 10_000)]

    assert widths == sorted(set(widths))
    assert widths[-1] == 64


def test_where_there_is_too_little_work_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()

    assert measured(monkeypatch, machine, steps=300) == GroupWidth(1, "there is too little work to find out what pays")
    assert machine.tried == set()


@pytest.mark.parametrize(("most", "room"), [(8, 64), (64, 8)])
def test_no_more_lanes_are_tried_than_are_allowed(monkeypatch: pytest.MonkeyPatch, most: int, room: int) -> None:
    machine = Machine(room=room)

    assert measured(monkeypatch, machine, most=most).width == 8
    assert machine.tried == {4, 8}


def test_a_width_that_is_asked_for_is_taken_whatever_it_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({1: 1.0, 6: 12.0})

    found = measured(monkeypatch, machine, steps=1, most=6, forced=True)

    assert (found.width, machine.tried) == (6, {6})
    assert found.gain == pytest.approx(0.5)


@pytest.mark.parametrize(("pays", "width"), [(1.03, 4), (1.3, 4), (1.4, 1)])
def test_lanes_that_gain_less_than_pays_are_not_put_together(
    monkeypatch: pytest.MonkeyPatch, pays: float, width: int
) -> None:
    found = measured(monkeypatch, Machine({1: 1.0, 2: 1.6, 4: 3.0, 8: 12.0, 16: 24.0}), pays=pays)

    assert found.width == width
    if width == 1:
        assert found.reason == "together they are 1.3 times as fast, where 1.4 would make up for asking ahead"
