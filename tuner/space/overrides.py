"""Values given beside a space file, by `--set` and options: they place faults where the reader can mend them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from tuner.errors import Fault, Place, SpaceError


@dataclass(frozen=True, slots=True)
class Given:
    """The paths of values that replace some of a text, and the text of the file."""

    paths: Sequence[str]
    text: str

    def retold(self, error: SpaceError, filled: str) -> SpaceError:
        """Return an error of the combined text as one of the file."""
        return SpaceError(error.file, [self._at_home(fault, filled) for fault in error.faults])

    def _at_home(self, fault: Fault, filled: str) -> Fault:
        """Return a fault at its place in the file; a fault of a given value has no place."""
        if fault.place is None or any(fault.path == path or fault.path.startswith(f"{path}.") for path in self.paths):
            return replace(fault, place=None)
        return replace(fault, place=_origin(fault.place, self.text.splitlines(), filled.splitlines()))


def _origin(place: Place, before: Sequence[str], after: Sequence[str]) -> Place:
    """Return the place in the lines `before` of a place in the lines `after`, or the nearest one."""
    row, matcher = place.line - 1, SequenceMatcher(None, before, after, autojunk=False)
    tag, first, last, start = next(
        ((tag, i, j, k) for tag, i, j, k, end in matcher.get_opcodes() if k <= row < end), ("equal", row, row + 1, row)
    )
    if tag == "equal":
        return Place(first + row - start + 1, place.column)
    line = min(first + row - start, max(first, last - 1), len(before) - 1)
    old, new = before[line], after[row]
    same = next((i for i, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), len(old))
    column = place.column if place.column <= same + 1 else place.column + len(old) - len(new)
    return Place(line + 1, max(1, min(column, len(old) + 1)))
