"""Failed logins slow down the next ones, and only those."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clocks import Clock
from tuner.service.access.throttle import FORGOTTEN_AFTER, FREE_FAILURES, LONGEST_WAIT, MOST_KEYS, Throttle


@given(st.lists(st.floats(0, 30), max_size=60))
def test_whoever_waits_as_told_may_try_again(pauses: list[float]) -> None:
    clock = Clock()
    throttle = Throttle(clock)

    for pause in pauses:
        wait = throttle.wait(["ann"])
        assert 0 <= wait <= LONGEST_WAIT + 1e-6
        clock.now += wait
        assert throttle.wait(["ann"]) < 1e-6
        throttle.failed(["ann"])
        clock.now += pause


@settings(max_examples=10)
@given(st.integers(1, 5))
def test_a_guesser_has_few_tries_in_an_hour(tries_a_second: int) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    tries = 0

    for _ in range(3600):
        for _ in range(tries_a_second):
            if not throttle.wait(["guesser"]):
                throttle.failed(["guesser"])
                tries += 1
        clock.now += 1

    assert tries <= FREE_FAILURES + 7 + 3600 / LONGEST_WAIT


@given(st.integers(1, 100), st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3))
def test_failures_of_one_key_hold_up_no_other(failures: int, keys: list[str]) -> None:
    throttle = Throttle(Clock())

    for _ in range(failures):
        throttle.failed(["guesser"])

    assert throttle.wait(keys) == 0
    assert (throttle.wait([*keys, "guesser"]) > 0) == (failures >= FREE_FAILURES)


def test_a_success_and_time_make_a_key_as_new() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(50):
        throttle.failed(["ann", "bob"])

    throttle.succeeded(["ann"])
    assert throttle.wait(["ann"]) == 0
    assert throttle.wait(["bob"]) == LONGEST_WAIT

    clock.now += FORGOTTEN_AFTER
    throttle.failed(["bob"])
    assert throttle.wait(["bob"]) == 0


def test_keys_without_end_take_no_memory_without_end() -> None:
    throttle = Throttle(Clock())
    for _ in range(FREE_FAILURES):
        throttle.failed(["guesser"])

    throttle.failed(f"address {number}" for number in range(MOST_KEYS - 1))
    assert throttle.wait(["guesser"]) > 0

    throttle.failed(["one more"])
    assert throttle.wait(["guesser"]) == 0
