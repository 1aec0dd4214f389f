"""Importances: the share of each parameter in the differences of trials, and which shares are beyond chance.

A parameter that only some trials have, for example in one branch, is ranked among those trials. Its share of all
parameters shows its effect on the whole study. Trials that do not compare fairly are left out.
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
"""Largest number of trials for fANOVA, whose cost grows with their square.

Of more, an even sample of the values is taken: where TPE crowds its trials a decisive parameter hardly varies.
"""

MOST_SHUFFLED = 300
"""Largest number of trials, sampled likewise, for the test against chance."""

MOST_NAMED = 5
"""Largest number of parameters that a sentence names. It counts the others."""

FEWEST = 2
"""Trials of different values that importances need."""

TREES = 50
"""Trees of fANOVA's forest."""


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of one parameter.

    `where` says which trials have it, empty for all; `trials` is the number that was looked at. `share` is its share,
    in [0, 1], among the parameters that all of those trials have. `overall` is its share among all parameters. It
    counts a parameter of some trials by their number and the spread of their values. `told` is whether it is beyond
    chance: in at most 5 % of studies without any effect a parameter is.
    """

    name: str
    where: str
    trials: int
    share: float
    overall: float
    told: bool


@dataclass(frozen=True, slots=True)
class Importances:
    """The importances of a study in one objective, in groups: that of all trials first, large shares first.

    At most `evaluated` of `trials` were used for the shares of a group.
    """

    found: tuple[Importance, ...]
    evaluated: int
    trials: int

    @property
    def groups(self) -> Mapping[str, list[Importance]]:
        """The importances by the trials that have the parameters."""
        grouped = collections.defaultdict(list)
        for importance in self.found:
            grouped[importance.where].append(importance)
        return grouped

    @property
    def ranked(self) -> list[Importance]:
        """The importances by their share among all parameters, the largest first; those within chance come last."""
        return sorted(self.found, key=lambda importance: (not importance.told, -importance.overall))

    @property
    def doubt(self) -> str:
        """A sentence on the parameters that are within chance; empty if there are none."""
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
    """Return the importances in objective `i` by fANOVA (Hutter et al. 2014); empty if values or parameters are equal.

    Args:
        study: the study of the trials.
        domains: the domain of each parameter.
        chosen: complete trials with finite values, by number.
        i: the index of the objective.
        trees: the trees of the forest. Fewer give rougher shares, but do not change which parameters are beyond chance.
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
    """The parameters `own` that the same trials have, and these trials, the `members`."""

    own: Sequence[str]
    where: str
    members: Sequence[Record]

    def shared(self, names: Iterable[str]) -> list[str]:
        """Return all parameters that its members have."""
        return [name for name in names if all(name in record.params for record in self.members)]

    def ranked(self, shares: Mapping[str, float]) -> list[tuple[str, float]]:
        """Return its own parameters with their shares, the largest first."""
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
        """Return a parameter over trials that all have it."""
        domain = self._domains[name]
        codes = np.array([domain.place(record.params[name]) for record in members], dtype=np.float64)
        return Column(codes, len(domain.labels) if isinstance(domain, Choices) else 0)

    def values(self, members: Sequence[Record]) -> Array:
        """Return the values of trials, far-off ones clipped: float64 (N,)."""
        return np.array([self._values[record.number] for record in members])

    def spread(self, members: Sequence[Record], most: int) -> list[Record]:
        """Return at most `most` members, spread evenly over the values."""
        return [members[at] for at in spread(self.values(members), most)]

    def shares(self, members: Sequence[Record], names: Sequence[str]) -> dict[str, float]:
        """Return the shares of the variance that parameters explain, with sum 1; empty if all values are equal."""
        shown = [name for name in names if len({str(record.params[name]) for record in members}) > 1]
        values = self.values(members)
        if not shown or len(set(values)) < FEWEST:
            return {}
        coded = extract(members, values, self._all, self._direction)
        forest = FanovaImportanceEvaluator(n_trees=self._trees, seed=0)
        shares = get_param_importances(coded, evaluator=forest, params=shown)
        return {name: float(share) for name, share in shares.items()}


def _weighed(columns: _Columns, groups: Sequence[_Group], shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the shares of all parameters; a group's variance counts by the number of its trials."""
    parts: dict[str, float] = {}
    for group, own in zip(groups, shares, strict=True):
        weight = len(group.members) * float(columns.values(group.members).var())
        parts |= {name: own.get(name, 0.0) * weight for name in group.own}
    total = sum(parts.values())
    return {name: part / total for name, part in parts.items()} if total else parts


def _told(columns: _Columns, groups: Sequence[_Group]) -> set[str]:
    """Return the parameters beyond chance; a branch is tested without the effect of parameters of all trials."""
    told: set[str] = set()
    for group in groups:
        members = columns.spread(group.members, MOST_SHUFFLED)
        given = [columns.column(name, members) for name in group.shared(columns.names) if name in told]
        own = {name: columns.column(name, members) for name in group.own}
        told |= set(beyond_chance(own, columns.values(members), given, LEVEL / len(groups)))
    return told


def _groups(study: Study, sample: Sequence[Record], names: Iterable[str]) -> Iterator[_Group]:
    """Yield the groups of parameters that the same trials have, those of all trials first."""
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
    """Return the condition of each parameter that only some trials have."""
    rows = study.space.parameters() if study.made_here else []
    return {row.name: f"where {_needed(row)}" for row in rows if row.when}


def _needed(row: Row) -> str:
    return " and ".join(f"{name} is {' or '.join(map(str, labels))}" for name, labels in row.when.items())
