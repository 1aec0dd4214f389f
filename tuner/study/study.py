"""A study for reading: its space, its goal, its trials as records, the best of them."""

from __future__ import annotations

import copy
import functools
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import FrozenTrial

from tuner.errors import StudyError, UnknownStudy
from tuner.goal import Direction, Goal, Scope
from tuner.optuna_internals import id_of, storage_of
from tuner.runtime.rounding import amount
from tuner.space import Space
from tuner.storage import FINISHED, read_again, readable_errors
from tuner.study.distributions import Domain, domains
from tuner.study.marks import Ignored, MarkReader, Marks
from tuner.study.record import Record, record_of, undominated

if TYPE_CHECKING:
    from pandas import DataFrame

FACTS = "tuner"
"""The study's attribute with all facts of tuner, written at once."""


FORK = "fork"
"""The study's attribute with its origin, if it is a fork."""

CONFIRM = "confirm"
"""The attribute of a study of a confirmation's runs, with its search, its candidates and its terms."""


@dataclass(frozen=True)
class Snapshot:
    """The trials of a study in one read of the database: by number, with their domains."""

    records: list[Record]
    trials: Sequence[FrozenTrial] = field(repr=False)

    @functools.cached_property
    def domains(self) -> dict[str, Domain]:
        """The domain of each parameter, in the order in which trials first had them."""
        return domains(self.trials)


class Study:
    """An Optuna study, with its space if tuner made it.

    Args:
        study: the study that Optuna loaded or created.
        space: its space, if known already; else it is read from the study on demand.
    """

    def __init__(self, study: optuna.Study, space: Space | None = None) -> None:
        self.optuna = study
        self.marks = MarkReader(study)
        """What people decided about single trials."""
        self.known_space = space
        self.name = study.study_name
        self._facts: Mapping[str, Any] = study.user_attrs.get(FACTS, {})
        self.made_here = bool(self._facts)
        self.typed = shlex.quote(self.name)
        """The arguments of `tuner confirm` in a shell: its name, and its database if that is not the default."""
        self.uid: str = self._facts.get("uid", "")
        self.beyond: int = study.user_attrs.get(FORK, {}).get("beyond", 0) if self.made_here else 0
        """The lead of random seeds over the trials' numbers: a fork does not repeat those of its study."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """The identity of its space, if tuner made it."""
        identity: Mapping[str, Any] = self._facts["identity"]
        return identity

    @functools.cached_property
    def goal(self) -> Goal:
        """The objectives of its trials; bounds are known if tuner made it."""
        directions = tuple(Direction(direction.name.lower()) for direction in self.optuna.directions)
        unnamed = ["value"] if len(directions) == 1 else [f"value {i}" for i in range(len(directions))]
        metrics = self._facts.get("metrics") or self.optuna.metric_names or unnamed
        if not self.made_here:
            return Goal(tuple(metrics), directions, Scope.LAST, ())
        objective = self.space.objective
        goal = Goal(tuple(metrics), directions, objective.scope, objective.bounds, objective.positive)
        return goal.called(self._facts.get("shown", {}))

    @functools.cached_property
    def space(self) -> Space:
        """The space of the study, if tuner made it."""
        return self.known_space or Space.parse(self._facts["space"], self._facts["file"], self._facts["base"])

    def snapshot(self) -> Snapshot:
        """Return every trial in one read of the database."""
        marks, trials = self._read()
        return Snapshot([record_of(trial, marks) for trial in trials], trials)

    def _read(self) -> tuple[Marks, list[FrozenTrial]]:
        """Return the marks and every trial, by number."""
        marks = self.marks.read()
        with readable_errors():
            trials = self.optuna.get_trials(deepcopy=False)
            if stale := marks.stale(trials):
                read_again(storage_of(self.optuna), id_of(self.optuna), stale)
                trials = self.optuna.get_trials(deepcopy=False)
        return marks, trials

    def records(self) -> list[Record]:
        """Return every trial, by number."""
        return self.snapshot().records

    def domains(self) -> dict[str, Domain]:
        """Return the domain of each parameter, in the order in which trials first had them."""
        return self.snapshot().domains

    def record(self, number: int, records: Sequence[Record] | None = None) -> Record:
        """Return one trial.

        Args:
            number: the number of the trial.
            records: every trial, if they were read already.

        Raises:
            UnknownStudy: the study has no trial of that number.
        """
        records = self.records() if records is None else records
        if not 0 <= number < len(records):
            raise UnknownStudy(
                f"study {self.name} has no trial {number}: it has {amount(len(records), 'trial')}, counted from 0"
            )
        return records[number]

    def best(self) -> Record | None:
        """Return the complete trial with the best value within the bounds.

        None if there is none, and with several objectives, which have a front.
        """
        if not self.goal.single:
            return None
        return next(iter(self.front()), None)

    def front(self, records: Iterable[Record] | None = None) -> list[Record]:
        """Return the complete trials within the bounds that no other trial dominates, without ignored ones.

        They are ordered by the first objective, the best first. With one objective it is the best trial alone.

        Args:
            records: the trials to choose from; None is all.
        """
        candidates = [record for record in self.ranked(self.records() if records is None else records) if record.sound]
        return candidates[:1] if self.goal.single else undominated(candidates, self.goal.directions)

    def ranked(self, records: Iterable[Record]) -> list[Record]:
        """Return complete trials from the best to the worst in the first objective, then the others.

        Of equal values the one with the lowest validation loss comes first, then the earliest. Trials that break a
        bound follow those that do not. Ignored trials are the last.
        """
        sign = -1 if self.goal.direction is Direction.MAXIMIZE else 1

        def rank(record: Record) -> tuple[bool, bool, bool, float, float]:
            value = math.inf if record.value is None else sign * record.value
            return record.ignored is not None, not record.complete, not record.feasible, value, record.loss

        return sorted(records, key=rank)

    @property
    def trials(self) -> list[FrozenTrial]:
        """Every trial, by number, as an Optuna trial."""
        return copy.deepcopy(self._read()[1])

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The trials of `front` as Optuna trials: within the bounds, not dominated and not ignored."""
        marks, trials = self._read()
        front = self.front(record_of(trial, marks) for trial in trials)
        return [copy.deepcopy(trials[record.number]) for record in front]

    @property
    def best_trial(self) -> FrozenTrial:
        """The trial of `best` as an Optuna trial.

        Raises:
            StudyError: no trial is complete and within the bounds, or there are several objectives.
        """
        if not self.goal.single:
            raise StudyError(f"study {self.name} has several objectives and no best trial; use best_trials")
        found = self.best_trials
        if not found:
            raise StudyError(f"study {self.name} has no complete trial within its bounds, and so no best trial")
        return found[0]

    @property
    def best_params(self) -> dict[str, Any]:
        """The parameters of `best_trial`; it raises the same errors."""
        return self.best_trial.params

    @property
    def best_value(self) -> float:
        """The value of `best_trial`; it raises the same errors."""
        value = self.best_trial.value
        assert value is not None, "a complete trial has a value"
        return value

    def trials_dataframe(self) -> DataFrame:
        """Return a row for each trial, with the columns of Optuna's `trials_dataframe`."""
        with readable_errors():
            return self.optuna.trials_dataframe()

    def finished(self) -> int:
        """Return the number of ended trials."""
        with readable_errors():
            return storage_of(self.optuna).get_n_trials(id_of(self.optuna), FINISHED)


