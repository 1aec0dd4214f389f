"""Jobs as answers, in the shapes of the API."""

from __future__ import annotations

from tuner.service.queue.job_record import Change, JobRecord
from tuner.service.queue.queue_waits import Waits
from tuner.service.queue.slots import Slots
from tuner.service.schemas import ChangeView, JobView, SlotsView, WaitView
from tuner.service.views.json_values import moment, moment_of


def job_view(job: JobRecord, wait: WaitView | None) -> JobView:
    """Return a job."""
    return JobView(
        id=job.id,
        kind=job.kind.value,
        study=job.study,
        owner=job.owner,
        state=job.state.value,
        priority=job.priority,
        slots=slots_view(job.slots),
        submitted=moment_of(job.submitted_at),
        started=moment(job.started_at),
        ended=moment(job.ended_at),
        exit_code=job.exit_code,
        reason=job.reason,
        wait=wait,
    )


def change_view(job: JobRecord, change: Change) -> ChangeView:
    """Return a change of a job's state."""
    return ChangeView(
        at=moment_of(change.at),
        job=job.id,
        kind=job.kind.value,
        state=change.state.value,
        actor=change.actor,
        reason=change.reason,
    )


def slots_view(slots: Slots) -> SlotsView:
    """Return slots."""
    return SlotsView(cpus=slots.cpus, gpus=slots.gpus)


def wait_view(waits: Waits | None) -> WaitView | None:
    """Return why a job waits, if it does."""
    if waits is None:
        return None
    return WaitView(place=waits.place, sentence=waits.sentence, about_seconds=waits.seconds)
