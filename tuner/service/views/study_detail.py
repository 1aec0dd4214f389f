"""One study as an answer, with everything but its trials."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from tuner.errors import SpaceError
from tuner.results.results import Results
from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.running.driver_command import SPACE_FILE
from tuner.service.schemas import StudyDetail, StudyView, WaitView
from tuner.service.submitted.submission_folder import files_in, space_in
from tuner.service.views.job_views import change_view, job_view
from tuner.service.views.json_values import finite_in
from tuner.service.views.reading import Reading
from tuner.service.views.study_views import answer_view, failure_views, running_view, seen_now
from tuner.space import Space


def study_detail(
    view: StudyView, reading: Reading, jobs: Jobs, wait_of: Callable[[int], WaitView | None]
) -> StudyDetail:
    """Return a study in full.

    Args:
        view: the study as a list has it.
        reading: of the database.
        jobs: of the service.
        wait_of: returns why a job waits, if it does.
    """
    own = jobs.all(study=view.name)
    search = next((job for job in reversed(own) if job.id == view.job), None)
    results = reading.results(view.name) if reading.has(view.name) else None
    running = [] if results is None else seen_now(results, reading.drivers(view.name)).running
    changes = [change_view(job, change) for job in own for change in jobs.changes(job.id)]
    return StudyDetail(
        **{name: getattr(view, name) for name in StudyView.model_fields},
        space=_space(results, search),
        settings={} if search is None else finite_in(search.command),
        space_trials=None if search is None or not search.folder else _trials_of(search.folder),
        answer=None if results is None else answer_view(results),
        failures=[] if results is None else failure_views(results),
        failure_sentence="" if results is None else results.failures.sentence,
        running=[running_view(one) for one in running],
        parameters=_parameters(results),
        changes=sorted(changes, key=lambda change: change.at),
        jobs=[job_view(job, wait_of(job.id)) for job in own],
        files=[] if search is None else files_in(search.folder),
    )


def _space(results: Results | None, search: JobRecord | None) -> str | None:
    """Return the text of the space: as the study stores it, else as it was submitted."""
    if results is not None:
        return results.space.text if results.study.made_here else None
    return None if search is None else space_in(search.folder)


@functools.lru_cache(1000)
def _trials_of(folder: str) -> int | None:
    """Return the total that a submitted space says, None if it has faults without its settings."""
    try:
        return Space.load(Path(folder, SPACE_FILE)).search.trials
    except SpaceError:
        return None


def _parameters(results: Results | None) -> list[str]:
    if results is None:
        return []
    return [row.name for row in results.space.parameters()] if results.study.made_here else list(results.domains)