def noted(study: Study, key: str) -> Mapping[str, Any]:
    """Return the stored facts of a study under a key; empty without any."""
    with readable_errors():
        facts: Mapping[str, Any] = study.optuna.user_attrs.get(key, {})
    return facts


def note(study: Study, key: str, facts: Mapping[str, Any]) -> None:
    """Store facts of a study, JSON values, in place of those under the same key."""
    if noted(study, key) != facts:
        with readable_errors():
            study.optuna.set_user_attr(key, dict(facts))


class Leaderboard:
    """The leading trials of a study.

    Args:
        study: the study, with its goal.
        keep: the number of best trials to remember.
    """

    def __init__(self, study: Study, keep: int) -> None:
        self._study = study
        self._keep = keep
        self._ignored: Mapping[int, Ignored] = {}
        self.front: list[Record] = []
        """The front, as `Study.front` returns it."""
        self.best: list[Record] = []
        """The best sound trials, by rank."""

    @property
    def kept(self) -> set[int]:
        """The numbers of the trials that keep their checkpoints: the best, and ignored ones, which may count again."""
        return {*(record.number for record in self.best), *self._ignored}

    def take(self, ended: Iterable[Record]) -> None:
        """Add ended trials; a trial that was added before changes nothing.

        If other trials are ignored than before, it begins anew with all trials.
        """
        if (ignored := self._study.marks.look().ignored) != self._ignored:
            self._ignored, self.front, self.best = ignored, [], []
            ended = self._study.records()
        sound = [record for record in ended if record.sound]
        self.front = self._study.front(_merged(self.front, sound))
        self.best = self._study.ranked(_merged(self.best, sound))[: self._keep]


def _merged(known: list[Record], new: list[Record]) -> list[Record]:
    """Return records by number, as a study has them, so that ties keep their order."""
    records = {record.number: record for record in [*known, *new]}
    return [records[number] for number in sorted(records)]
