"""Importances: how much of what tells good trials from others lies in each parameter.

A parameter that only some trials have, in one branch of a choice say, is ranked among those trials. What Optuna
gives it among all parameters says how much it matters to the best trials: much where they are of its branch, however
few of all trials are. Trials that are no fair comparison are left out.
"""

from __future__ import annotations

import collections
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import optuna

from tuner.space.holes import Row
from tuner.study import Record, Study, extract

MOST_TRIALS = 2000
"""An even sample of so many is evaluated: of 6,533 made-up trials none of the five greatest shares was off
by 0.03."""

FEWEST = 2
"""Trials of different values that it takes."""

SINGLE = 10
"""Of no more trials the best tenth, which PED-ANOVA tells from the rest, is a single one."""


@dataclass(frozen=True, slots=True)
class Importance:
    """One parameter's.

    `where` says which trials have it, empty for all, and `trials` how many of them were looked at. `share` is
    its part, in [0, 1], among the parameters that all of those have; `overall` is its part among all parameters
    as Optuna weighs them: one that only some trials have counts as much as the best trials are among those.
    """

    name: str
    where: str
    trials: int
    share: float
    overall: float


@dataclass(frozen=True, slots=True)
class Importances:
    """Those of a study in one objective, by group, the group of all trials first, and the greatest share first.

    `evaluated` of `trials` were looked at; `rough` is whether some parameter was seen in too few of them.
    """

    found: tuple[Importance, ...]
    evaluated: int
    trials: int
    rough: bool

    @property
    def groups(self) -> Mapping[str, list[Importance]]:
        """By which trials have them."""
        grouped = collections.defaultdict(list)
        for importance in self.found:
            grouped[importance.where].append(importance)
        return grouped

    @property
    def ranked(self) -> list[Importance]:
        """By their part among all parameters, the greatest first."""
        return sorted(self.found, key=lambda importance: -importance.overall)


def importances_of(study: Study, chosen: Sequence[Record], i: int = 0) -> Importances:
    """Those in objective `i`; none where no two values differ, or no parameter does.

    Args:
        study: whose trials they are.
        chosen: complete trials with finite values, by number.
        i: which objective.
    """
    sample = chosen[:: -(-len(chosen) // MOST_TRIALS) or 1]  # of none, in steps of one
    varying = [name for name, domain in study.domains().items() if domain.varies]
    with warnings.catch_warnings(record=True) as rough:
        warnings.simplefilter("always", UserWarning)
        overall = _evaluated(study, sample, [name for name in varying if _there(name, sample)], i)
        groups = list(_groups(study, sample, list(overall)))
        found = [each for names, where, members in groups for each in _ranked(study, names, where, members, overall, i)]
    return Importances(tuple(found), len(sample), len(chosen), bool(rough) or len(sample) <= SINGLE)


def _there(name: str, records: Iterable[Record]) -> bool:
    return any(name in record.params for record in records)


def _groups(
    study: Study, sample: Sequence[Record], names: Iterable[str]
) -> Iterator[tuple[list[str], str, list[Record]]]:
    """Parameters that the same trials have, which those are, and the trials; those that all have come first."""
    grouped: dict[tuple[tuple[int, ...], str], list[str]] = collections.defaultdict(list)
    conditions = _conditions(study)
    for name in names:
        having = tuple(record.number for record in sample if name in record.params)
        grouped[having, conditions.get(name, "") if len(having) < len(sample) else ""].append(name)
    for (having, condition), together in sorted(grouped.items(), key=lambda item: -len(item[0][0])):
        where = "" if len(having) == len(sample) else condition or f"that have {together[0]}"
        numbers = set(having)
        yield together, where, [record for record in sample if record.number in numbers]


def _conditions(study: Study) -> dict[str, str]:
    """Where each parameter is there, for those that not all trials have."""
    rows = study.space.parameters() if study.made_here else []
    return {row.name: f"where {_needed(row)}" for row in rows if row.when}


def _needed(row: Row) -> str:
    return " and ".join(f"{name} is {' or '.join(map(str, labels))}" for name, labels in row.when.items())


def _ranked(
    study: Study, names: Sequence[str], where: str, members: Sequence[Record], overall: Mapping[str, float], i: int
) -> list[Importance]:
    """The importances of a group's own parameters among all that its trials have."""
    shared = [name for name in overall if all(name in record.params for record in members)]
    shares = _evaluated(study, members, shared, i) if where else _among(overall, shared)
    ranked = sorted(names, key=lambda name: -shares.get(name, 0.0))
    return [Importance(name, where, len(members), shares.get(name, 0.0), overall[name]) for name in ranked]


def _among(overall: Mapping[str, float], shared: Sequence[str]) -> dict[str, float]:
    """The parts of some parameters among these alone."""
    total = sum(overall[name] for name in shared)
    return {name: overall[name] / total if total else 1 / len(shared) for name in shared}


def _evaluated(study: Study, records: Sequence[Record], names: Sequence[str], i: int) -> dict[str, float]:
    """PED-ANOVA's shares of parameters; none where no two values differ."""
    if not names or len({record.values[i] for record in records}) < FEWEST:
        return {}
    return dict(optuna.importance.get_param_importances(extract(study, records, i), params=list(names)))
