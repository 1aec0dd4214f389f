"""Lanes get what each would draw alone, also where they draw far ahead."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor, nn

from tuner.engines.fused import dropout_masks
from tuner.training import dropout

SHAPES = [torch.Size((5, 3)), torch.Size((5, 7)), torch.Size((6, 5))]
RATES = [[0.3, 0.5, 0.1], [0.0, 0.5, 0.9], [0.2, 0.0, 1.0], [0.0, 0.0, 0.0]]
PASSES = 4
CPU = torch.device("cpu")


def alone(seed: int, rates: list[float]) -> list[Tensor]:
    torch.manual_seed(seed)
    return [
        dropout.Dropout(rate)(torch.ones(shape))
        for _ in range(PASSES)
        for rate, shape in zip(rates, SHAPES, strict=True)
    ]


@pytest.mark.parametrize("ahead", [1, 7, 2**13])
def test_each_lane_gets_what_it_would_draw_alone(monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    monkeypatch.setattr(dropout_masks, "AHEAD", ahead)
    calls = [dropout_masks.Call(number, shape) for number, shape in enumerate(SHAPES)]
    chance = dropout_masks.Chance([Generator().manual_seed(seed) for seed in range(len(RATES))])
    rates = dropout_masks.Rates.of(RATES, CPU)

    found = [drawn for _ in range(PASSES) for drawn in chance.noise(calls, rates)]

    for lane, own in enumerate(RATES):
        for together, expected in zip(found, alone(lane, own), strict=True):
            assert torch.equal(together[lane], expected)


def test_so_it_does_where_a_lane_draws_by_itself_as_on_a_gpu() -> None:
    calls = [dropout_masks.Call(number, shape) for number, shape in enumerate(SHAPES)]
    chance = dropout_masks.Chance([Generator().manual_seed(seed) for seed in range(len(RATES))])
    rates = dropout_masks.Rates.of(RATES, CPU)
    scales = torch.tensor([[[dropout.exact_scale(own[number])] for own in RATES] for number in range(len(SHAPES))])

    found = [chance._by_torch(call, replace(rates, scales=scales)) for _ in range(PASSES) for call in calls]

    for lane, own in enumerate(RATES):
        torch.manual_seed(lane)
        for together, call in zip(found, calls * PASSES, strict=True):
            rate, ones = own[call.dropout], torch.ones(call.shape)
            alone = dropout.dropped(ones, rate) if dropout.is_random(rate) else nn.Dropout(rate)(ones)
            assert torch.equal(together[lane], alone)


def test_lanes_of_user_code_get_what_torchs_own_dropout_draws_alone() -> None:
    calls = [dropout_masks.Call(number, shape) for number, shape in enumerate(SHAPES)]
    chance = dropout_masks.Chance([Generator().manual_seed(seed) for seed in range(len(RATES))])
    rates = dropout_masks.Rates.of(RATES, CPU, as_torch=True)

    found = [drawn for _ in range(PASSES) for drawn in chance.noise(calls, rates)]

    for lane, own in enumerate(RATES):
        torch.manual_seed(lane)
        for together, call in zip(found, calls * PASSES, strict=True):
            torch.testing.assert_close(together[lane], nn.Dropout(own[call.dropout])(torch.ones(call.shape)))


def test_a_dropout_of_user_code_keeps_its_class_and_one_with_a_forward_of_its_own_is_left_alone() -> None:
    own, changed = nn.Dropout(0.5), nn.Dropout(0.5)
    changed.forward = lambda input: input * 3  # type: ignore[method-assign]  # noqa: A006

    given = dropout_masks.take_over(nn.Sequential(own, changed))
    given.give([torch.full((4,), 2.0)])

    assert type(own) is nn.Dropout
    assert own(torch.ones(4)).tolist() == [2.0] * 4
    assert changed(torch.ones(4)).tolist() == [3.0] * 4


def test_in_place_it_writes_on_what_it_is_given() -> None:
    inputs = torch.ones(4)
    for dropout_ in (nn.Dropout(0.5, inplace=True), dropout.Dropout(0.5, inplace=True)):
        given = dropout_masks.take_over(nn.Sequential(dropout_))
        given.give([torch.full((4,), 2.0)])
        dropout_(inputs)

    assert inputs.tolist() == [4.0] * 4
