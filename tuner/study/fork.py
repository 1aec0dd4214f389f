"""A fork: a study copied to a changed space, with every trial that still fits.

A trial fits if the new space gives the same config, and its value has the same meaning. So rows, seed and objective
must be those of the old study. It keeps its value, its epochs and its attributes, with the parameters and distributions
of the new space. So the sampler learns from it. The old study and its checkpoints stay the same.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from tuner.errors import StudyError
from tuner.goal import Goal
from tuner.optuna_internals import CONSTRAINTS_KEY, id_of, trial_id_of
from tuner.space import Space
from tuner.space.diff import Source, differences
from tuner.space.transfer import carry
from tuner.space.tree import lookup
from tuner.space.yaml_writer import flow
from tuner.storage import Turns, readable_errors
from tuner.storage.tables import found
from tuner.study.identity import changes, described, identity_of, revalued
from tuner.study.provenance import Origin, Way
from tuner.study.registry import create_study, facts_of, list_studies, load_study, new_uid, refuse_other_directions
from tuner.study.study import FACTS, FORK, Study
from tuner.study.trial_attributes import HISTORY, TRACEBACK

_UNKEPT = {
    TrialState.FAIL: "they have failed",
    TrialState.RUNNING: "they have not ended",
    TrialState.WAITING: "they have not ended",
}
_KEPT = (CONSTRAINTS_KEY, HISTORY, TRACEBACK)
_KEPT_NOTES = ("fixed_params", "grid_id", "search_space")
"""Notes of Optuna on a trial that hold in another study. Rungs and brackets depend on a trial's number."""


