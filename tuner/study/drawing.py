"""Drawing: the values of a new trial, by any sampler, that keep all relations and that nobody has tried.

What the sampler draws is taken where it fits. Else the sampler draws again, then the nearest config that fits takes its
place, then any that fits. The sampler never sees the drafts: a trial's parameters are those that it trains.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from tuner.optuna_internals import id_of, is_stopped, trial_id_of
from tuner.space.draft import Draft, Neighbours
from tuner.space.relation_rules import broken
from tuner.space.repair import Repair
from tuner.storage import WriteBehindStorage
from tuner.storage.write_behind import forget_params
from tuner.study.distributions import distribution_of
from tuner.study.priors import LEANING, Priors
from tuner.study.sampler_traits import traits_of
from tuner.study.study import Study, note
from tuner.study.tried_configs import TriedConfigs

MOST_DRAFTS = 20_000
"""Number of drafts after which the search for an untried config ends."""


USED_UP = "used up"
"""The study's attribute with the reason why nothing is left to try."""

NOTHING_LEFT = "every config of the space was tried"
NOTHING_FOUND = "no untried config was found that keeps the relations"


class UsedUp(Exception):
    """The space has no config left that keeps its relations and was not tried."""


def _used_up(study: Study) -> UsedUp:
    """Note that the study has tried its whole space, let its driver start nothing more, and return that."""
    study.optuna.stop()
    note(study, USED_UP, {"reason": NOTHING_FOUND if study.space.relations else NOTHING_LEFT})
    return UsedUp()


class Drawing:
    """Draws the values of the new trials of a study.

    Args:
        study: opened for its space.
        storage: of the study.
    """

    def __init__(self, study: Study, storage: WriteBehindStorage) -> None:
        self._study = study
        self._space = study.space
        self._storage = storage
        self._tried = TriedConfigs(study.optuna, storage)
        self._traits = traits_of(study.space.search.sampler.type)
        self._priors = Priors(study.space, study.goal.directions[0])
        self._once = not study.space.search.repeats and bool(study.space.parameters())

    def look(self) -> None:
        """Read which configs were tried; call it where no trial is hidden."""
        if self._once:
            self._tried.look()

    def draw(self, drawn: optuna.Trial, found: FrozenTrial, seed: int) -> dict[str, Any]:
        """Return the values of a trial, and note its parameters.

        A trial that was enqueued, confirms another or goes on keeps its parameters.

        Args:
            drawn: the trial, which Optuna has begun.
            found: the trial as it was before.
            seed: decides what stands in for a config that was tried.

        Raises:
            UsedUp: nothing is left to try.
        """
        goes_on = bool(found.params)  # before Optuna changes `found`
        given: Mapping[str, Any] = found.system_attrs.get("fixed_params", {})
        draft = Draft({}, self._space.fill(drawn))
        if goes_on:
            return draft.values
        draft = Draft(self._params(trial_id_of(drawn)), draft.values)
        if not given and (leaning := self._leaning(draft, drawn.number, seed)) is not None:
            self._write(trial_id_of(drawn), leaning)
            self._storage.set_trial_system_attr(trial_id_of(drawn), LEANING, True)
            return leaning.values
        fits = self._keeps if given else self._fits
        if fits(draft):
            return draft.values
        redraws = self._redraws(draft, given)
        for draft in self._redrawn(trial_id_of(drawn), drawn.number, redraws):
            if fits(draft):
                return draft.values
        instead = self._mended(draft, given, seed) if given else self._other(draft, seed)
        self._write(trial_id_of(drawn), instead)
        return instead.values

    def _leaning(self, draft: Draft, number: int, seed: int) -> Draft | None:
        """Return a config around the priors; None without priors, where it does not fit, or at the sampler's turn."""
        if not self._priors:
            return None
        trials = self._storage.get_all_trials(id_of(self._study.optuna), deepcopy=False)
        for leaning in self._priors.leaning(draft, [trial for trial in trials if trial.number != number], seed):
            kept = leaning if self._keeps(leaning) else Repair(self._space, seed).nearest(leaning, {})
            if kept is not None and self._fits(kept):
                return kept
        return None

    def _params(self, trial_id: int) -> dict[str, Any]:
        """Return the parameters of a trial as they are stored: a sampler may have given NumPy numbers."""
        return dict(self._storage.get_trial(trial_id).params)

    def _fits(self, draft: Draft) -> bool:
        return self._keeps(draft) and not (self._once and draft.params in self._tried)

    def _keeps(self, draft: Draft) -> bool:
        return not broken(self._space.relations, draft.params, draft.values)

    def _mended(self, draft: Draft, given: Mapping[str, Any], seed: int) -> Draft:
        """Return an enqueued config with other values that keep the relations; itself where there are none."""
        return Repair(self._space, seed).nearest(draft, given) or draft

    def _redraws(self, draft: Draft, given: Mapping[str, Any]) -> int:
        """Return how many times the sampler draws again.

        One that learns does not where a relation is broken. The nearest config is as good (36 seeds), and found sooner.
        """
        repaired = self._traits.learns and not self._traits.repeats and not self._keeps(draft)
        return 0 if repaired or given.keys() >= draft.params.keys() else self._traits.redraws

    def _redrawn(self, trial_id: int, number: int, times: int) -> Iterator[Draft]:
        """Yield what the sampler draws again: some times, or each point of its grid once."""
        points = self._points
        for i in range(points if points and times else times):
            if points:  # Optuna gives trial i the point i, and keeps a point that it gave
                self._storage.set_trial_system_attr(trial_id, "grid_id", (number + i) % points)
            forget_params(self._storage, trial_id)
            again = optuna.Trial(self._study.optuna, trial_id)
            values = self._space.fill(again)
            yield Draft(self._params(trial_id), values)

    @property
    def _points(self) -> int:
        """The number of points of the sampler's grid; 0 without one."""
        grid = self._space.search.sampler.args.get("search_space", {}) if self._traits.repeats else {}
        return math.prod(map(len, grid.values())) if grid else 0

    def _other(self, draft: Draft, seed: int) -> Draft:
        """Return the nearest config that fits, else any.

        Raises:
            UsedUp: there is none, or the sampler chooses from a list of its own.
        """
        if is_stopped(self._study.optuna) or self._traits.repeats:
            raise _used_up(self._study)
        near = draft if self._keeps(draft) else Repair(self._space, seed).nearest(draft, {}) or draft
        if self._fits(near):
            return near
        neighbours = Neighbours(self._space, seed)
        drafts = itertools.chain(neighbours.around(near), neighbours.everywhere(MOST_DRAFTS))
        for other in drafts:
            if self._fits(other):
                return other
        raise _used_up(self._study)

    def _write(self, trial_id: int, draft: Draft) -> None:
        forget_params(self._storage, trial_id)
        for row in self._space.parameters():
            if row.name in draft.params:
                kind = distribution_of(row.hole)
                value = kind.to_internal_repr(draft.params[row.name])
                self._storage.set_trial_param(trial_id, row.name, value, kind)
