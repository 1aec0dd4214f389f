"""The studies of a database: opened for a space, loaded by name, listed, deleted."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from tuner.errors import BuildError, StudyError, UnknownStudy, did_you_mean, listing
from tuner.goal import Goal
from tuner.optuna_internals import let_stop, storage_of
from tuner.protocol import Epoch, Outcome, State
from tuner.space import Space
from tuner.space.middle import middle_of
from tuner.storage import readable_errors
from tuner.study import pruners, samplers
from tuner.study.ask_tell import AskTell
from tuner.study.drawing import USED_UP, UsedUp
from tuner.study.identity import identity_of, refuse_another
from tuner.study.provenance import MIDDLE
from tuner.study.study import FACTS, Study

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", "Choices for a categorical distribution should be")  # said at each look at a study

REHEARSED = 12
"""Number of rehearsed trials: two more than TPE draws at random."""


def open_study(storage: BaseStorage, space: Space, goal: Goal, batch: int | None = None) -> Study:
    """Return the study of a space: the existing one, else a new one with its enqueued trials.

    Args:
        storage: a storage opened for writing.
        space: the space of the study.
        goal: the goal of the study.
        batch: the batch of `--deterministic`; None without it. A study keeps its mode from its first trial on.

    Raises:
        StudyError: the study of that name has another space, or another `batch`.
    """
    identity = identity_of(space, goal)
    with readable_errors():
        study = _load(storage, space.name) or create_study(storage, space.name, goal)
        known = study.user_attrs.get(FACTS)
        if known is None and (study.user_attrs or study.get_trials(deepcopy=False)):
            raise StudyError(f"study {space.name} was not made by tuner: choose another --study-name")
        if known is None:
            refuse_other_directions(study, goal)
        else:
            refuse_another(space.name, known["identity"], identity)
            _refuse_another_batch(space.name, known.get("batch"), batch)
        uid = new_uid() if known is None else known["uid"]
        study.set_user_attr(FACTS, facts_of(space, goal, batch, uid))
        if known is None and space.search.baseline:
            study.enqueue_trial(middle_of(space), user_attrs=MIDDLE.facts)
        for params in space.enqueued():
            study.enqueue_trial(params, skip_if_exists=True)
        seed = space.study.seed
        study.sampler = samplers.sampler(space.search.sampler, seed, goal.single, space.base, space.parameters())
        study.pruner = pruners.pruner(space.search.pruner, space.highest("training.epochs"), seed, space.base)
        if study.user_attrs.get(USED_UP):
            study.set_user_attr(USED_UP, {})
        let_stop(study)  # or a grid that is used up raises where it should stop
        return Study(study, space)


def refuse_other_directions(study: optuna.Study, goal: Goal) -> None:
    """Raise if another program made an empty study with another direction.

    Raises:
        StudyError: the directions differ.
    """
    if [direction.name for direction in study.directions] != [direction.name for direction in goal.directions]:
        raise StudyError(f"study {study.study_name} was made for other directions: choose another --study-name")


def load_study(storage: BaseStorage, name: str, space: Space | None = None) -> Study:
    """Return an existing study.

    Args:
        storage: the database.
        name: the name of the study.
        space: its space, if that is known already.

    Raises:
        UnknownStudy: there is no such study; the message lists the existing ones.
    """
    with readable_errors():
        study = _load(storage, name)
    if study is None:
        names = list_studies(storage)
        there = (
            f"there are {listing(names)}"
            if len(names) > 1
            else f"there is {names[0]}"
            if names
            else "there is none yet"
        )
        raise UnknownStudy(f"no study {name}{did_you_mean(name, names)}: {there}")
    return Study(study, space)


def list_studies(storage: BaseStorage) -> list[str]:
    """Return the names of the studies, in the order in which they were made."""
    with readable_errors():
        return [study.study_name for study in storage.get_all_studies()]


def delete_study(storage: BaseStorage, name: str) -> None:
    """Remove a study and its trials from the database."""
    with readable_errors():
        optuna.delete_study(study_name=name, storage=storage)


def _load(storage: BaseStorage, name: str) -> optuna.Study | None:
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def new_uid() -> str:
    """Return an identifier that distinguishes a study from others of its name."""
    return uuid.uuid4().hex[:12]


def facts_of(space: Space, goal: Goal, batch: int | None, uid: str) -> dict[str, Any]:
    """Return everything that is stored of a study besides its trials."""
    facts = {"uid": uid, "space": space.text, "file": space.file, "base": space.base}
    return {**facts, "identity": identity_of(space, goal), "metrics": goal.metrics, "shown": goal.shown, "batch": batch}


def create_study(storage: BaseStorage, name: str, goal: Goal) -> optuna.Study:
    """Return a study without facts: if its creation is interrupted, the next run completes it."""
    directions = [StudyDirection[direction.name] for direction in goal.directions]
    study = optuna.create_study(storage=storage, study_name=name, directions=directions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(list(goal.metrics))
    return study


def _refuse_another_batch(name: str, known: int | None, batch: int | None) -> None:
    if known != batch:
        way_on = "without --deterministic" if known is None else f"with --deterministic {known}"
        raise StudyError(f"study {name} was begun {way_on}: go on so, or give a new --study-name")


def rehearse(space: Space, goal: Goal) -> None:
    """Ask, report, prune and tell a few made-up trials of the space in memory.

    Raises:
        BuildError: the sampler or the pruner cannot do with the space or with their arguments.
    """
    study = AskTell(open_study(optuna.storages.InMemoryStorage(), space, goal))
    for i in range(REHEARSED):
        try:
            trial = study.ask()
        except UsedUp:
            if i == 0:
                raise BuildError("search.where", "no config was found that keeps all relations: loosen one") from None
            return
        except Exception as error:  # a sampler may raise anything for an argument or a space that it cannot use
            raise BuildError(
                "search.sampler", f"it cannot sample this space: {type(error).__name__}: {error}"
            ) from None
        metrics = dict.fromkeys(goal.names, 1.0 + i)
        try:
            study.report(Epoch(trial.number, 1, 1, metrics, 0.0))
        except Exception as error:  # likewise
            raise BuildError("search.pruner", f"it cannot judge an epoch: {type(error).__name__}: {error}") from None
        violations = goal.violations(metrics)
        study.tell(Outcome(trial.number, 1, State.COMPLETE, goal.values(metrics), 1, violations=violations))
        if study.queue.exhausted:
            return


def sibling(study: Study, name: str) -> Study | None:
    """Return another study of the same database, if it exists."""
    with readable_errors():
        found = _load(storage_of(study.optuna), name)
    return None if found is None else Study(found)


def enqueue(study: Study, params: Mapping[str, Any], facts: Mapping[str, Any], once: bool = False) -> None:
    """Enqueue a trial with these parameters and user attributes.

    A `seed` among the attributes is the trial's seed. With `once` nothing is enqueued if a trial has the same
    parameters. No other process may do the same at the same time.
    """
    with readable_errors():
        study.optuna.enqueue_trial(dict(params), user_attrs=dict(facts), skip_if_exists=once)