@dataclass(frozen=True, slots=True)
class Fork:
    """The origin of a fork.

    `of` and `uid` are the old study, and `trials` its number of trials. `kept` of them begin the new study, and
    `left_out` counts the others by reason. `beyond` is the lead of the random seeds over the trials' numbers.
    """

    of: str
    uid: str
    trials: int
    kept: int
    left_out: Mapping[str, int]
    beyond: int

    @classmethod
    def read(cls, study: Study) -> Fork | None:
        """Return the fork of a study, if it is one."""
        facts: Mapping[str, Any] | None = study.optuna.user_attrs.get(FORK) if study.made_here else None
        return None if facts is None else cls(**facts)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the fork, one for each reason."""
        left_out = (f"{count} left out: {reason}" for reason, count in self.left_out.items())
        return f"fork of study {self.of}: {self.kept} of its {self.trials} trials kept", *left_out


@dataclass(frozen=True, slots=True)
class Forked:
    """A fork and its first trials; none if it has begun already."""

    fork: Fork
    trials: Sequence[FrozenTrial] = ()


def fork_of(storage: BaseStorage, name: str, space: Space, goal: Goal) -> Forked:
    """Return the fork of a study under a changed space, without writing it.

    Args:
        storage: the storage of both studies.
        name: the name of the old study.
        space: the new space, with the new study's name.
        goal: the goal of the new space.

    Raises:
        StudyError: there is no such study, values would change their meaning, or no trial fits. It is also raised if
            the new name belongs to another study.
    """
    if (begun := _begun(storage, name, space.name)) is not None:
        return Forked(begun)
    study = load_study(storage, name)
    if not study.made_here:
        raise StudyError(f"study {name} was not made by tuner: it has no space that could have changed")
    _refuse_other_values(study, space, goal)
    return forked(study, space)


def forked(study: Study, space: Space) -> Forked:
    """Return the fork of a study under a changed space that gives values the same meaning.

    Raises:
        StudyError: no trial fits.
    """
    with readable_errors():
        trials = study.optuna.get_trials(deepcopy=False)
    kept, left_out = _fitting(study, trials, space)
    beyond = study.beyond + len(trials) - len(kept)
    fork = Fork(study.name, study.uid, len(trials), len(kept), left_out, beyond)
    if not kept:
        raise StudyError("\n".join([*fork.notes, "nothing is left to fork: --study-name begins a study of its own"]))
    return Forked(fork, kept)


def begin_fork(storage: BaseStorage, forked: Forked, space: Space, goal: Goal, batch: int | None, turns: Turns) -> None:
    """Make the new study with its trials, in a turn; do nothing if it exists.

    Raises:
        StorageError: the database cannot be used.
    """
    with readable_errors():
        names = list_studies(storage)
        made = (
            load_study(storage, space.name).optuna if space.name in names else create_study(storage, space.name, goal)
        )
        if FACTS not in made.user_attrs:
            refuse_other_directions(made, goal)
            attributes = {FACTS: facts_of(space, goal, batch, new_uid()), FORK: asdict(forked.fork)}
            found(storage, turns, id_of(made), attributes, forked.trials)


def _begun(storage: BaseStorage, old: str, new: str) -> Fork | None:
    """Return the fork, if an earlier run made it."""
    names = list_studies(storage)
    there = load_study(storage, new) if new in names else None
    if there is None or not (there.made_here or there.records()):
        return None
    fork = Fork.read(there)
    uid = load_study(storage, old).uid if old in names else None
    if fork is None or fork.of != old or uid not in (None, fork.uid):
        raise StudyError(
            f"--fork {new}: study {new} is there already, and is no fork of study {old}: give another name"
        )
    return fork


def _refuse_other_values(study: Study, space: Space, goal: Goal) -> None:
    known, now = study.identity, identity_of(space, goal)
    own = space.objective.own_training
    if paths := revalued(changes(known, now), own):
        head = f"study {study.name} cannot be forked: values of its trials would mean something else here"
        lines = [f"{head}; give a --study-name to begin anew:", *described(paths, known, now)]
        raise StudyError("\n".join(lines))


def _fitting(study: Study, trials: Sequence[FrozenTrial], space: Space) -> tuple[list[FrozenTrial], dict[str, int]]:
    """Return the fitting trials for the new study, and the number of others by reason, the largest first."""
    numbers = itertools.count()
    kept: list[FrozenTrial] = []
    reasons: Counter[str] = Counter()
    marks = study.marks.read()
    for trial in trials:
        ignored = "they are ignored" if trial.number in marks.ignored else ""
        fit = ignored or _UNKEPT.get(trial.state) or _fit(trial, study.space, space)
        if isinstance(fit, str):
            reasons[fit] += 1
        else:
            origin = Origin(Way.KEPT, study.name, trial.number)
            kept.append(_moved(trial, next(numbers), fit, origin))
    return kept, dict(reasons.most_common())


def _fit(trial: FrozenTrial, old: Space, new: Space) -> FixedTrial | str:
    """Return the trial's config drawn from the new space, or why that is impossible."""
    try:
        source = Source.of(old, trial.params)
    except KeyError as error:  # another program has put it into the study
        return f"{error.args[0]} is unknown"
    carried = carry(new, source)
    if carried.misfits:
        return str(carried.misfits[0])
    drawn = FixedTrial(dict(carried.params))
    values = new.fill(drawn)
    path = next(differences(new, source.values, values), None)
    return drawn if path is None else _other(path, values)


def _other(path: str, values: Mapping[str, Any]) -> str:
    try:
        return f"{path} is {flow(lookup(values, path))} now"
    except LookupError:
        return f"{path} is no more"


def _moved(trial: FrozenTrial, number: int, drawn: FixedTrial, origin: Origin) -> FrozenTrial:
    noted = {key: fact for key, fact in trial.system_attrs.items() if key in _KEPT_NOTES or key.startswith(_KEPT)}
    return FrozenTrial(
        number=number,
        state=trial.state,
        value=None,
        values=trial.values,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=drawn.params,
        distributions=drawn.distributions,
        user_attrs={**trial.user_attrs, **origin.facts},
        system_attrs=noted,
        intermediate_values=trial.intermediate_values,
        trial_id=trial_id_of(trial),
    )
