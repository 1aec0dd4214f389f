"""Priors: values that people expect to be good, `prior: {around: 1e-3}` on a hole.

Some trials are drawn around these values in place of the sampler's, which learns from them as from others. So a prior
works with every sampler. The first trial has the values themselves. Later the share of such trials follows their
success: how many of them are among the best (PriorBand, NeurIPS 2023). It also falls with the number of trials, as the
exponent of piBO does (ICLR 2022). So a wrong prior costs a few trials.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from tuner.goal import Direction
from tuner.space import Space
from tuner.space.draft import Draft, drafted, place_of, value_at
from tuner.space.suggest import Random
from tuner.space.tree import Choice, Float, Int, Parameter

LEANING = "tuner:prior"
"""The system attribute of a trial that was drawn around the priors."""

FIRST_SHARE = 0.5
"""Share of trials around the priors before anything is known of their success."""

HALF_AFTER = 40
"""Number of trials after which the share has fallen to its half, whatever the success."""

WIDTH = 0.15
"""Standard deviation of a draw around a prior, as a share of the range on its scale."""

TRUST = 0.7
"""Probability of the label that a prior names; the others share the rest."""

BEST = 4
"""One of so many trials is among the best."""


class Priors:
    """Draws around the priors of a space.

    Args:
        space: of the study.
        direction: of the first objective.
    """

    def __init__(self, space: Space, direction: Direction) -> None:
        self._space = space
        self._sign = -1 if direction is Direction.MAXIMIZE else 1
        self._holes = {row.name: row.hole for row in space.parameters() if row.hole.around is not None}

    def __bool__(self) -> bool:
        return bool(self._holes)

    def leaning(self, draft: Draft, trials: Sequence[FrozenTrial], seed: int) -> Iterator[Draft]:
        """Yield drafts with values around the priors, the first choice first; none if it is the sampler's turn.

        Args:
            draft: as the sampler has drawn it; what has no prior stays.
            trials: of the study.
            seed: decides the turn and the values.
        """
        chance = random.Random(seed)
        first = not any(LEANING in trial.system_attrs for trial in trials)
        if not first and chance.random() >= self.share(trials):
            return
        for exact in (True, False) if first else (False,):
            wanted = {name: _drawn(hole, chance, exact) for name, hole in self._holes.items()}
            yield drafted(self._space, {**draft.params, **wanted}, Random(seed))

    def share(self, trials: Sequence[FrozenTrial]) -> float:
        """Return the share of trials that are drawn around the priors."""
        ended = [trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)]
        falling = HALF_AFTER / (HALF_AFTER + len(trials))
        best = self._best(ended)
        here, there = (self._success(ended, best, leaning) for leaning in (True, False))
        return 2 * FIRST_SHARE * falling * here**3 / (here**3 + there**3)

    def _best(self, ended: Sequence[FrozenTrial]) -> set[int]:
        """Return the numbers of the best trials; one without a value, or that breaks a constraint, is none of them."""
        scored = [trial for trial in ended if trial.state is TrialState.COMPLETE and trial.values and _keeps(trial)]
        scored.sort(key=lambda trial: (self._sign * trial.values[0], trial.number))
        return {trial.number for trial in scored[: len(ended) // BEST]}

    def _success(self, ended: Sequence[FrozenTrial], best: set[int], leaning: bool) -> float:
        """Return the expected share of best trials among those around the priors, or among the others."""
        mine = [trial.number for trial in ended if (LEANING in trial.system_attrs) is leaning]
        return (sum(number in best for number in mine) + 1) / (len(mine) + 2)


def _keeps(trial: FrozenTrial) -> bool:
    return all(violation <= 0 for violation in trial.constraints.values())


def _drawn(hole: Parameter, chance: random.Random, exact: bool) -> Any:
    """Return a value around a prior, or the prior's own."""
    match hole:
        case _ if exact:
            return hole.around
        case Choice(branches):
            others = [branch.label for branch in branches if branch.label != hole.around]
            return hole.around if not others or chance.random() < TRUST else chance.choice(others)
        case Float() | Int():
            assert hole.around is not None
            return value_at(hole, _near(place_of(hole, min(max(hole.around, hole.low), hole.high)), chance))


def _near(place: float, chance: random.Random) -> float:
    """Return a place from a normal distribution that ends with the range."""
    for _ in range(100):
        if 0 <= (near := chance.gauss(place, WIDTH)) <= 1:
            return near
    return place
