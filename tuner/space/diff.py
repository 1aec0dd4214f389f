"""A resolved config beside others: the config of a trial, and the differences of two configs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.config import Scalar
from tuner.space.key import Section
from tuner.space.sections import OWN_SECTIONS, SECTIONS
from tuner.space.space import Space
from tuner.space.suggest import Known
from tuner.space.tree import Choice, Fixed, Group, Items, Repeat, Tree, join
from tuner.space.validation import closed

ABSENT = object()
"""Marks a place that a config does not have."""


@dataclass(frozen=True, slots=True)
class Source:
    """A resolved config as plain values; `labels` has the chosen branches, by their config paths."""

    values: Mapping[str, Any]
    labels: Mapping[str, tuple[Scalar, ...]]

    @classmethod
    def of(cls, space: Space, params: Mapping[str, Any]) -> Source:
        """Return the config of a trial's parameters in its own space.

        Raises:
            KeyError: the trial lacks one of them.
        """
        labels: dict[str, tuple[Scalar, ...]] = {}
        for path, label in _chosen(space.tree, params, "", ""):
            labels[path] = (*labels.get(path, ()), label)
        return cls(space.fill(Known(params)), labels)


def differences(space: Space, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths at which two resolved configs differ, except those that no trial changes."""
    ruling = ruling_of(space)
    flat, against = dict(_leaves(one, "")), dict(_leaves(other, ""))
    for path in {**flat, **against}:
        if not closed(path, ruling) and not same(flat.get(path, ABSENT), against.get(path, ABSENT)):
            yield path


def ruling_of(space: Space) -> Mapping[str, Section]:
    """Return the sections that apply to a space."""
    return OWN_SECTIONS if space.objective.own_training else SECTIONS


def same(one: Any, other: Any) -> bool:
    """Return whether two plain values are equal; true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _chosen(tree: Tree, params: Mapping[str, Any], name: str, path: str) -> Iterator[tuple[str, Scalar]]:
    """Yield the config path and the label of every choice of a trial."""
    match tree:
        case Choice():
            label = params[name]
            yield path, label
            yield from _chosen(tree.branch(label), params, join(name, label), path)
        case Repeat(element, length):
            count = length.value if isinstance(length, Fixed) else params[join(name, "length")]
            for i in range(int(count)):  # type: ignore[arg-type]  # a length is a whole number
                yield from _chosen(element, params, join(name, i), join(path, i))
        case Group(entries):
            for key, entry in entries.items():
                yield from _chosen(entry, params, join(name, key), join(path, key))
        case Items(items):
            for i, item in enumerate(items):
                yield from _chosen(item, params, join(name, i), join(path, i))
        case _:
            pass


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every scalar and every empty container of a plain config, by its path."""
    items = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(items, dict) or not items:
        yield path, value
        return
    for key, item in items.items():
        yield from _leaves(item, join(path, key))
