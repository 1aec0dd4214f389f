from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
import torch
from scipy import stats

from benchmarks.resampled import simulate, skewed
from tuner.results.mean_interval import KEPT, interval, luck
from tuner.results.racing import Race, best_epoch, p_worse, race, scored
from tuner.results.wording import MANY_MISS, SKEWED_MISSES


def flat(values: Mapping[int, Sequence[float]]) -> dict[int, list[list[float]]]:
    """Runs of one epoch."""
    return {candidate: [[value] for value in some] for candidate, some in values.items()}


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

    assert race(flat(values), 3, entered=2, before={0: 0.8, 1: 0.9}) == Race((1,), {0: 3}, 0)
    assert race(flat(values), 3, entered=2, before={0: 0.85, 1: 0.9}) == Race((1, 0), {}, 0)
    assert race(flat(values), 3, entered=2) == Race((1, 0), {}, 0)
    assert p_worse([0.8] * 3, [0.9] * 3) == 0.125


def test_what_can_no_longer_win_is_given_up_and_the_others_go_on() -> None:
    values = {0: [0.90, 0.92, 0.91, 0.90], 1: [0.50, 0.519, 0.511, 0.50], 2: [0.91, 0.90, 0.92, 0.91]}

    assert race(flat({candidate: some[:2] for candidate, some in values.items()}), 5, 3) == Race((0, 1, 2), {}, 3)
    assert race(flat({candidate: some[:3] for candidate, some in values.items()}), 5, 3) == Race((0, 2), {1: 3}, 4)
    without = {**values, 1: values[1][:3]}
    assert race(flat(without), 4, 3) == Race((2, 0), {1: 3}, 0)


def test_two_seeds_call_no_candidate_worse() -> None:
    """Two differences that are nearly the same say nothing of their spread: one seed of five may have failed twice."""
    values = {0: [0.95, 0.94], 1: [0.5, 0.5001]}

    assert race(flat(values), 2, entered=2) == Race((0, 1), {}, 0)
    assert race(flat(values), 2, entered=2, before={0: 0.95, 1: 0.5}).given_up == {}


def test_a_single_candidate_has_won() -> None:
    assert race({7: []}, seeds=5, entered=1) == Race((7,), {}, 0)


def test_a_candidate_that_drops_out_does_not_loosen_the_level() -> None:
    values = {0: [0.9, 0.95, 0.92], 1: [0.85, 0.905, 0.865]}

    assert race(flat(values), 3, entered=2).given_up == {1: 3}
    assert race(flat(values), 3, entered=50).given_up == {}


