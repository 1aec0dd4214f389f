"""What follows when a driver has ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running.driver_process import Ended
from tuner.service.running.job_end import Known, sequel

JOB = JobRecord(1, JobKind.RUN, "digits", "ann", JobState.RUNNING, 0, Slots(1), {}, "", 0.0, 0.0, starts=1)
DEAD = Known(Ended(None), False, False, "last words")


def after(code: int | None, job: JobRecord = JOB, **known: object) -> tuple[JobState, int]:
    found = sequel(job, replace(DEAD, end=Ended(code), **known))  # type: ignore[arg-type]  # of any field
    return found.state, found.starts


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (0, JobState.DONE),
        (1, JobState.FAILED),
        (2, JobState.FAILED),
        (3, JobState.FAILED),
        (130, JobState.SUSPENDED),
        (75, JobState.QUEUED),
        (143, JobState.QUEUED),
        (137, JobState.QUEUED),
        (139, JobState.QUEUED),
        (None, JobState.QUEUED),
    ],
)
def test_each_exit_code_has_its_state(code: int | None, state: JobState) -> None:
    assert after(code)[0] is state


@pytest.mark.parametrize("code", [None, 1, 2, 75, 130, 137, 143])
@pytest.mark.parametrize(
    "wanted", [JobState.SUSPENDED, JobState.CANCELLED, JobState.QUEUED], ids=lambda state: state.value
)
def test_what_was_asked_for_follows_however_the_driver_ends(code: int | None, wanted: JobState) -> None:
    assert after(code, replace(JOB, wanted=wanted)) == (wanted, 0)


def test_a_study_that_ends_while_it_is_suspended_is_done_but_not_one_that_was_asked_for_more() -> None:
    assert after(0, replace(JOB, wanted=JobState.SUSPENDED))[0] is JobState.DONE
    assert after(0, replace(JOB, wanted=JobState.QUEUED))[0] is JobState.QUEUED


@pytest.mark.parametrize("kind", [JobKind.CONFIRM, JobKind.TRAIN], ids=lambda kind: kind.value)
def test_a_confirmation_or_training_that_ends_while_it_makes_room_is_not_begun_again(kind: JobKind) -> None:
    assert after(0, replace(JOB, kind=kind, wanted=JobState.QUEUED))[0] is JobState.DONE


def test_many_failed_trials_are_no_failure_of_a_study_that_has_its_total() -> None:
    assert after(1, complete=True)[0] is JobState.DONE


@pytest.mark.parametrize("code", [0, 1])
def test_a_search_that_is_asked_for_retries_at_its_end_goes_on_but_not_for_ever(code: int) -> None:
    assert after(code, complete=True, retries=True) == (JobState.QUEUED, 1)
    assert after(code, replace(JOB, starts=3), complete=True, retries=True)[0] is JobState.DONE


def test_three_deaths_without_progress_are_a_failure_with_the_last_words() -> None:
    third = replace(JOB, starts=3)

    assert after(137, third)[0] is JobState.FAILED
    assert sequel(third, replace(DEAD, end=Ended(137))).reason == (
        "its driver died of signal 9, 3 times without progress: last words"
    )


def test_progress_makes_the_starts_count_anew() -> None:
    assert after(137, replace(JOB, starts=3), progressed=True) == (JobState.QUEUED, 1)


@pytest.mark.parametrize("code", [None, 143])
def test_a_driver_that_ends_with_its_server_goes_on_and_that_start_is_not_counted(code: int | None) -> None:
    assert after(code, replace(JOB, starts=3), with_server=True) == (JobState.QUEUED, 2)


@pytest.mark.parametrize("code", [75, 137, 143])
def test_a_driver_that_ends_by_itself_each_time_fails_though_no_server_saw_the_last_end(code: int) -> None:
    assert after(code, replace(JOB, starts=3), with_server=code != 143)[0] is JobState.FAILED
