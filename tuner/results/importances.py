"""Importances: how much of what tells good trials from others lies in each parameter, and which are more than chance.

A parameter that only some trials have, in one branch of a choice say, is ranked among those trials. Its share of all
parameters says how much it matters to the whole study. Trials that are no fair comparison are left out.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from optuna.importance import FanovaImportanceEvaluator, get_param_importances

from tuner.errors import listing
from tuner.goal import Goal
from tuner.results.association import LEVEL, Array, Column, beyond_chance, fenced, spread
from tuner.space.tree import Row
from tuner.study import Choices, Domain, Record, Study, extract

MOST_TRIALS = 100
"""The most trials that fANOVA takes, of more those that lie evenly over the values: its cost grows with their square,
and where TPE crowds its trials a decisive parameter hardly varies."""

MOST_SHUFFLED = 300
"""So many, taken likewise, are asked what chance would do."""

MOST_NAMED = 5
"""Parameters that a sentence names; it counts the others."""

FEWEST = 2
"""Trials of different values that it takes."""

TREES = 50
"""Of the forest of fANOVA."""


@dataclass(frozen=True, slots=True)
class Importance:
    """One parameter's.

    `where` says which trials have it, empty for all, and `trials` how many of them were looked at. `share` is
    its part, in [0, 1], among the parameters that all of those have; `overall` is its part among all parameters:
    what one that only some trials have explains counts by how many these are and how far their values differ.
    `told` is whether it can be told from chance: in at most 5 % of studies in which nothing matters some parameter is.
    """

    name: str
    where: str
    trials: int
    share: float
    overall: float
    told: bool


@dataclass(frozen=True, slots=True)
class Importances:
    """Those of a study in one objective, by group, the group of all trials first, and the greatest share first.

    `evaluated` of `trials` were looked at, at most, for the shares of a group.
    """

    found: tuple[Importance, ...]
    evaluated: int
    trials: int

    @property
    def groups(self) -> Mapping[str, list[Importance]]:
        """By which trials have them."""
        grouped = collections.defaultdict(list)
        for importance in self.found:
            grouped[importance.where].append(importance)
        return grouped

    @property
    def ranked(self) -> list[Importance]:
        """By their part among all parameters, the greatest first; those that chance would explain come last."""
        return sorted(self.found, key=lambda importance: (not importance.told, -importance.overall))

    @property
    def doubt(self) -> str:
        """The sentence that says which parameters cannot be told from chance; empty where all can."""
        doubted = [each.name for each in self.ranked if not each.told]
        if not doubted:
            return ""
        looked_at = f"{MOST_SHUFFLED} of " if self.trials > MOST_SHUFFLED else ""
        trials = f"chance in {looked_at}{self.trials} trial{'s' * (self.trials != 1)}"
        if len(doubted) == len(self.found):
            return f"no parameter can be told from {trials}"
        rest = len(doubted) - MOST_NAMED
        named = doubted if rest <= 1 else [*doubted[:MOST_NAMED], f"{rest} more"]
        return f"cannot be told from {trials}: {listing(named)}"


def importances_of(
    study: Study, domains: Mapping[str, Domain], chosen: Sequence[Record], i: int = 0, trees: int = TREES
) -> Importances:
    """Those in objective `i` by fANOVA (Hutter et al. 2014); none where no two values differ, or no parameter does.

    Args:
        study: whose trials they are.
        domains: what each parameter is drawn from.
        chosen: complete trials with finite values, by number.
        i: which objective.
        trees: of the forest. Fewer give rougher shares; whether any parameter is told does not depend on them.
    """
    evaluated = min(len(chosen), MOST_TRIALS)
    columns = _Columns(study.goal, domains, chosen, i, trees)
    if not columns.names or len({record.values[i] for record in chosen}) < FEWEST:
        return Importances((), evaluated, len(chosen))
    groups = list(_groups(study, chosen, columns.names))
    shares = [
        columns.shares(columns.spread(group.members, MOST_TRIALS), group.shared(columns.names)) for group in groups
    ]
    overall = _weighed(columns, groups, shares)
    told = _told(columns, groups)
    found = [
        Importance(name, group.where, len(group.members), share, overall[name], name in told)
        for group, parts in zip(groups, shares, strict=True)
        for name, share in group.ranked(parts)
    ]
    return Importances(tuple(found), evaluated, len(chosen))


@dataclass(frozen=True, slots=True)
class _Group:
    """The parameters `own` that the same trials have, the `members`, which those are."""

    own: Sequence[str]
    where: str
    members: Sequence[Record]

    def shared(self, names: Iterable[str]) -> list[str]:
        """All parameters that its members have."""
        return [name for name in names if all(name in record.params for record in self.members)]

    def ranked(self, shares: Mapping[str, float]) -> list[tuple[str, float]]:
        """Its own with their shares, the greatest first."""
        return sorted(((name, shares.get(name, 0.0)) for name in self.own), key=lambda pair: -pair[1])


class _Columns:
    """The parameters of some trials, each on its own scale, and the values of these trials in one objective."""

    def __init__(self, goal: Goal, domains: Mapping[str, Domain], sample: Sequence[Record], i: int, trees: int) -> None:
        self._direction, self._trees = goal.directions[i], trees
        self._all = domains
        self._domains = {name: domain for name, domain in domains.items() if domain.varies}
        self.names = [name for name in self._domains if any(name in record.params for record in sample)]
        drawn_in = fenced(np.array([record.values[i] for record in sample])) if sample else ()
        self._values = {record.number: float(value) for record, value in zip(sample, drawn_in, strict=True)}

    def column(self, name: str, members: Sequence[Record]) -> Column:
        """A parameter over trials that all have it."""
        domain = self._domains[name]
        codes = np.array([domain.place(record.params[name]) for record in members], dtype=np.float64)
        return Column(codes, len(domain.labels) if isinstance(domain, Choices) else 0)

    def values(self, members: Sequence[Record]) -> Array:
        """Of trials, far-off ones drawn in: float64 (N,)."""
        return np.array([self._values[record.number] for record in members])

    def spread(self, members: Sequence[Record], most: int) -> list[Record]:
        """At most so many of them, which lie evenly over the values."""
        return [members[at] for at in spread(self.values(members), most)]

    def shares(self, members: Sequence[Record], names: Sequence[str]) -> dict[str, float]:
        """The parts of the variance that parameters explain, in all 1; none where no two values differ."""
        shown = [name for name in names if len({str(record.params[name]) for record in members}) > 1]
        values = self.values(members)
        if not shown or len(set(values)) < FEWEST:
            return {}
        coded = extract(members, values, self._all, self._direction)
        forest = FanovaImportanceEvaluator(n_trees=self._trees, seed=0)
        shares = get_param_importances(coded, evaluator=forest, params=shown)
        return {name: float(share) for name, share in shares.items()}


def _weighed(columns: _Columns, groups: Sequence[_Group], shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Shares of all parameters: of the variance among a group's trials, which counts by how many they are."""
    parts: dict[str, float] = {}
    for group, own in zip(groups, shares, strict=True):
        weight = len(group.members) * float(columns.values(group.members).var())
        parts |= {name: own.get(name, 0.0) * weight for name in group.own}
    total = sum(parts.values())
    return {name: part / total for name, part in parts.items()} if total else parts


