"""The walk: from a few objects to all that they hold, down to values that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.engines.fused.inspection.parts import Findings, Parts, Scope, name_of, parts_of
from tuner.engines.fused.inspection.values import is_plain, text_of

MOST = 200_000
"""Objects that a walk visits at most; to compare more would take longer than what fusing gains."""


class Walk:
    """A walk through objects, each of which it visits once.

    Args:
        scope: where it goes.
    """

    def __init__(self, scope: Scope) -> None:
        self._found = Findings(scope)
        self._places: dict[int, str] = {}
        self._alive: list[Any] = []

    def through(self, roots: Sequence[tuple[str, Any]]) -> Findings:
        """Visit all that can be reached from some objects, each by the place that it is called by."""
        waiting = list(reversed(roots))
        while waiting:
            place, value = waiting.pop()
            if len(self._alive) > MOST:
                self._found.hidden.append(place)
                break
            try:
                waiting += reversed(list(self._visit(place, value)))
            except Exception:  # objects may refuse to be looked at in any way
                self._found.hidden.append(place)
        return self._found

    def _visit(self, place: str, value: Any) -> Parts:
        texts = self._found.texts
        if is_plain(value):
            texts[place] = text_of(value)
        elif id(value) in self._places:
            if self._places[id(value)] != place:  # attributes come again in what an object would be pickled as
                texts[place] = f"as {self._places[id(value)]}"
        else:
            self._places[id(value)] = place
            self._alive.append(value)  # or its id would come again
            texts[place] = name_of(type(value))
            yield from parts_of(self._found, place, value)
