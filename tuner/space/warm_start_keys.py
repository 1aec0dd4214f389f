"""`search.warm_start`: which of its keys may be combined."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.errors import Fault, listing
from tuner.space.tree import Group

PATH = "search.warm_start"


def warm_start_faults(root: Group) -> Iterator[Fault]:
    """Yield keys that exclude each other, or that lack the key they refer to."""
    search = root.entries["search"]
    assert isinstance(search, Group)
    section = search.entries["warm_start"]
    if not isinstance(section, Group):
        return
    of_study = [key for key in section.entries if key in ("study", "storage", "top")]
    if "file" in section.entries and of_study:
        message = f"{listing(of_study)} and file exclude each other: configs come from a study or from one file"
        yield Fault(section.keys["file"], f"{PATH}.file", message)
    elif not section.entries.keys() & {"study", "file"}:
        message = "say where configs come from: {study: its name} or {file: an exported config}"
        yield Fault(section.place, PATH, message)
