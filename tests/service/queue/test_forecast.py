from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.job_queues import CAPACITY, NOW, Machine, running, waiting
from tuner.service.queue.forecast import forecast

JOBS = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 2), st.integers(1, 60), st.integers(0, 2)), max_size=10)


@settings(max_examples=100, deadline=None)
@given(JOBS)
def test_jobs_start_when_it_says_where_the_estimates_are_right(drawn: list[tuple[int, int, int, int]]) -> None:
    jobs = [
        replace(waiting(i, cpus, gpus, priority=priority, since=100 - i), seconds_left=60.0 * minutes)
        for i, (cpus, gpus, minutes, priority) in enumerate(drawn, start=1)
    ]
    machine = Machine({job.id: job.seconds_left or 0.0 for job in jobs}, fair=False)

    machine.play(jobs, NOW + 60 * 60 * 11)

    assert forecast(jobs, CAPACITY, {}, NOW) == {number: begun - NOW for number, begun in machine.begins.items()}


def test_a_job_behind_one_without_an_estimate_has_no_forecast() -> None:
    endless, other = running(1, 6), replace(running(2, 2), seconds_left=30.0)

    found = forecast([endless, other, waiting(3, 2, since=10), waiting(4, 8)], CAPACITY, {}, NOW)

    assert found == {3: 30.0}


def test_a_job_that_preempts_starts_at_once() -> None:
    assert forecast([running(1, 8), waiting(2, 4, priority=1)], CAPACITY, {}, NOW) == {2: 0.0}
