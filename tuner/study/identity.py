"""What makes two spaces one study, and the refusal of one that is another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tuner.errors import StudyError
from tuner.goal import Goal
from tuner.space import Space
from tuner.space.sections import OWN_SECTIONS, SECTIONS
from tuner.space.validation import closed
from tuner.space.yaml_writer import flow

Identity = Mapping[str, Any]
"""Path -> value or hole."""


def identity_of(space: Space, goal: Goal) -> dict[str, Any]:
    """That of a space, with what counts spelt out, however the file says it."""
    spelt = {"objective.metrics": list(goal.metrics), "objective.directions": [item.value for item in goal.directions]}
    written = space.identity().items()
    return {
        path: value for path, value in written if not path.startswith(("objective.metric", "objective.dir"))
    } | spelt


def changes(known: Identity, now: Identity) -> list[str]:
    """The paths at which two differ."""
    return [path for path in {**known, **now} if known.get(path) != now.get(path)]


def revalued(paths: Iterable[str], own: bool) -> list[str]:
    """Those of changed paths by which a trial's value gets another meaning: the rows, the seed and what counts.

    Args:
        paths: of two identities.
        own: whether a function of one's own trains, whose sections are its own.
    """
    ruling = OWN_SECTIONS if own else SECTIONS
    return [path for path in paths if closed(path, ruling)]


def described(paths: Iterable[str], known: Identity, now: Identity) -> list[str]:
    """A line for each changed path."""
    return [f"  {path}: {_shown(known, path)} in the study, {_shown(now, path)} now" for path in paths]


def refuse_another(name: str, known: Identity, now: Identity) -> None:
    """Let a study go on with its own space only.

    Raises:
        StudyError: it is another one; the message names what differs, and the ways on.
    """
    if not (changed := changes(known, now)):
        return
    own = now.get("objective.function") is not None
    ways = "run it with --study-name NEW to begin a study of its own"
    if not revalued(changed, own):
        ways += f", or with --fork NEW to begin one with all trials of {name} that still fit"
    head = f"study {name} has another space; {ways}:"
    raise StudyError("\n".join([head, *described(changed, known, now)]))


def _shown(identity: Identity, path: str) -> str:
    return flow(identity[path]) if path in identity else "absent"
