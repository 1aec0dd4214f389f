"""What users do with jobs, and the sentences that refuse it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.support.servers import Queue
from tuner.errors import UsageError
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running import control
from tuner.service.running.control import StateConflict

CAPACITY = Slots(4, 1)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    queue = Queue(tmp_path)
    queue.database.upgrade()
    return queue.jobs


def submitted(jobs: Jobs, state: JobState = JobState.QUEUED, kind: JobKind = JobKind.RUN) -> JobRecord:
    job = jobs.submit(Submission(kind, "digits", "ann", Slots(1), {"n_trials": 10}))
    if state is not JobState.QUEUED:
        assert jobs.move(job.id, state)
    return jobs.get(job.id)


def test_a_running_job_is_asked_to_stop_and_a_queued_one_leaves_the_queue(jobs: Jobs) -> None:
    job = submitted(jobs)

    assert control.suspend(jobs, "digits", "bob").state is JobState.SUSPENDED
    assert control.resume(jobs, "digits", "bob").state is JobState.QUEUED
    jobs.move(job.id, JobState.RUNNING)
    stopping = control.suspend(jobs, "digits", "bob", "lunch")

    assert (stopping.state, stopping.wanted) == (JobState.SUSPENDING, JobState.SUSPENDED)
    assert (jobs.changes(job.id)[-1].actor, jobs.changes(job.id)[-1].reason) == ("bob", "lunch")


def test_a_suspending_job_can_be_resumed_or_cancelled(jobs: Jobs) -> None:
    submitted(jobs, JobState.RUNNING)

    control.suspend(jobs, "digits", "bob")

    assert control.resume(jobs, "digits", "bob").wanted is JobState.QUEUED
    assert [job.wanted for job in control.cancel(jobs, "digits", "bob")] == [JobState.CANCELLED]
    assert [job.wanted for job in control.cancel(jobs, "digits", "bob")] == [JobState.CANCELLED]


def test_a_job_that_starts_or_ends_meanwhile_keeps_no_other_from_being_cancelled(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, first, second = (submitted(jobs, kind=kind) for kind in (JobKind.RUN, JobKind.TRAIN, JobKind.TRAIN))
    before = [jobs.all(study="digits")]
    jobs.move(search.id, JobState.STARTING)
    jobs.move(first.id, JobState.DONE)
    read = jobs.all
    monkeypatch.setattr(jobs, "all", lambda **asked: before.pop() if before else read(**asked))

    cancelled = control.cancel(jobs, "digits", "bob")

    assert {job.id: job.state for job in cancelled} == {
        search.id: JobState.SUSPENDING,
        second.id: JobState.CANCELLED,
    }
    assert jobs.get(first.id).state is JobState.DONE


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_job_in_the_queue_cannot_be_resumed(jobs: Jobs, state: JobState) -> None:
    submitted(jobs, state)

    with pytest.raises(StateConflict, match=f"study digits: is {state.value} already"):
        control.resume(jobs, "digits", "bob")


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_is_over_cannot_be_stopped(jobs: Jobs, state: JobState) -> None:
    submitted(jobs, state)

    with pytest.raises(StateConflict, match=f"is {state.value}; there is nothing to stop"):
        control.suspend(jobs, "digits", "bob")
    with pytest.raises(StateConflict, match="there is nothing to stop"):
        control.cancel(jobs, "digits", "bob")


def test_a_failed_job_goes_on_and_a_done_one_needs_more_to_do(jobs: Jobs) -> None:
    job = submitted(jobs, JobState.FAILED)

    assert control.resume(jobs, "digits", "bob").state is JobState.QUEUED
    jobs.move(job.id, JobState.DONE)
    with pytest.raises(StateConflict, match="ask for more trials"):
        control.resume(jobs, "digits", "bob")
    more = control.change(jobs, "digits", "bob", options={"n_trials": 20}, capacity=CAPACITY)

    assert (more.state, more.command["n_trials"]) == (JobState.QUEUED, 20)


def test_a_running_search_goes_on_with_its_new_options(jobs: Jobs) -> None:
    submitted(jobs, JobState.RUNNING)

    changed = control.change(
        jobs, "digits", "bob", options={"n_trials": 20, "workers": 2}, capacity=CAPACITY, slots=Slots(2)
    )

    assert (changed.state, changed.wanted, changed.slots) == (JobState.SUSPENDING, JobState.QUEUED, Slots(2))
    assert jobs.changes(changed.id)[-1].reason == "goes on with trials 20 and workers 2"


def test_another_priority_stops_nothing(jobs: Jobs) -> None:
    submitted(jobs, JobState.RUNNING)

    changed = control.change(jobs, "digits", "bob", options={}, capacity=CAPACITY, priority=3)

    assert (changed.state, changed.priority) == (JobState.RUNNING, 3)


def test_what_can_never_start_is_refused(jobs: Jobs) -> None:
    submitted(jobs)

    with pytest.raises(UsageError, match="it needs 5 cores and 0 GPUs, and this server has 4 cores and 1 GPU"):
        control.change(jobs, "digits", "bob", options={"workers": 5}, capacity=CAPACITY, slots=Slots(5))


def test_a_study_is_confirmed_by_one_job_at_a_time(jobs: Jobs) -> None:
    submitted(jobs, JobState.DONE)
    confirmation = Submission(JobKind.CONFIRM, "digits", "ann", Slots(1))

    first = control.follow_up(jobs, confirmation, CAPACITY)
    with pytest.raises(StateConflict, match="its confirmation is queued already"):
        control.follow_up(jobs, confirmation, CAPACITY)

    jobs.move(first.id, JobState.SUSPENDED)
    again = control.follow_up(jobs, dataclasses.replace(confirmation, command={"top": 3}), CAPACITY)
    assert (again.id, again.state, again.command) == (first.id, JobState.QUEUED, {"top": 3})


def test_a_study_without_a_search_is_named(jobs: Jobs) -> None:
    control.follow_up(jobs, Submission(JobKind.TRAIN, "digits", "ann", Slots(1)), CAPACITY)

    for act in (control.suspend, control.resume):
        with pytest.raises(StateConflict, match="study digits: this service does not search it"):
            act(jobs, "digits", "bob")
    with pytest.raises(StateConflict, match="study other: no job of it"):
        control.cancel(jobs, "other", "bob")


def test_what_users_do_is_logged_with_the_job_and_their_name(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tuner.service.queue.jobs")
    submitted(jobs)
    control.follow_up(jobs, Submission(JobKind.CONFIRM, "digits", "ann", Slots(1)), CAPACITY)

    control.suspend(jobs, "digits", "bob", "lunch")
    control.resume(jobs, "digits", "ann")
    control.cancel(jobs, "digits", "ann")

    assert caplog.messages == [
        "study digits: suspended by bob: lunch",
        "study digits: queued by ann",
        "study digits: cancelled by ann",
        "confirmation of digits: cancelled by ann",
    ]


def test_a_study_rests_and_goes_on_without_its_other_jobs_and_is_cancelled_with_them(jobs: Jobs) -> None:
    search = submitted(jobs, JobState.RUNNING)
    confirmation, model, trained = (
        submitted(jobs, state, kind)
        for state, kind in (
            (JobState.QUEUED, JobKind.CONFIRM),
            (JobState.RUNNING, JobKind.TRAIN),
            (JobState.DONE, JobKind.TRAIN),
        )
    )

    assert control.suspend(jobs, "digits", "bob").id == search.id
    assert control.resume(jobs, "digits", "bob").id == search.id
    assert [jobs.get(job.id).state for job in (confirmation, model)] == [JobState.QUEUED, JobState.RUNNING]
    assert control.cancel_job(jobs, confirmation, "bob").state is JobState.CANCELLED
    with pytest.raises(StateConflict, match="is cancelled; there is nothing to stop"):
        control.cancel_job(jobs, jobs.get(confirmation.id), "bob")

    assert [job.id for job in control.cancel(jobs, "digits", "bob")] == [search.id, model.id]
    assert [jobs.get(job.id).wanted for job in (search, model)] == 2 * [JobState.CANCELLED]
    assert jobs.get(trained.id).state is JobState.DONE


def test_a_change_at_the_moment_of_a_start_reaches_the_driver(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    job = submitted(jobs)
    read = jobs.search_of

    def search_of(study: str) -> JobRecord | None:
        found = read(study)
        jobs.move(job.id, JobState.RUNNING, since=(JobState.QUEUED,))
        return found

    monkeypatch.setattr(jobs, "search_of", search_of)

    changed = control.change(jobs, "digits", "bob", options={"n_trials": 20}, capacity=CAPACITY)

    assert (changed.state, changed.wanted, changed.command["n_trials"]) == (JobState.SUSPENDING, JobState.QUEUED, 20)
