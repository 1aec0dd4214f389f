"""`search.warm_start`: where known good configs come from, and what becomes of a value that is outside the space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.errors import Fault, listing
from tuner.space.tree import Group
from tuner.space.validators import Outside

PATH = "search.warm_start"


@dataclass(frozen=True, slots=True)
class WarmStart:
    """The `top` trials of a study, which `storage` has if it is not the run's own, or the config of a file."""

    study: str | None
    storage: str | None
    file: str | None
    top: int
    outside: Outside

    @classmethod
    def of(cls, section: Mapping[str, Any] | None) -> WarmStart | None:
        """Read the section; None asks for nothing."""
        if section is None:
            return None
        given = {key: section.get(key) for key in ("study", "storage", "file")}
        outside = Outside(section.get("outside", Outside.REFUSE.value))
        return cls(**given, top=section.get("top", 5), outside=outside)


def warm_start_faults(root: Group) -> Iterator[Fault]:
    """Keys that do not go together, or lack the one that they are about."""
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
