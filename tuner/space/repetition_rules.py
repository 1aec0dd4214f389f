"""Rules of folds and seeds, by which a trial trains more than once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tuner.errors import Fault, Place
from tuner.space.tree import Choice, Fixed, Group, Tree, describe
from tuner.space.validation import DEFAULT_PLACE, variants

ONE_SPLIT = "with folds each row validates once: drop one of the two"
FOLDS_VALIDATE_ALL = "with folds each row validates already: drop it"
NOT_TUNED = "its branches train from unlike numbers of seeds, and their values would not compare: give one number"
ONE = Fixed(1, DEFAULT_PLACE)


def with_defaults(root: Group) -> Group:
    """Return the space with the default of folds: there is no other validation split."""
    data = root.entries.get("data")
    if not isinstance(data, Group) or not _place_of(root, "data", "folds") or "valid" in data.entries:
        return root
    data = dataclasses.replace(data, entries={**data.entries, "valid": Fixed(None, DEFAULT_PLACE)})
    return dataclasses.replace(root, entries={**root.entries, "data": data})


def faults(root: Group) -> Iterator[Fault]:
    """Yield contradictions in a space whose keys are all sound."""
    if _place_of(root, "data", "folds"):
        if place := _place_of(root, "data", "valid"):
            yield Fault(place, "data.valid", ONE_SPLIT)
        if place := _place_of(root, "search", "confirm", "splits"):
            yield Fault(place, "search.confirm.splits", FOLDS_VALIDATE_ALL)
    training = root.entries.get("training")
    if isinstance(training, Choice):
        branches = [branch for _, branch in variants(training, "training") if isinstance(branch, Group)]
        if len({describe(branch.entries.get("seeds", ONE)) for branch in branches}) > 1:
            yield Fault(training.place, "training", NOT_TUNED)


def _place_of(tree: Tree, *path: str) -> Place | None:
    """Return where a key stands, unless its value is null or false; None if it is not there."""
    place = None
    for key in path:
        if not isinstance(tree, Group) or key not in tree.entries:
            return None
        place = tree.keys.get(key, tree.place)
        tree = tree.entries[key]
    return None if isinstance(tree, Fixed) and not tree.value else place
