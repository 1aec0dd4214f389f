from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

from tuner.racing import Race, interval, p_worse, race


def float32(value: float) -> float:
    return float(torch.tensor(value, dtype=torch.float32))


def test_the_interval_is_students() -> None:
    found = interval([4.0, 5.0, 6.0])

    assert found is not None
    assert (found.mean, round(found.low, 4), round(found.high, 4)) == (5.0, 2.5159, 7.4841)  # 4.3027 / sqrt(3)
    assert interval([1.0]) is None


def test_the_test_is_paired_over_common_seeds() -> None:
    seeds = [0.0, 10.0, -7.0, 3.0]
    lead = [1.0, 1.1, 0.9, 1.05]
    best = [seed + each for seed, each in zip(seeds, lead, strict=True)]

    assert p_worse(seeds, best) < 0.001
    assert p_worse(list(reversed(seeds)), best) > 0.2
    assert p_worse(best, seeds) == 1.0


def test_equal_differences_count_by_their_sign_alone() -> None:
    assert p_worse([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) == 0.125
    lower, higher = ([row / 288 for row in rows] for rows in ([280, 281, 279], [283, 284, 282]))
    assert p_worse([*map(float32, lower)], [*map(float32, higher)]) == 0.125  # but for rounding they are equal


def test_candidates_without_chance_are_told_apart_and_those_that_only_look_it_are_not() -> None:
    values = {0: [0.8] * 3, 1: [0.9] * 3}

    assert race(values, 3, entered=2, before={0: 0.8, 1: 0.9}) == Race((1,), {0: 3}, 0)
    assert race(values, 3, entered=2, before={0: 0.85, 1: 0.9}) == Race((1, 0), {}, 0)
    assert race(values, 3, entered=2) == Race((1, 0), {}, 0)
    assert p_worse([0.8] * 3, [0.9] * 3) == 0.125


def test_what_can_no_longer_win_is_given_up_and_the_others_go_on() -> None:
    values = {0: [0.90, 0.92, 0.91, 0.90], 1: [0.50, 0.519, 0.511, 0.50], 2: [0.91, 0.90, 0.92, 0.91]}

    assert race({candidate: some[:2] for candidate, some in values.items()}, 5, 3) == Race((0, 1, 2), {}, 3)
    assert race({candidate: some[:3] for candidate, some in values.items()}, 5, 3) == Race((0, 2), {1: 3}, 4)
    without = {**values, 1: values[1][:3]}
    assert race(without, 4, 3) == Race((2, 0), {1: 3}, 0)


def test_a_single_candidate_has_won() -> None:
    assert race({7: []}, seeds=5, entered=1) == Race((7,), {}, 0)


def test_a_candidate_that_drops_out_does_not_loosen_the_level() -> None:
    values = {0: [0.9, 0.95, 0.92], 1: [0.85, 0.905, 0.865]}

    assert race(values, 3, entered=2).given_up == {1: 3}
    assert race(values, 3, entered=50).given_up == {}


DRAWS: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda chance: chance.gauss(0, 1),
    "one of two": lambda chance: float(chance.random() < 0.5),
    "mostly one": lambda chance: float(chance.random() < 0.8),
    "of 40 rows": lambda chance: sum(chance.random() < 0.95 for _ in range(40)) / 40,
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("candidates", [2, 5])
def test_one_that_is_as_good_as_any_is_given_up_in_fewer_than_one_race_of_twenty(
    candidates: int, seeds: int, draw: Callable[[random.Random], float]
) -> None:
    chance, lost = random.Random(0), 0
    for _ in range(2000):
        values = {each: [draw(chance) for _ in range(seeds)] for each in range(candidates)}
        before = {each: draw(chance) for each in range(candidates)}
        lost += 0 in race(values, seeds, candidates, before).given_up

    assert lost / 2000 < 0.06  # 0.05, and what 2,000 races leave to luck
