"""Confirmations of models whose truth is known: what intervals cover, and how often equals are called worse.

The models are ridge regressions on synthetic rows, fitted in closed form, and know nothing of this project's training.
Without `splits` a seed draws the random features of a model over fixed rows, as it draws the weights of a network.
With `splits` each seed draws training and validation rows of one data set anew, so that draws share rows; the truth is
the mean over data sets that are drawn afresh. Candidates are exchangeable: none is truly better than another.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.verdicts import COVERS, FALSE, Share, Target
from tuner.results.mean_interval import interval, luck
from tuner.results.racing import best_epoch, race, scored
from tuner.results.wording import MANY_MISS, SKEWED_MISSES

Numbers = NDArray[np.float64]
ROWS, VALID, FEATURES, KEPT = 240, 60, 12, 6
OVERLAP = VALID / (ROWS - VALID)
EPOCHS = 20
AT_ONCE = 500
"""Repeats that are computed together: some 100 MB."""

RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """Of how many repeats: intervals that hold the truth, races with a false claim, races that all others lose."""

    repeats: int
    covered: int
    any_worse: int
    all_worse: int

    def with_one(self, covered: bool, any_worse: bool, all_worse: bool) -> Found:
        """One repeat more counted."""
        return Found(self.repeats, self.covered + covered, self.any_worse + any_worse, self.all_worse + all_worse)


def ridge(inputs: Numbers, targets: Numbers) -> Numbers:
    """Weights of (..., N, D) inputs and (..., N) targets."""
    turned = np.swapaxes(inputs, -1, -2)
    normal = turned @ inputs + RIDGE * np.eye(inputs.shape[-1])
    return np.asarray(np.linalg.solve(normal, turned @ targets[..., None])[..., 0], dtype=np.float64)


def rows(chance: Generator, count: int, *sets: int) -> tuple[Numbers, Numbers]:
    """Return inputs (*sets, count, FEATURES) and targets, in which each feature counts alike."""
    inputs = chance.normal(size=(*sets, count, FEATURES))
    return inputs, inputs.sum(-1) + chance.normal(scale=2.0, size=(*sets, count))


def features_of(candidate: int) -> list[int]:
    """Return the features that a candidate sees; by symmetry no choice is better than another."""
    return [(candidate * 2 + i) % FEATURES for i in range(KEPT)]


def drawn_anew(chance: Generator, repeats: int, candidates: int, seeds: int) -> Numbers:
    """Scores (repeats, candidates, seeds): each repeat one data set, whose rows each seed splits anew."""
    inputs, targets = rows(chance, ROWS, repeats)
    scores = np.empty((repeats, candidates, seeds))
    for seed in range(seeds):
        order = chance.random((repeats, ROWS)).argsort(1)
        drawn, wanted = np.take_along_axis(inputs, order[..., None], 1), np.take_along_axis(targets, order, 1)
        for candidate in range(candidates):
            seen = drawn[..., features_of(candidate)]
            weights = ridge(seen[:, VALID:], wanted[:, VALID:])
            guessed = (seen[:, :VALID] @ weights[..., None])[..., 0]
            scores[:, candidate, seed] = -((guessed - wanted[:, :VALID]) ** 2).mean(-1)
    return scores


def truth_of_draws() -> float:
    """Return the mean score of any candidate over 20,000 fresh data sets, each split once."""
    chance = np.random.default_rng(10**6)
    inputs, targets = rows(chance, ROWS - VALID, 20_000)
    weights = ridge(inputs[..., features_of(0)], targets)
    missing = FEATURES - KEPT  # variance 1 each, and 4 of the noise; the population's error, without validation rows
    return -float(4.0 + missing + ((weights - 1.0) ** 2).sum(-1).mean())


def drawn_models(chance: Generator, repeats: int, candidates: int, seeds: int) -> Numbers:
    """Scores (repeats, candidates, seeds) of models with random features over fixed rows."""
    train, targets, valid, wanted = _FIXED
    projected = chance.normal(size=(repeats, candidates, seeds, FEATURES, KEPT))
    weights = ridge(np.tanh(train @ projected), targets)
    guessed = (np.tanh(valid @ projected) @ weights[..., None])[..., 0]
    scores: Numbers = -((guessed - wanted) ** 2).mean(-1)
    return scores


_fixed = np.random.default_rng(7)
_FIXED = (*rows(_fixed, ROWS - VALID), *rows(_fixed, VALID))


def truth_of_models() -> float:
    """Return the mean score over 40,000 seeds."""
    chance = np.random.default_rng(10**6)
    return statistics.fmean(float(drawn_models(chance, 1, 1, 1000).mean()) for _ in range(40))  # at once: 600 MB


def with_epochs(chance: Generator, scores: Numbers, noise: float) -> Numbers:
    """Curves (repeats, candidates, seeds, EPOCHS) about the scores; each candidate's shake by another amount."""
    shaking = np.linspace(0.05 * noise, noise, scores.shape[1])[:, None, None] * scores.std()
    curves: Numbers = scores[..., None] + shaking * chance.normal(size=(*scores.shape, EPOCHS))
    return curves


