"""The plan takes the width at which a step costs a trial least, on a machine that is slow at moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from tuner.fused import plan
from tuner.fused.plan import Plan

ALONE = 1.0
"""Seconds that a step of one trial takes."""


class Machine:
    """Steps that only move a clock: those of `seconds` by width, but for moments that are `slow` by (width, call)."""

    def __init__(self, seconds: Mapping[int, float], slow: Mapping[tuple[int, int], float]) -> None:
        self.now = 0.0
        self.calls: dict[int, int] = {}
        self._seconds = {1: ALONE, **seconds}
        self._slow = slow

    def room(self) -> int:
        return 64

    def step_alone(self) -> Tensor:
        return self._step(1)

    def together(self, width: int) -> Callable[[], Tensor]:
        return lambda: self._step(width)

    def _step(self, width: int) -> Tensor:
        self.calls[width] = self.calls.get(width, 0) + 1
        self.now += self._seconds[width] * self._slow.get((width, self.calls[width]), 1.0)
        return torch.zeros(width)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Plan, Machine]]:
    def measure(
        seconds: Mapping[int, float], steps: float = 1e6, most: int = 64, slow: Mapping[tuple[int, int], float] = {}
    ) -> tuple[Plan, Machine]:
        machine = Machine(seconds, slow)
        monkeypatch.setattr(plan, "_Batches", lambda run: machine)
        monkeypatch.setattr(plan, "_difference", lambda build, batches: "")
        monkeypatch.setattr(plan, "time", SimpleNamespace(perf_counter=lambda: machine.now))
        return plan.measure(lambda: None, most, steps, forced=False), machine  # type: ignore[arg-type, return-value]

    return measure


FASTER_EACH = {4: 2.0, 8: 2.4, 16: 3.2, 32: 5.0, 64: 9.0}


def test_the_width_is_that_at_which_a_step_costs_a_trial_least(measured: Callable[..., tuple[Plan, Machine]]) -> None:
    found, _ = measured(FASTER_EACH)

    assert found.width == 64
    assert found.gain == pytest.approx(64 / 9)


@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("width", FASTER_EACH)
def test_a_slow_moment_changes_nothing(measured: Callable[..., tuple[Plan, Machine]], width: int, call: int) -> None:
    found, _ = measured(FASTER_EACH, slow={(width, call): 10.0})

    assert found.width == 64


def test_lanes_that_gain_next_to_nothing_are_left_out(measured: Callable[..., tuple[Plan, Machine]]) -> None:
    found, _ = measured({4: 2.0, 8: 3.95, 16: 7.9, 32: 15.8, 64: 31.6})

    assert found.width == 4


def test_where_together_takes_longer_trials_train_in_turn(measured: Callable[..., tuple[Plan, Machine]]) -> None:
    found, machine = measured({4: 6.0, 8: 11.0})

    assert (found.width, found.reason) == (1, "together they are not faster")
    assert 8 not in machine.calls


@pytest.mark.parametrize("steps", [300, 1000, 3000, 10_000])
def test_trying_takes_its_share_of_the_work_at_most(measured: Callable[..., tuple[Plan, Machine]], steps: int) -> None:
    _, machine = measured(FASTER_EACH, steps)

    assert machine.now <= plan.SHARE * steps * ALONE + 2 * ALONE


def test_the_more_work_is_to_come_the_wider_is_tried(measured: Callable[..., tuple[Plan, Machine]]) -> None:
    widths = [measured(FASTER_EACH, steps)[0].width for steps in (300, 1000, 2000, 10_000)]

    assert widths == sorted(widths)
    assert widths[0] == 1
    assert widths[-1] == 64


def test_no_more_lanes_are_tried_than_are_allowed(measured: Callable[..., tuple[Plan, Machine]]) -> None:
    found, machine = measured(FASTER_EACH, most=8)

    assert found.width == 8
    assert set(machine.calls) == {1, 4, 8}