DRAWS: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda chance: chance.gauss(0, 1),
    "one of two": lambda chance: float(chance.random() < 0.5),
    "mostly one": lambda chance: float(chance.random() < 0.8),
    "of 40 rows": lambda chance: sum(chance.random() < 0.95 for _ in range(40)) / 40,
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("candidates", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_of_equals_any_is_called_worse_in_fewer_than_one_race_of_twenty(
    candidates: int, seeds: int, draw: Callable[[random.Random], float]
) -> None:
    chance, false = random.Random(0), 0
    for _ in range(800):
        values = {each: [draw(chance) for _ in range(seeds)] for each in range(candidates)}
        before = {each: draw(chance) for each in range(candidates)}
        false += bool(race(flat(values), seeds, candidates, before).given_up)

    assert false / 800 < 0.05 + 2 * (0.05 * 0.95 / 800) ** 0.5  # and what 800 races leave to luck


def test_the_epoch_is_the_best_of_the_mean_curve_among_those_that_all_runs_may_use() -> None:
    curves = [[0.1, 0.9, 0.5], [0.3, 0.2, 0.6], [0.2, 0.3, 0.6, 0.99]]

    assert best_epoch(curves) == 2  # means 0.2, 0.467, 0.567; the fourth is of one run alone
    assert best_epoch([[0.1, 0.9], [0.3, -math.inf]]) == 0
    assert best_epoch([[-math.inf], [0.5]]) is None


def test_a_run_is_scored_at_the_epoch_that_the_other_half_chooses() -> None:
    curves = [[0.0, 9.0, 1.0], [5.0, 0.0, 2.0], [0.0, 8.0, 3.0], [4.0, 1.0, 2.0]]

    assert scored(curves) == [0.0, 0.0, 0.0, 1.0]  # the even runs choose the second epoch, the odd ones the first
    assert scored([[1.0, 3.0]]) == [3.0]


@pytest.mark.parametrize("shakes", [(0.0, 1.0), (1.0, 1.0)])
def test_a_curve_that_shakes_more_gains_nothing_by_it(shakes: tuple[float, float]) -> None:
    """20 epochs of which none is better: the best of the mean curve would lead by two standard errors."""
    chance, false, lead = np.random.default_rng(0), 0, 0.0
    for _ in range(400):
        level = chance.normal(size=(2, 10, 1))
        curves = level + np.array(shakes)[:, None, None] * chance.normal(size=(2, 10, 20))
        raced = dict(enumerate(curves.tolist()))
        false += bool(race(raced, 10, 2).given_up)
        lead += (statistics.fmean(scored(raced[1])) - statistics.fmean(scored(raced[0]))) / 400

    assert false / 400 < 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5
    assert abs(lead) < 4 * (4 / 10 / 400) ** 0.5


def test_draws_that_share_rows_count_as_fewer() -> None:
    values = [0.0, 1.0, 2.0, 3.0]
    alone, shared = interval(values), interval(values, overlap=0.25)

    assert alone is not None
    assert shared is not None
    assert (shared.high - shared.mean) / (alone.high - alone.mean) == pytest.approx(math.sqrt((1 / 4 + 0.25) / (1 / 4)))
    t = stats.ttest_1samp(values, 0.0).statistic * math.sqrt((1 / 4) / (1 / 4 + 0.25))
    assert p_worse([0.0] * 4, values, overlap=0.25) == pytest.approx(stats.t.sf(t, 3))


def test_a_winner_keeps_the_part_of_its_lead_that_lies_in_the_rows() -> None:
    """Means of equals: a part of variance 0.25 that the rows give and one of 1 / 4 that the seeds give."""
    chance = np.random.default_rng(0)
    of_rows = chance.normal(scale=0.25**0.5, size=(40_000, 3))
    means = of_rows + chance.normal(scale=(1 / 4) ** 0.5, size=(40_000, 3))
    best = means.argmax(1)[:, None]
    kept = np.take_along_axis(of_rows, best, 1).mean()

    lead = [luck(sorted(each, reverse=True), 4, 0.25) for each in means.tolist()]

    assert statistics.fmean(lead) == pytest.approx(kept, rel=0.02)
    assert luck([3.0, 1.0], 4, 0.0) == 0.0
    assert luck([1.0, 3.0], 4, math.inf) == -1.0


def test_luck_moves_the_worse_end_alone() -> None:
    values = [0.0, 1.0, 2.0, 3.0]
    plain, high, low = (interval(values, 0.25, lucky) for lucky in (0.0, 3.0, -3.0))

    assert plain is not None
    assert high is not None
    assert low is not None
    one_sided = stats.t.ppf(0.95, 3) * statistics.stdev(values) * math.sqrt(1 / 4 + 0.25)
    assert (high.high, low.low) == (plain.high, plain.low)
    assert high.low == pytest.approx(1.5 - one_sided - KEPT * 3)
    assert low.high == pytest.approx(1.5 + one_sided + KEPT * 3)
    assert interval(values, 0.25, 0.01) == plain


@pytest.mark.parametrize(
    ("repeats", "splits", "noise", "candidates", "seeds"),
    [
        (150, False, 1.0, 3, 5),
        pytest.param(500, False, 1.0, 3, 5, marks=pytest.mark.slow),
        pytest.param(500, True, 0.0, 5, 10, marks=pytest.mark.slow),
    ],
)
def test_a_confirmation_of_known_truth_holds_it_and_calls_no_equal_worse(
    repeats: int, splits: bool, noise: float, candidates: int, seeds: int
) -> None:
    """Ridge regressions whose truth is known; so many repeats leave two standard errors to luck."""
    found = simulate(repeats, candidates, seeds, splits, noise)

    slack = 2 * (0.05 * 0.95 / repeats) ** 0.5
    assert 0.95 - slack <= found.covered / repeats <= 0.97 + slack
    assert found.any_worse / repeats <= 0.05 + slack


@pytest.mark.parametrize("seeds", [2, 3, 5, 9, 10, 17, 20])
def test_where_a_seed_of_five_fails_intervals_miss_the_mean_as_often_as_is_said(seeds: int) -> None:
    """Student's interval computed anew, of 20,000 samples."""
    chance, said = np.random.default_rng(1), SKEWED_MISSES.get(seeds, MANY_MISS)
    values = np.where(chance.random((20_000, seeds)) < 0.2, 0.5, chance.normal(0.95, 0.02, (20_000, seeds)))
    reach = stats.t.ppf(0.975, seeds - 1) * values.std(1, ddof=1) / math.sqrt(seeds)

    misses = float((abs(values.mean(1) - (0.2 * 0.5 + 0.8 * 0.95)) > reach).mean())

    assert misses <= said + 2 * (said * (1 - said) / 20_000) ** 0.5
    assert misses >= said - 0.02 or seeds not in SKEWED_MISSES
    assert 1 - skewed(500, seeds, 0.2) / 500 == pytest.approx(misses, abs=0.07)
