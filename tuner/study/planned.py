"""Trials that are planned from outside, in a study beside another one; and facts that are noted of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.errors import StudyError
from tuner.storage import readable_errors
from tuner.study.catalogue import list_studies, load_study
from tuner.study.study import Study


def sibling(study: Study, name: str) -> Study | None:
    """Another study of the same database, if it is there."""
    storage = study.optuna._storage
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


def noted(study: Study, key: str) -> Mapping[str, Any]:
    """The facts that were noted of a study under a key; none if none were."""
    with readable_errors():
        facts: Mapping[str, Any] = study.optuna.user_attrs.get(key, {})
    return facts


def note(study: Study, key: str, facts: Mapping[str, Any]) -> None:
    """Note facts of a study, JSON values, in place of those under the same key."""
    if noted(study, key) != facts:
        with readable_errors():
            study.optuna.set_user_attr(key, dict(facts))
