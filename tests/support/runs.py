"""A run of a study, with all that it tells."""

from __future__ import annotations

from pathlib import Path

import tuner
from tuner.search.events import Event
from tuner.search.run_result import Result
from tuner.space import Space


def run(space: Path | Space, url: str, **options: object) -> tuple[Result, list[Event]]:
    events: list[Event] = []
    # options of any type
    result = tuner.run(space, storage=url, observe=events.append, **options)  # type: ignore[arg-type]
    return result, events
