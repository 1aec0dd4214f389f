"""Why a job waits, and about how long: for the list of studies and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.errors import counted, listing
from tuner.service.queue.scheduler import Wait
from tuner.service.queue.slots import Slots


@dataclass(frozen=True, slots=True)
class Waits:
    """The wait of a queued job: its place in the queue, from 1, and what is missing for it.

    `seconds` is about how long it waits, None if that is unknown.
    """

    place: int
    missing: Slots
    seconds: float | None
    sentence: str


def waits_of(waits: Sequence[Wait], seconds: Mapping[int, float]) -> Mapping[int, Waits]:
    """Return the wait of each queued job by its id.

    Args:
        waits: of the scheduler.
        seconds: about how long each waits, as far as that is known.
    """
    return {
        wait.job: Waits(wait.place, wait.missing, seconds.get(wait.job), _sentence(wait, seconds.get(wait.job)))
        for wait in waits
    }


def _sentence(wait: Wait, seconds: float | None) -> str:
    needs = listing(
        counted(number, noun) for number, noun in ((wait.missing.cpus, "core"), (wait.missing.gpus, "GPU")) if number
    )
    if wait.never:
        return f"can never start: this server lacks {needs}"
    waits = f"waits for {needs}" if wait.missing != Slots() else "waits for jobs before it"
    when = "unknown how long" if seconds is None else f"starts in about {about(seconds)}"
    return f"{waits}; {ordinal(wait.place)} in the queue; {when}"


def ordinal(place: int) -> str:
    """Return `1st`, `2nd`, `11th`."""
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def about(seconds: float) -> str:
    """Return a time that is an estimate in one unit: `20 s`, `4 min`, `3 h` or `2 days`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} h"
    return counted(round(seconds / 86400), "day")
