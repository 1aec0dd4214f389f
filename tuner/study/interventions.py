"""Interventions: what people ask of a study and of single trials, while a run works on it and between runs.

What only a driver can do is a request in the database. A driver sees it within a second.
Without one, the next run does.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping

from tuner.errors import StudyError, UsageError
from tuner.runtime.enums import member_of
from tuner.storage import open_storage
from tuner.storage.active_drivers import drivers_of
from tuner.storage.requests import Action, Requests, this_user
from tuner.study.marks import Ignored, mark_ignored
from tuner.study.record import Record, Unfinished
from tuner.study.registry import load_study
from tuner.study.study import CONFIRM, Study, noted


class Steer(enum.StrEnum):
    """What can be done with a trial."""

    STOP = "stop"
    IGNORE = "ignore"
    RETRY = "retry"


def steer_trial(
    storage: str, study_name: str, number: int, action: Steer | str, undo: bool = False, actor: str = ""
) -> Record:
    """Stop, ignore or retry a trial; with `undo`, count an ignored one again.

    Args:
        storage: the database.
        study_name: the name of the study.
        number: the number of the trial.
        action: what is done with it.
        undo: for `Steer.IGNORE` alone.
        actor: who asks; by default this user on this machine.

    Returns:
        The trial as it was before.

    Raises:
        StudyError: there is no such study or trial, or its state does not allow that.
        UsageError: there is no such action, or it cannot be undone.
        StorageError: the database cannot be used.
    """
    chosen = _action(action, undo)
    study = load_study(open_storage(storage), study_name)
    record = study.record(number)
    steer(storage, study, record, chosen, undo, actor)
    return record


def steer(storage: str, study: Study, record: Record, action: Steer | str, undo: bool = False, actor: str = "") -> None:
    """Do what `steer_trial` does, with a study and a record that were read already."""
    match _action(action, undo):
        case Steer.STOP:
            _stop(storage, study, record, actor)
        case Steer.IGNORE:
            _ignore(study, record, undo, actor or this_user())
        case Steer.RETRY:
            _retry(storage, study, record, actor)


def _action(action: Steer | str, undo: bool) -> Steer:
    chosen = member_of(Steer, action, "the action")
    if undo and chosen is not Steer.IGNORE:
        raise UsageError(f"--undo: {chosen.value} cannot be undone, only ignore can")
    return chosen


def stop_runs(storage: str, study_name: str, actor: str = "") -> Mapping[str, str]:
    """Ask the runs of a study to stop: running trials wait at their epoch's end for the next run.

    Args:
        storage: the database.
        study_name: the name of the study.
        actor: who asks; by default this user on this machine.

    Returns:
        The processes that are asked, by the names of the drivers.

    Raises:
        StudyError: there is no such study, or no run works on it.
        StorageError: the database cannot be used.
    """
    study = load_study(open_storage(storage), study_name)
    drivers = drivers_of(storage, study.name)
    if not drivers:
        raise StudyError(f"study {study.name}: no run works on it; there is nothing to stop")
    Requests(storage, study.name).post(Action.STOP_STUDY, actor=actor)
    return drivers


def _stop(storage: str, study: Study, record: Record, actor: str) -> None:
    if record.finished:
        raise StudyError(f"trial {record.number} of study {study.name} has ended: it is {record.state.value}")
    attempt = (record.attributes.attempt or 0) + (record.state is Unfinished.WAITING)
    Requests(storage, study.name).post(Action.STOP_TRIAL, record.number, actor, attempt)


def _retry(storage: str, study: Study, record: Record, actor: str) -> None:
    if not study.made_here:
        raise StudyError(f"study {study.name} was not made by tuner: no run can train its trials again")
    if not record.retriable:
        way_on = "only what failed or was pruned is retried"
        raise StudyError(f"trial {record.number} of study {study.name} is {record.state.value}; {way_on}")
    Requests(storage, study.name).post(Action.RETRY_TRIAL, record.number, actor)


def _ignore(study: Study, record: Record, undo: bool, actor: str) -> None:
    if noted(study, CONFIRM):
        raise StudyError(f"study {study.name} has the runs of a confirmation: its mean counts each of them")
    if undo and record.ignored is None:
        raise StudyError(f"trial {record.number} of study {study.name} is not ignored")
    mark_ignored(study.optuna, record.number, None if undo else Ignored(actor, time.time()))