def simulate(repeats: int, candidates: int, seeds: int, splits: bool, noise: float = 1.0) -> Found:
    """Confirm exchangeable candidates many times.

    Args:
        repeats: how often.
        candidates: how many race.
        seeds: of the race, and as many further ones of the pick.
        splits: whether each seed draws its rows anew.
        noise: of training, epoch by epoch, in standard deviations of the scores, of the candidate that shakes most.
    """
    draw: Callable[[Generator, int, int, int], Numbers] = drawn_anew if splits else drawn_models
    truth = truth_of_draws() if splits else truth_of_models()
    overlap = OVERLAP if splits else 0.0
    chance = np.random.default_rng(0)
    found = Found(repeats, 0, 0, 0)
    for start in range(0, repeats, AT_ONCE):
        curves = with_epochs(chance, draw(chance, min(AT_ONCE, repeats - start), candidates, 2 * seeds), noise)
        for each in curves:
            found = found.with_one(*_confirmed(each, overlap, truth))
    return found


def _confirmed(curves: Numbers, overlap: float, truth: float) -> tuple[bool, bool, bool]:
    """Whether the interval of one confirmation holds the truth, any candidate is called worse, and all others are.

    Args:
        curves: (candidates, seeds, EPOCHS), of which the first half of the seeds race.
        overlap: n_valid / n_train where each seed draws its rows anew, else 0.
        truth: the mean score of any candidate.
    """
    candidates, seeds = len(curves), curves.shape[1] // 2
    raced = dict(enumerate(curves[:, :seeds]))
    race_ended = race(raced, seeds, candidates, overlap=overlap)
    pick, *_ = leading = race_ended.leading
    lucky = luck([statistics.fmean(scored(raced[each])) for each in leading], seeds, overlap)
    between = interval(curves[pick, seeds:, best_epoch(raced[pick])].tolist(), overlap, lucky)
    assert between is not None
    return between.low <= truth <= between.high, len(leading) < candidates, len(leading) == 1 < candidates


def fails(chance: Generator, shape: tuple[int, ...], bad: float) -> Numbers:
    """Values of seeds of which a share `bad` fails: 0.95 and 0.02 about it, or else 0.5."""
    return np.where(chance.random(shape) < bad, 0.5, chance.normal(0.95, 0.02, shape))


def skewed(repeats: int, seeds: int, bad: float) -> int:
    """Count the intervals that hold the mean where a share `bad` of seeds fails."""
    values = fails(np.random.default_rng((0, seeds)), (repeats, seeds), bad)
    found = (interval(list(map(float, each))) for each in values)
    truth = bad * 0.5 + (1 - bad) * 0.95
    return sum(each is not None and each.low <= truth <= each.high for each in found)


def skewed_races(repeats: int, candidates: int, seeds: int, bad: float) -> int:
    """Count the races between equals that call any of them worse where a share `bad` of seeds fails."""
    values = fails(np.random.default_rng((1, candidates, seeds)), (repeats, candidates, seeds, 1), bad)
    return sum(bool(race(dict(enumerate(each)), seeds, candidates).given_up) for each in values)


CASES = (
    *((False, 1.0, *each) for each in ((1, 3), (2, 2), (2, 3), (5, 2), (5, 3), (5, 5), (5, 10), (5, 20))),
    *((True, 1.0, *each) for each in ((1, 3), (1, 20), (2, 2), (2, 5), (5, 3), (5, 5), (5, 10), (5, 20))),
    *((True, 0.0, *each) for each in ((5, 10), (5, 20))),
)
"""Whether rows are drawn anew, the noise of training, how many candidates and seeds."""

BAD = 0.2
"""The share of seeds that fail where values are skewed."""


def shares(repeats: int, pool: Executor) -> Iterator[Share]:
    """Find what is promised of a confirmation, a share each.

    Args:
        repeats: of each case.
        pool: the processes that simulate.
    """
    ordered = [(candidates, seeds, splits, noise) for splits, noise, candidates, seeds in CASES]
    for case, found in zip(
        ordered, pool.map(simulate, itertools.repeat(repeats), *zip(*ordered, strict=True)), strict=True
    ):
        candidates, seeds, splits, noise = case
        rows = f"rows drawn anew{', quiet' * (not noise)}" if splits else "same rows"
        of = f"{rows}: {candidates} x {seeds} seeds"
        yield Share(f"{of}: the interval holds the truth", found.covered, repeats, COVERS)
        if candidates > 1:
            yield Share(f"{of}: an equal is called worse", found.any_worse, repeats, FALSE)
    for seeds, said in {**SKEWED_MISSES, 10: MANY_MISS, 17: MANY_MISS, 20: MANY_MISS}.items():
        misses = repeats - skewed(repeats, seeds, BAD)
        yield Share(f"a seed of 5 fails: {seeds} seeds: the interval misses", misses, repeats, Target(0.0, said))
    for candidates, seeds in ((2, 2), (2, 3), (5, 3), (5, 5), (5, 10)):
        worse = skewed_races(repeats, candidates, seeds, BAD)
        yield Share(f"a seed of 5 fails: {candidates} x {seeds} seeds: an equal is called worse", worse, repeats, FALSE)
