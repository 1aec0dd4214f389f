"""The identity of a study: what two spaces must share, and the refusal of another space."""

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
"""Path to value or hole."""


def identity_of(space: Space, goal: Goal) -> dict[str, Any]:
    """Return the identity of a space, with its metrics and directions written out."""
    spelt = {"objective.metrics": list(goal.metrics), "objective.directions": [item.value for item in goal.directions]}
    written = space.identity().items()
    return {
        path: value for path, value in written if not path.startswith(("objective.metric", "objective.dir"))
    } | spelt


def changes(known: Identity, now: Identity) -> list[str]:
    """Return the paths at which two identities differ."""
    return [path for path in {**known, **now} if known.get(path) != now.get(path)]


def revalued(paths: Iterable[str], own: bool) -> list[str]:
    """Return the changed paths that change the meaning of values: the rows, the seed and the objective.

    Args:
        paths: the differing paths of two identities.
        own: whether code of the user trains, to which other sections belong.
    """
    ruling = OWN_SECTIONS if own else SECTIONS
    return [path for path in paths if closed(path, ruling)]


def described(paths: Iterable[str], known: Identity, now: Identity) -> list[str]:
    """Return a line for each changed path."""
    return [f"  {path}: {_shown(known, path)} in the study, {_shown(now, path)} now" for path in paths]


def refuse_another(name: str, known: Identity, now: Identity) -> None:
    """Raise if a study's space has another identity.

    Raises:
        StudyError: it differs; the message names the differences and the ways to continue.
    """
    if not (changed := changes(known, now)):
        return
    own = now.get("objective.function") is not None or bool(now.get("objective.remote"))
    ways = "run it with --study-name NEW to begin a study of its own"
    if not revalued(changed, own):
        ways += f", or with --fork NEW to begin one with all trials of {name} that still fit"
    head = f"study {name} has another space; {ways}:"
    raise StudyError("\n".join([head, *described(changed, known, now)]))


def _shown(identity: Identity, path: str) -> str:
    return flow(identity[path]) if path in identity else "absent"