def _told(columns: _Columns, groups: Sequence[_Group]) -> set[str]:
    """Those that can be told from chance; what trials share with all others is taken out of their branch's first."""
    told: set[str] = set()
    for group in groups:
        members = columns.spread(group.members, MOST_SHUFFLED)
        given = [columns.column(name, members) for name in group.shared(columns.names) if name in told]
        own = {name: columns.column(name, members) for name in group.own}
        told |= set(beyond_chance(own, columns.values(members), given, LEVEL / len(groups)))
    return told


def _groups(study: Study, sample: Sequence[Record], names: Iterable[str]) -> Iterator[_Group]:
    """Parameters that the same trials have, those that all have first."""
    grouped: dict[tuple[tuple[int, ...], str], list[str]] = collections.defaultdict(list)
    conditions = _conditions(study)
    for name in names:
        having = tuple(record.number for record in sample if name in record.params)
        grouped[having, conditions.get(name, "") if len(having) < len(sample) else ""].append(name)
    for (having, condition), together in sorted(grouped.items(), key=lambda item: -len(item[0][0])):
        where = "" if len(having) == len(sample) else condition or f"that have {together[0]}"
        numbers = set(having)
        yield _Group(together, where, [record for record in sample if record.number in numbers])


def _conditions(study: Study) -> dict[str, str]:
    """Where each parameter is there, for those that not all trials have."""
    rows = study.space.parameters() if study.made_here else []
    return {row.name: f"where {_needed(row)}" for row in rows if row.when}


def _needed(row: Row) -> str:
    return " and ".join(f"{name} is {' or '.join(map(str, labels))}" for name, labels in row.when.items())
