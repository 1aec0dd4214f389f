"""Confirmations of models whose truth is known: what intervals cover, and how often equals are called worse.

The models are ridge regressions on synthetic rows, fitted in closed form, and know nothing of this project's training.
Without `splits` a seed draws the random features of a model over fixed rows, as it draws the weights of a network.
With `splits` each seed draws training and validation rows of one data set anew, so that draws share rows; the truth is
the mean over data sets that are drawn afresh. Candidates are exchangeable: none is truly better than another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tuner.racing import best_epoch, interval, race

Numbers = NDArray[np.float64]
ROWS, VALID, FEATURES, KEPT = 240, 60, 12, 6
OVERLAP = VALID / (ROWS - VALID)
EPOCHS = 20
RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """Of how many repeats: intervals that hold the truth, races with a false claim, races that all others lose."""

    repeats: int
    covered: int
    any_worse: int
    all_worse: int

    def __str__(self) -> str:
        shares = (each / self.repeats for each in (self.covered, self.any_worse, self.all_worse))
        return "   ".join(f"{share:7.1%}" for share in shares)


def ridge(inputs: Numbers, targets: Numbers) -> Numbers:
    """Weights of (..., N, D) inputs and (..., N) targets."""
    turned = np.swapaxes(inputs, -1, -2)
    normal = turned @ inputs + RIDGE * np.eye(inputs.shape[-1])
    return np.asarray(np.linalg.solve(normal, turned @ targets[..., None])[..., 0], dtype=np.float64)


def rows(chance: Generator, count: int, *sets: int) -> tuple[Numbers, Numbers]:
    """(*sets, count, FEATURES) inputs and targets, in which each feature counts alike."""
    inputs = chance.normal(size=(*sets, count, FEATURES))
    return inputs, inputs.sum(-1) + chance.normal(scale=2.0, size=(*sets, count))


def features_of(candidate: int) -> list[int]:
    """The features that a candidate sees; by symmetry no choice is better than another."""
    return [(candidate * 2 + i) % FEATURES for i in range(KEPT)]


def drawn_anew(chance: Generator, candidates: int, seeds: int) -> Numbers:
    """Scores (candidates, seeds) of one data set whose rows each seed splits anew; higher is better."""
    inputs, targets = rows(chance, ROWS)
    orders = np.stack([chance.permutation(ROWS) for _ in range(seeds)])
    valid, train = orders[:, :VALID], orders[:, VALID:]
    scores = []
    for candidate in range(candidates):
        seen = inputs[:, features_of(candidate)]
        weights = ridge(seen[train], targets[train])
        guessed = (seen[valid] @ weights[..., None])[..., 0]
        scores.append(-((guessed - targets[valid]) ** 2).mean(-1))
    return np.stack(scores)


def truth_of_draws() -> float:
    """The mean score of any candidate over 20,000 fresh data sets, each split once."""
    chance = np.random.default_rng(10**6)
    inputs, targets = rows(chance, ROWS - VALID, 20_000)
    weights = ridge(inputs[..., features_of(0)], targets)
    missing = FEATURES - KEPT  # variance 1 each, and 4 of the noise; the population's error, without validation rows
    return -float(4.0 + missing + ((weights - 1.0) ** 2).sum(-1).mean())


def drawn_models(chance: Generator, candidates: int, seeds: int) -> Numbers:
    """Scores (candidates, seeds) of models with random features over fixed rows; higher is better."""
    train, targets, valid, wanted = _FIXED
    projected = chance.normal(size=(candidates, seeds, FEATURES, KEPT))
    weights = ridge(np.tanh(train @ projected), targets)
    guessed = (np.tanh(valid @ projected) @ weights[..., None])[..., 0]
    scores: Numbers = -((guessed - wanted) ** 2).mean(-1)
    return scores


_fixed = np.random.default_rng(7)
_FIXED = (*rows(_fixed, ROWS - VALID), *rows(_fixed, VALID))


def truth_of_models() -> float:
    """The mean score over 40,000 seeds."""
    return float(drawn_models(np.random.default_rng(10**6), 1, 40_000).mean())


def with_epochs(chance: Generator, scores: Numbers) -> Numbers:
    """Curves (candidates, seeds, EPOCHS) that have risen to the scores; each candidate's shake by another amount."""
    shaking = np.linspace(0.05, 1.0, len(scores))[:, None, None] * scores.std()
    curves: Numbers = scores[..., None] + shaking * chance.normal(size=(*scores.shape, EPOCHS))
    return curves


def simulate(repeats: int, candidates: int, seeds: int, splits: bool, first: int = 0) -> Found:
    """Confirm exchangeable candidates many times.

    Args:
        repeats: how often.
        candidates: how many race.
        seeds: of the race, and as many further ones of the pick.
        splits: whether each seed draws its rows anew.
        first: the seed of the first repeat.
    """
    draw: Callable[[Generator, int, int], Numbers] = drawn_anew if splits else drawn_models
    truth = truth_of_draws() if splits else truth_of_models()
    overlap = OVERLAP if splits else 0.0
    covered = any_worse = all_worse = 0
    for repeat in range(first, first + repeats):
        chance = np.random.default_rng(repeat)
        curves = with_epochs(chance, draw(chance, candidates, 2 * seeds))
        raced = {i: [list(curve) for curve in each[:seeds]] for i, each in enumerate(curves)}
        found = race(raced, seeds, candidates, overlap=overlap)
        any_worse += bool(found.given_up)
        all_worse += len(found.leading) == 1 < candidates
        pick = found.leading[0]
        epoch = best_epoch(raced[pick])
        between = interval([float(curve[epoch]) for curve in curves[pick, seeds:]], overlap)
        assert between is not None
        covered += between.low <= truth <= between.high
    return Found(repeats, covered, any_worse, all_worse)


def skewed(repeats: int, seeds: int, bad: float) -> float:
    """Share of intervals that hold the mean where a seed in 1 / `bad` fails: 0.95 and 0.02 about it, or else 0.5."""
    chance = np.random.default_rng(0)
    values = np.where(chance.random((repeats, seeds)) < bad, 0.5, chance.normal(0.95, 0.02, (repeats, seeds)))
    found = (interval(list(map(float, each))) for each in values)
    truth = bad * 0.5 + (1 - bad) * 0.95
    return sum(each is not None and each.low <= truth <= each.high for each in found) / repeats


def table(repeats: int) -> tuple[list[str], bool]:
    """What simulations find, a line each, and whether the promise holds: 93 to 97 % covered, at most 5 % false."""
    lines = ["splits  candidates  seeds   interval holds   any called worse   all called worse"]
    kept = True
    for splits in (False, True):
        for candidates, seeds in ((2, 3), (2, 5), (5, 5), (5, 10), (5, 20)):
            found = simulate(repeats, candidates, seeds, splits)
            lines.append(f"{splits!s:6}  {candidates:10}  {seeds:5}   {found}")
            slack = 2 * (0.05 * 0.95 / repeats) ** 0.5
            share = found.covered / repeats
            kept &= 0.93 - slack <= share <= 0.97 + slack and found.any_worse / repeats <= 0.05 + slack
    for seeds in (2, 3, 5, 10, 20):
        lines.append(
            f"one seed of five fails: {seeds:2} seeds, the interval holds in {skewed(repeats, seeds, 0.2):.1%}"
        )
    return lines, kept
