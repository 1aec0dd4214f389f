"""Why a job waits, and about how long."""

from __future__ import annotations

import pytest

from tuner.service.queue.queue_waits import about, ordinal, waits_of
from tuner.service.queue.scheduler import Wait
from tuner.service.queue.slots import Slots


@pytest.mark.parametrize(
    ("wait", "seconds", "sentence"),
    [
        (Wait(1, 1, Slots(2)), 240.0, "waits for 2 cores; 1st in the queue; starts in about 4 min"),
        (Wait(1, 2, Slots(1, 1)), None, "waits for 1 core and 1 GPU; 2nd in the queue; unknown how long"),
        (Wait(1, 3, Slots()), None, "waits for jobs before it; 3rd in the queue; unknown how long"),
        (Wait(1, 4, Slots(0, 2), never=True), None, "can never start: this server lacks 2 GPUs"),
    ],
    ids=["forecast", "unknown", "nothing", "never"],
)
def test_a_wait_is_a_sentence(wait: Wait, seconds: float | None, sentence: str) -> None:
    forecast = {} if seconds is None else {1: seconds}

    assert waits_of([wait], forecast)[1].sentence == sentence


def test_places_and_times_are_words() -> None:
    assert [ordinal(place) for place in (1, 2, 3, 4, 11, 12, 21, 113)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "113th"]
    )
    assert [about(seconds) for seconds in (0.2, 20, 100, 5400, 80_000, 200_000)] == (
        ["1 s", "20 s", "2 min", "2 h", "22 h", "2 days"]
    )
