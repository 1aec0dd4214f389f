from __future__ import annotations

import random

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


def test_candidates_without_chance_are_told_apart() -> None:
    assert p_worse([0.8] * 3, [0.9] * 3) == 0.0
    assert race({0: [0.8] * 3, 1: [0.9] * 3}, seeds=5, entered=2) == Race((1,), {0: 3}, 0)


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


@pytest.mark.parametrize("candidates", [2, 5])
def test_the_truly_best_is_given_up_in_fewer_than_one_race_of_twenty(candidates: int) -> None:
    chance, lost = random.Random(0), 0
    for _ in range(2000):
        values = {each: [chance.gauss(0.001 * (each == 0), 1) for _ in range(5)] for each in range(candidates)}
        lost += 0 in race(values, 5, candidates).given_up

    assert lost / 2000 < 0.05
