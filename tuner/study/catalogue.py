"""The studies of a database: opened for a space, loaded by name, listed, deleted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage

from tuner import sampling
from tuner.config import Direction
from tuner.errors import StudyError, did_you_mean, listing
from tuner.seeds import derive
from tuner.space import Space
from tuner.space.document import flow
from tuner.storage import readable_errors
from tuner.study.study import Study

optuna.logging.set_verbosity(optuna.logging.WARNING)


def open_study(storage: BaseStorage, space: Space, metric: str, direction: Direction) -> Study:
    """The study of a space: continued when it is there, else created with its enqueued trials.

    Args:
        storage: opened for writing.
        space: what the study tunes.
        metric: the objective's name.
        direction: the objective's.

    Raises:
        StudyError: a study of that name is there and has another space.
    """
    identity = {**space.identity(), "objective.metric": metric, "objective.direction": direction.value}
    with readable_errors():
        existing = _load(storage, space.name)
        if existing is None:
            return _create(storage, space, metric, direction, identity)
    _refuse_another_space(existing, identity)
    _set_samplers(existing, space)
    with readable_errors():
        existing.set_user_attr("space", space.text)  # the search section may have changed
    return Study(existing)


def load_study(storage: BaseStorage, name: str) -> Study:
    """A study that is there.

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
    return Study(study)


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


def _create(
    storage: BaseStorage, space: Space, metric: str, direction: Direction, identity: Mapping[str, Any]
) -> Study:
    study = optuna.create_study(storage=storage, study_name=space.name, direction=direction.value)
    facts = {"space": space.text, "file": space.file, "base": space.base, "identity": identity, "metric": metric}
    for key, fact in facts.items():
        study.set_user_attr(key, fact)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([metric])
    _set_samplers(study, space)
    for params in space.enqueued():
        study.enqueue_trial(params)
    return Study(study)


def _set_samplers(study: optuna.Study, space: Space) -> None:
    """Seed the sampler by how far the study is, so that a resumed one never repeats its first trials."""
    section = space.setting("search.sampler")
    position = 0 if section["type"] in sampling.CONTINUES_BY_ITSELF else len(study.get_trials(deepcopy=False))
    seed = derive(space.setting("study.seed"), "sampler", position) % 2**32
    study.sampler = sampling.sampler(section, seed)
    study.pruner = sampling.pruner(space.setting("search.pruner"), space.highest("training.epochs"))


def _refuse_another_space(study: optuna.Study, identity: Mapping[str, Any]) -> None:
    known = study.user_attrs.get("identity")
    if known is None:
        raise StudyError(f"study {study.study_name} was not made by tuner: choose another --study-name")
    changed = [path for path in {**known, **identity} if known.get(path) != identity.get(path)]
    if changed:
        lines = [f"  {path}: {_shown(known, path)} in the study, {_shown(identity, path)} now" for path in changed]
        head = f"study {study.study_name} has another space; give this one a name of its own with --study-name:"
        raise StudyError("\n".join([head, *lines]))


def _shown(identity: Mapping[str, Any], path: str) -> str:
    return flow(identity[path]) if path in identity else "absent"
