"""The scheduler's promises, as properties of any queue, and played through over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.job_queues import CAPACITY, NOW, Machine, running, waiting
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.scheduler import LEVEL_SECONDS, Job, Plan, Start, schedule
from tuner.service.queue.slots import Slots

STATES = (JobState.QUEUED, JobState.STARTING, JobState.RUNNING, JobState.SUSPENDING)


def started(plan: Plan) -> list[int]:
    return [start.job for start in plan.starts]


@st.composite
def queues(draw: st.DrawFn) -> list[Job]:
    """Jobs in any states that a scheduler with this capacity can have brought about."""
    free, jobs = CAPACITY, []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        slots = Slots(draw(st.integers(1, 10)), draw(st.integers(0, 3)))
        state = draw(st.sampled_from(STATES))
        if state.occupies and not slots.fits(free):
            state = JobState.QUEUED
        free -= slots if state.occupies else Slots()
        queued = NOW - draw(st.floats(0, 3 * LEVEL_SECONDS))
        jobs.append(
            Job(
                number,
                draw(st.sampled_from("abc")),
                slots,
                queued,
                state,
                draw(st.integers(-2, 2)),
                draw(st.floats(queued, NOW)) if state.occupies else None,
                frozenset(draw(st.sets(st.integers(1, 12), max_size=4))) if state.occupies else frozenset(),
            )
        )
    return jobs


USAGE = st.dictionaries(st.sampled_from("abc"), st.floats(0, 1e6))


def total(jobs: Iterable[Job]) -> Slots:
    return sum((job.slots for job in jobs), Slots())


@given(queues(), USAGE)
def test_no_slot_is_given_twice_and_only_queued_jobs_start(jobs: list[Job], usage: dict[str, float]) -> None:
    plan = schedule(jobs, CAPACITY, usage, NOW)

    by_id = {job.id: job for job in jobs}
    begun = [by_id[number] for number in started(plan)]
    assert all(job.state is JobState.QUEUED for job in begun)
    assert len(set(started(plan))) == len(begun)
    assert total([*begun, *(job for job in jobs if job.state.occupies)]).fits(CAPACITY)


@given(queues(), USAGE)
def test_each_queued_job_starts_or_waits_with_a_place(jobs: list[Job], usage: dict[str, float]) -> None:
    plan = schedule(jobs, CAPACITY, usage, NOW)

    queued = {job.id for job in jobs if job.state is JobState.QUEUED}
    assert sorted([*started(plan), *(wait.job for wait in plan.waits)]) == sorted(queued)
    assert [wait.place for wait in plan.waits] == list(range(1, len(plan.waits) + 1))


@given(queues(), USAGE)
def test_jobs_are_suspended_only_for_a_job_that_may_and_that_fits_then(
    jobs: list[Job], usage: dict[str, float]
) -> None:
    plan = schedule(jobs, CAPACITY, usage, NOW)

    by_id = {job.id: job for job in jobs}
    waits = [by_id[wait.job] for wait in plan.waits]
    held = total(job for job in jobs if job.state.occupies and job.id not in plan.suspends)
    room = CAPACITY - held - total(by_id[number] for number in started(plan))
    for number in plan.suspends:
        victim = by_id[number]
        assert victim.state in (JobState.STARTING, JobState.RUNNING)
        for_whom = [job for job in waits if victim.level(NOW) < job.priority or job.id in victim.passed]
        assert any(job.slots.fits(room + Slots(100, 100)) for job in for_whom)
    if plan.suspends:
        assert any(
            job.slots.fits(room + total(job for job in jobs if job.state is JobState.SUSPENDING)) for job in waits
        )


@given(queues(), USAGE)
def test_the_same_jobs_in_another_order_give_the_same_plan(jobs: list[Job], usage: dict[str, float]) -> None:
    assert schedule(reversed(jobs), CAPACITY, usage, NOW) == schedule(jobs, CAPACITY, usage, NOW)


def test_the_highest_priority_starts_first_then_who_used_least_then_the_oldest() -> None:
    jobs = [
        waiting(1, 8, user="ann", since=50),
        waiting(2, 8, user="bob", since=10),
        waiting(3, 8, user="bob", since=20),
        waiting(4, 8, user="ann", priority=1),
    ]

    plan = schedule(jobs, CAPACITY, {"ann": 5000.0, "bob": 10.0}, NOW)

    assert started(plan) == [4]
    assert [wait.job for wait in plan.waits] == [3, 2, 1]


def test_users_who_submit_many_jobs_at_once_get_slots_in_turn() -> None:
    jobs = [waiting(i, user="ann", since=60) for i in range(1, 9)] + [waiting(i, user="bob") for i in range(9, 17)]

    plan = schedule(jobs, CAPACITY, {}, NOW)

    assert sum(number > 8 for number in started(plan)) == 4


def test_a_job_of_higher_priority_suspends_the_latest_of_lower_ones_and_no_more_than_it_needs() -> None:
    jobs = [running(1, 3, since=300), running(2, 3, since=200), running(3, 2, since=100), waiting(4, 3, priority=1)]

    plan = schedule(jobs, CAPACITY, {}, NOW)

    assert plan.suspends == (2,)
    assert started(plan) == []


def test_nothing_is_suspended_where_that_makes_too_little_room() -> None:
    jobs = [running(1, 4, priority=1), running(2, 4), waiting(3, 6, priority=1)]

    assert schedule(jobs, CAPACITY, {}, NOW).suspends == ()


def test_a_job_of_equal_priority_suspends_nobody() -> None:
    assert schedule([running(1, 8), waiting(2, 1)], CAPACITY, {}, NOW).suspends == ()


def test_what_a_suspending_job_frees_is_kept_for_the_one_that_asked_for_it() -> None:
    leaving = replace(running(1, 8), state=JobState.SUSPENDING)

    plan = schedule([leaving, waiting(2, 6, priority=2), waiting(3, 4, priority=1)], CAPACITY, {}, NOW)

    assert (plan.starts, plan.suspends) == ((), ())


def test_a_small_job_starts_before_a_large_one_and_makes_room_when_that_would_fit() -> None:
    large, small = waiting(2, 8, since=100), waiting(3, 2)

    first = schedule([running(1, 6), large, small], CAPACITY, {}, NOW)
    backfilled = replace(small, state=JobState.RUNNING, started_at=NOW, passed=first.starts[0].passed)
    second = schedule([large, backfilled], CAPACITY, {}, NOW + 60)

    assert first.starts == (Start(3, frozenset({2})),)
    assert second.suspends == (3,)


def test_a_job_that_can_never_fit_is_told_apart_and_passed_by_nobody() -> None:
    plan = schedule([waiting(1, 9, since=10), waiting(2, 8)], CAPACITY, {}, NOW)

    assert plan.waits[0].never
    assert plan.waits[0].missing == Slots(1, 0)
    assert plan.starts == (Start(2, frozenset()),)


def test_waiting_raises_a_job_over_later_ones_of_higher_priority() -> None:
    old, new = waiting(1, 8, since=2.5 * LEVEL_SECONDS), waiting(2, 8, priority=1)

    assert started(schedule([old, new], CAPACITY, {}, NOW)) == [1]


def test_a_job_that_waiting_has_raised_is_not_suspended_by_the_priority_that_it_overtook() -> None:
    raised = replace(running(1, 8, since=100), queued_at=NOW - 100 - 2.5 * LEVEL_SECONDS)

    assert schedule([raised, waiting(2, 8, priority=2)], CAPACITY, {}, NOW).suspends == ()
    assert schedule([raised, waiting(2, 8, priority=3)], CAPACITY, {}, NOW).suspends == (1,)


def test_a_clock_that_was_set_back_breaks_nothing() -> None:
    future = replace(waiting(1), queued_at=NOW + 1e9)

    assert started(schedule([future], CAPACITY, {}, NOW)) == [1]


@pytest.mark.parametrize(("seed", "cpus", "priority"), [(0, 8, 0), (3, 8, -3), (1, 5, -1), (2, 1, -2)])
def test_nobody_starves_beside_an_endless_stream_of_higher_priority(seed: int, cpus: int, priority: int) -> None:
    poor = waiting(0, cpus, priority=priority)
    stream = [
        replace(waiting(i, 1 + (seed + i) % 8, user="bob", priority=1), queued_at=NOW + 600 * i) for i in range(1, 400)
    ]
    machine = Machine({0: 3600.0} | {job.id: 1800.0 for job in stream})

    machine.play([poor, *stream], NOW + 400 * 600, tick=600.0)

    assert 0 in machine.ends
    assert machine.clock - machine.ends[0] > 600


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 60)), max_size=10))
def test_later_small_jobs_delay_a_waiting_large_one_not_at_all(small: list[tuple[int, int, int]]) -> None:
    first, large = waiting(1, 5, since=20), waiting(2, 8, since=10)
    later = [replace(waiting(10 + i, cpus), queued_at=NOW + 60 * at) for i, (cpus, at, _) in enumerate(small)]
    work = {1: 1800.0, 2: 600.0} | {10 + i: 60.0 * minutes for i, (_, _, minutes) in enumerate(small)}
    alone, beside = Machine(dict(work)), Machine(dict(work))

    alone.play([first, large], NOW + 7200)
    beside.play([first, large, *later], NOW + 7200)

    assert beside.begins[2] == alone.begins[2]


def test_two_users_with_endless_work_have_equal_shares() -> None:
    jobs = [waiting(i, 1 + i % 3, user="ann" if i % 4 else "bob", since=i) for i in range(1, 200)]
    machine = Machine(dict.fromkeys(range(1, 200), 1200.0))

    machine.play(jobs, NOW + 3600 * 2)

    assert abs(machine.used["ann"] / machine.used["bob"] - 1) < 0.1


def test_jobs_that_run_are_adopted_and_not_started_again() -> None:
    known: Mapping[int, Job] = {1: running(1, 4), 2: replace(running(2, 4), state=JobState.STARTING)}

    assert schedule(known.values(), CAPACITY, {}, NOW) == Plan()
