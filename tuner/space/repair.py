"""Repair: the config nearest to a draft that keeps all relations of its space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.runtime.kinds import is_number, is_same
from tuner.space.draft import Draft, drafted, place_of, value_at
from tuner.space.numeric_leaves import Spans
from tuner.space.relation_rules import broken, look_in
from tuner.space.space import Space
from tuner.space.suggest import Random, corners
from tuner.space.tree import Choice, Fixed, Parameter

GRID = 24
"""Number of steps over a range that are tried for one parameter."""

HALVINGS = 12
"""Number of times that the way back to the drawn value is halved."""

MOST_CHANGES = 40
"""Number of changes after which a repair ends."""

SAMPLES = 1000
"""Number of random configs by which the share of a space is estimated."""

FRESH = 50
"""Number of random configs that are tried where changes of single parameters lead nowhere."""


@dataclass(frozen=True, slots=True)
class _Change:
    """Another value of a parameter, with its distance, what it leaves broken, and its draft if there is one."""

    broken: float
    far: float
    name: str
    value: Any
    draft: Draft | None = None


class Repair:
    """Finds configs that keep the relations of a space.

    Args:
        space: with relations.
        seed: decides what is up to chance.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._otherwise = Random(seed)
        self._holes = {row.name: row.hole for row in space.parameters()}
        spans = Spans(space.tree)
        self._paths = list(dict.fromkeys(path.name for relation in space.relations for path in relation.paths))
        self._numbers: dict[str, list[str]] = {}
        for path in self._paths:
            for name in spans.names(path):
                self._numbers.setdefault(name, []).append(path)
        self._refers = any(spans.refers(path) for path in self._paths)

    def holds(self, draft: Draft) -> bool:
        """Return whether a draft keeps all relations."""
        return not self._broken(draft)

    def _broken(self, draft: Draft) -> float:
        return broken(self._space.relations, draft.params, draft.values)

    def _with(self, draft: Draft, name: str, value: Any) -> Draft:
        return drafted(self._space, {**draft.params, name: value}, self._otherwise)

    def _is_plain(self, name: str) -> bool:
        """Return whether a parameter decides one number of the config, and nothing else."""
        if self._refers or name.endswith(".length"):
            return False
        hole = self._holes[name]
        return not isinstance(hole, Choice) or all(isinstance(branch.tree, Fixed) for branch in hole.branches)

    def nearest(self, draft: Draft, kept: Mapping[str, Any]) -> Draft | None:
        """Return a config near a draft that keeps all relations; None if none is found.

        Args:
            draft: of the space.
            kept: parameters that do not change.
        """
        found = self._moved(draft, kept)
        if found is None:
            fresh = (drafted(self._space, kept, self._otherwise) for _ in range(FRESH))
            moved = (each if self.holds(each) else self._moved(each, kept) for each in fresh)
            found = next((each for each in moved if each is not None), None)
        return None if found is None else self._pulled_back(found, draft)

    def _moved(self, draft: Draft, kept: Mapping[str, Any]) -> Draft | None:
        """Change one parameter after the other, each time the one that mends most with the least change."""
        current, at = draft, self._broken(draft)
        for _ in range(MOST_CHANGES):
            if not at:
                return current
            best = min(self._changes(current, kept), key=lambda change: (change.broken, change.far), default=None)
            if best is None or best.broken >= at:
                return None
            at = best.broken
            current = self._with(current, best.name, best.value) if best.draft is None else best.draft
        return None

    def _changes(self, draft: Draft, kept: Mapping[str, Any]) -> Iterator[_Change]:
        """Yield the changes of one parameter that concerns a relation."""
        look, relations = look_in(draft.params, draft.values), self._space.relations
        numbers = {path: look(path) for path in self._paths}
        for name, paths in self._numbers.items():
            if name not in draft.params or name in kept:
                continue
            plain = self._is_plain(name)
            concerned = [each for each in relations if any(path.name in paths for path in each.paths)]
            rest = sum(each.violation(numbers.get) for each in relations if each not in concerned)
            for far, value in _others(self._holes[name], draft.params[name]):
                if plain:  # ten times as fast as a draft
                    changed = {**numbers, **dict.fromkeys(paths, value if is_number(value) else None)}
                    left = sum(relation.violation(changed.get) for relation in concerned)
                    yield _Change(rest + left, far, name, value)
                else:
                    other = self._with(draft, name, value)
                    yield _Change(self._broken(other), far, name, value, other)

    def _pulled_back(self, found: Draft, draft: Draft) -> Draft:
        """Return a config between a found one and the draft, as near to the draft as the relations allow."""
        for name, wanted in draft.params.items():
            hole = self._holes[name]
            if name not in found.params or found.params[name] == wanted:
                continue
            good, goal, best = 0.0, 1.0, found
            for i in range(1 if isinstance(hole, Choice) else HALVINGS):
                at = goal if i == 0 else (good + goal) / 2
                value = wanted if at == 1 else _between(hole, found.params[name], wanted, at)
                nearer = drafted(self._space, {**draft.params, **found.params, name: value}, self._otherwise)
                if not self.holds(nearer):
                    goal = at
                    continue
                good, best = at, nearer
                if at == goal:
                    break
            found = best
        return found


def _between(hole: Parameter, start: Any, end: Any, share: float) -> Any:
    assert not isinstance(hole, Choice)
    first, last = place_of(hole, start), place_of(hole, end)
    return value_at(hole, first + share * (last - first))


def _others(hole: Parameter, value: Any) -> Iterator[tuple[float, Any]]:
    """Yield other values of a hole, each with its distance from the present one as a share of the range."""
    if isinstance(hole, Choice):
        yield from ((1.0, label) for label in hole.labels if not is_same(label, value))
        return
    place = place_of(hole, value)
    for i in range(GRID + 1):
        yield abs(i / GRID - place), value_at(hole, i / GRID)


def random_config(space: Space, seed: int) -> dict[str, Any]:
    """Return the values of a random config that keeps all relations; of any config where none is found."""
    return _kept(space, drafted(space, {}, Random(seed)), seed) or space.fill(Random(seed))


def corner_configs(space: Space) -> Iterator[dict[str, Any]]:
    """Yield the configs at both ends of all ranges, or the nearest ones that keep the relations."""
    for corner in corners(space.tree):
        if (values := _kept(space, drafted(space, {}, corner), 0)) is not None:
            yield values


def _kept(space: Space, draft: Draft, seed: int) -> dict[str, Any] | None:
    if not broken(space.relations, draft.params, draft.values):
        return draft.values
    found = Repair(space, seed).nearest(draft, {})
    return None if found is None else found.values


def share_that_holds(space: Space) -> float:
    """Return the share of random configs that keep all relations.

    Raises:
        SpaceError: no config was found that keeps them.
    """
    drafts = [drafted(space, {}, Random(seed)) for seed in range(SAMPLES)]
    share = sum(not broken(space.relations, draft.params, draft.values) for draft in drafts) / SAMPLES
    if not share and Repair(space, 0).nearest(drafts[0], {}) is None:
        texts = ", ".join(relation.text for relation in space.relations)
        raise space.faulty([("search.where", f"no config was found that keeps all of: {texts}")])
    return share
