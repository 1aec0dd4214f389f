"""Waiting for a job of a server: looks at it again and again, often at first."""

from __future__ import annotations

import time
from collections.abc import Callable

from tuner.service.queue.lifecycle import JobState
from tuner.service.schemas import StudyView

FIRST_SECONDS, MOST_SECONDS = 0.2, 2.0
"""Seconds between two looks: few at first, more later."""

OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
"""The states in which a job stays, unless somebody resumes it."""


def standing(seen: StudyView) -> str:
    """Return the state of a study with its reason or its place in the queue.

    The estimate is left out: it changes all the time.
    """
    if seen.kind == "remote" and seen.state == JobState.RUNNING.value and not seen.trials.by_state.get("running"):
        return f"{seen.state}: waits for workers"
    if seen.wait is None:
        return f"{seen.state}: {seen.reason}" if seen.reason else seen.state
    waits = [part for part in seen.wait.sentence.split("; ") if not part.startswith("starts in")]
    return f"{seen.state}: {'; '.join(waits)}"


def wait_for(
    state: Callable[[], JobState], what: str, timeout: float | None, ends: frozenset[JobState] = OVER
) -> JobState:
    """Return the first state of a job that is among `ends`.

    Args:
        state: asks for the state.
        what: names the job in the message.
        timeout: the seconds to wait; None is no limit.
        ends: the states to wait for.

    Raises:
        TimeoutError: none comes in time.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = FIRST_SECONDS
    while (seen := state()) not in ends:
        if deadline is not None and time.monotonic() + pause > deadline:
            raise TimeoutError(f"{what} is {seen.value} after {timeout:g} seconds")
        time.sleep(pause)
        pause = min(1.5 * pause, MOST_SECONDS)
    return seen
