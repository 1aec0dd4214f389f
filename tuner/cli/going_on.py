"""`tuner run` of a study that a server has: it is compared with the space here, changed, and resumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tuner.client.parcel import Parcel
from tuner.client.remote_study import RemoteStudy
from tuner.client.waiting import standing
from tuner.errors import StudyError
from tuner.service.queue.lifecycle import JobState
from tuner.service.schemas import StudyDetail
from tuner.space import Space
from tuner.space.edit import settings_of
from tuner.study.identity import refuse_another

RESTS = frozenset({JobState.SUSPENDING, JobState.SUSPENDED, JobState.FAILED, JobState.CANCELLED})
"""States in which the same command resumes a study."""

AWAITED = frozenset({JobState.QUEUED, JobState.STARTING, JobState.SUSPENDING})
"""States of a study before it runs."""

LOOK_SECONDS = 1.0
"""Seconds between two looks at the queue."""


def sent_space(file: Path, settings: list[tuple[str, Any]], asked: Mapping[str, Any]) -> Space:
    """Return a space as the server gets it.

    Args:
        file: of the space.
        settings: values in place of those of the file.
        asked: options of `Client.submit`.
    """
    parcel = Parcel.of(file, settings)
    flags = settings_of(
        study_name=asked.get("name"),
        n_trials=asked.get("trials"),
        timeout=asked.get("timeout"),
        seed=asked.get("seed"),
        epochs=asked.get("epochs"),
        keep=asked.get("keep"),
    )
    return Space.parse(parcel.text, parcel.file, file.parent, [*parcel.settings.items(), *flags])


def go_on(study: RemoteStudy, space: Space, asked: Mapping[str, Any]) -> None:
    """Let a server go on with a study up to the total of a space. One that runs is left alone, unless more is asked.

    Args:
        study: that the server has.
        space: as it would be sent.
        asked: options of `Client.submit`; of these, `trials`, `timeout`, `workers` and `priority` change the study.

    Raises:
        StudyError: the study has another space.
    """
    seen = study.detail
    refuse_another(study.name, _stored(seen, space).identity(), space.identity())
    if seen.job is None:
        if JobState(seen.state) in RESTS:
            study.resume()
        return
    total = max(space.search.trials, int(seen.settings.get("n_trials") or seen.trials.total))
    changes = {name: asked.get(name) for name in ("workers", "priority")}
    if total > int(seen.settings.get("n_trials") or seen.trials.total):
        changes["trials"] = total
    if seen.trials.ended < total:
        changes["timeout"] = asked.get("timeout")
    if any(value is not None for value in changes.values()):
        study.change(**changes)
    if JobState(seen.state) in RESTS and study.state in RESTS:
        study.resume()


def began(seen: StudyDetail) -> datetime | None:
    """Return when a study was queued last; None without a job."""
    times = [change.at for change in seen.changes if change.job == seen.job and change.state == JobState.QUEUED.value]
    return max(times, default=None)


def await_start(study: RemoteStudy, tell: Callable[[str], None]) -> None:
    """Tell a study's place in the queue whenever it changes, until the study runs or is over."""
    last = ""
    while JobState((seen := study.detail).state) in AWAITED:
        if (told := standing(seen)) != last:
            tell(told)
            last = told
        time.sleep(LOOK_SECONDS)


def _stored(seen: StudyDetail, space: Space) -> Space:
    """Return the space of a study, with the settings of its submission.

    Raises:
        StudyError: another program made it.
    """
    if seen.space is None:
        raise StudyError(f"study {seen.name} was not made by tuner: choose another --study-name")
    facts: Mapping[str, Any] = seen.settings
    given: Mapping[str, Any] = facts.get("settings") or {}
    flags = settings_of(study_name=seen.name, seed=facts.get("seed"), epochs=facts.get("epochs"))
    return Space.parse(seen.space, space.file, space.base, [*given.items(), *flags])
