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

from tuner.errors import BuildError, StudyError, did_you_mean, listing
from tuner.goal import Goal
from tuner.optuna_internals import let_stop, storage_of
from tuner.protocol import Epoch, Outcome, State
from tuner.space import Space
from tuner.storage import readable_errors
from tuner.study import samplers
from tuner.study.ask_tell import AskTell
from tuner.study.identity import identity_of, refuse_another
from tuner.study.study import FACTS, Study

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", "Choices for a categorical distribution should be")  # said at each look at a study

REHEARSED = 12
"""Two more than TPE takes at random before it looks at what it was told."""


def open_study(storage: BaseStorage, space: Space, goal: Goal, batch: int | None = None) -> Study:
    """The study of a space: continued when it is there, else created with its enqueued trials.

    Args:
        storage: opened for writing.
        space: what the study tunes.
        goal: what its trials are compared by.
        batch: of `--deterministic`; None without it. A study is the one or the other from its first trial on.

    Raises:
        StudyError: a study of that name is there and has another space, or another `batch`.
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
        for params in space.enqueued():
            study.enqueue_trial(params, skip_if_exists=True)
        seed = space.study.seed
        study.sampler = samplers.sampler(space.search.sampler, seed, goal.single)
        study.pruner = samplers.pruner(space.search.pruner, space.highest("training.epochs"), seed)
        let_stop(study)  # or a grid that is used up raises where it should stop
        return Study(study, space)


def refuse_other_directions(study: optuna.Study, goal: Goal) -> None:
    """Let nobody work on an empty study that another program has made for the other direction.

    Raises:
        StudyError: it was.
    """
    if [direction.name for direction in study.directions] != [direction.name for direction in goal.directions]:
        raise StudyError(f"study {study.study_name} was made for other directions: choose another --study-name")


def load_study(storage: BaseStorage, name: str, space: Space | None = None) -> Study:
    """Return a study that is there.

    Args:
        storage: the database.
        name: the study's.
        space: what it tunes, where that is known already.

    Raises:
        StudyError: it is not; the message lists those that are.
    """
    with readable_errors():
        study = _load(storage, name)
        names = list_studies(storage)
    if study is None:
        there = (
            f"there are {listing(names)}"
            if len(names) > 1
            else f"there is {names[0]}"
            if names
            else "there is none yet"
        )
        raise StudyError(f"no study {name}{did_you_mean(name, names)}: {there}")
    return Study(study, space)


def list_studies(storage: BaseStorage) -> list[str]:
    """The names of the studies, in the order in which they were made."""
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
    """What tells a study from others of its name."""
    return uuid.uuid4().hex[:12]


def facts_of(space: Space, goal: Goal, batch: int | None, uid: str) -> dict[str, Any]:
    """All that is kept of a study besides its trials."""
    facts = {"uid": uid, "space": space.text, "file": space.file, "base": space.base}
    return {**facts, "identity": identity_of(space, goal), "metrics": goal.metrics, "shown": goal.shown, "batch": batch}


def create_study(storage: BaseStorage, name: str, goal: Goal) -> optuna.Study:
    """A study in which nothing is kept yet: where its making is cut short, the next run makes it."""
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
    """Another study of the same database, if it is there."""
    storage = storage_of(study.optuna)
    if name not in list_studies(storage):
        return None
    try:
        return load_study(storage, name)
    except StudyError:  # it was deleted meanwhile
        return None


def enqueue(study: Study, params: Mapping[str, Any], facts: Mapping[str, Any], once: bool = False) -> None:
    """Let a trial with these parameters, and with user attributes, wait to be asked for.

    A `seed` among the attributes is the trial's. With `once` it is not enqueued where a trial has these very
    parameters. Others must not do the same at the same time.
    """
    with readable_errors():
        study.optuna.enqueue_trial(dict(params), user_attrs=dict(facts), skip_if_exists=once)
