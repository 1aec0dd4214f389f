"""Rules of the `objective` section that involve several keys, and the defaults that follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.errors import Fault, Place, did_you_mean, listing
from tuner.goal import COSTS, Scope
from tuner.runtime.kinds import is_number
from tuner.runtime.user_code import codes
from tuner.space.study_sections import BOUNDS, DIRECTION
from tuner.space.tree import Fixed, Group, Items, Tree, describe, join
from tuner.space.validation import constant

ENDS = tuple(BOUNDS.keys)
NOT_PRUNED = "a pruner compares one value after each epoch, and several objectives have no such value: drop it"
LAST_ONLY = "with several metrics the values are the last epoch's, since none is the best in all of them: drop it"

_UNKILLED = "a remote worker is not killed, its lease ends when it is silent: drop it"
_IN_THE_SERVER = "the server itself chooses remote trials, and runs no submitted code; install a package that offers it"
NOT_REMOTE = {
    "trial_timeout": _UNKILLED,
    "trial_limit": _UNKILLED,
    "confirm": "only remote workers can train a trial again, and they train the search: drop it",
}
"""The keys of `search` that a study with remote workers does not have."""


def with_defaults(root: Group) -> Group:
    """Return the space with the defaults of several metrics: no pruner, and the last epoch's values.

    A cost as the only metric is the same after every epoch. Its training goes to the end.
    """
    if not _several(root):
        return _defaulted(root, "objective", "scope", Scope.LAST.value) if _is_cost(root) else root
    root = _defaulted(root, "search", "pruner", None)
    return _defaulted(root, "objective", "scope", Scope.LAST.value)


def _is_cost(root: Group) -> bool:
    section = root.entries.get("objective")
    return isinstance(section, Group) and _value(section, "metric") in COSTS


def _defaulted(root: Group, section: str, key: str, value: Any) -> Group:
    tree = root.entries.get(section)
    if tree is None or describe(tree) is None:
        tree = constant({})
    if not isinstance(tree, Group) or key in tree.entries:
        return root
    tree = dataclasses.replace(tree, entries={**tree.entries, key: constant(value)})
    return dataclasses.replace(root, entries={**root.entries, section: tree})


def faults(root: Group) -> Iterator[Fault]:
    """Yield contradictions in a space whose keys are all sound."""
    section = root.entries.get("objective")
    if not isinstance(section, Group):
        return
    yield from _metric_faults(section)
    yield from _direction_faults(section)
    if _value(section, "positive") is not None and (own := _trained_by(section)):
        message = f"objective.{own} gives its own metrics, of whatever class: drop it"
        yield Fault(section.keys["positive"], "objective.positive", message)
    if _trained_by(section) == "remote":
        yield from _faults_of_remote(root, section)
    for name, tree in _entries(section, "constraints").items():
        yield from _constraint_faults(name, tree)
    if _several(root):
        yield from _faults_of_several(root, section)


def _faults_of_remote(root: Group, section: Group) -> Iterator[Fault]:
    """Yield what remote workers and a run of this machine cannot have both."""
    if _value(section, "function") is not None:
        message = "remote workers and a function exclude each other: drop one"
        yield Fault(section.keys["function"], "objective.function", message)
    search = root.entries.get("search")
    if not isinstance(search, Group):
        return
    for key, message in NOT_REMOTE.items():
        if _value(search, key) is not None:
            yield Fault(search.keys[key], f"search.{key}", message)
    for kind in ("sampler", "pruner"):
        for path, name in codes(_value(search, kind), f"search.{kind}"):
            yield Fault(search.keys[kind], path, f"{name}: {_IN_THE_SERVER}")


def _trained_by(section: Group) -> str:
    """Return the key by which code of the user trains; empty if tuner trains."""
    if _value(section, "remote") is True:
        return "remote"
    return "function" if _value(section, "function") is not None else ""


def _metric_faults(section: Group) -> Iterator[Fault]:
    one, metrics = _value(section, "metric"), _value(section, "metrics")
    if one is not None and metrics is not None:
        yield Fault(section.keys["metrics"], "objective.metrics", "metric and metrics exclude each other: drop one")
    elif one is None and not metrics and (own := _trained_by(section)):
        message = "say by objective.metric which of the metrics that it reports counts"
        yield Fault(section.keys[own], f"objective.{own}", message)
    elif metrics == []:
        yield Fault(section.keys["metrics"], "objective.metrics", "name at least one metric")
    for i, name, place in _items(section, "metrics"):
        if not isinstance(name, str):
            yield Fault(place, f"objective.metrics.{i}", "must be the name of a metric")
        elif name in metrics[:i]:
            yield Fault(place, f"objective.metrics.{i}", f"{name} stands twice: name each metric once")


def _direction_faults(section: Group) -> Iterator[Fault]:
    metrics, directions = _value(section, "metrics"), _value(section, "directions")
    if metrics is not None and _value(section, "direction") is not None:
        message = "direction goes with metric; with metrics write directions, one each"
        yield Fault(section.keys["direction"], "objective.direction", message)
    if directions is None:
        return
    if metrics is None:
        message = "directions goes with metrics; with one metric write direction"
        yield Fault(section.keys["directions"], "objective.directions", message)
    elif len(metrics) != len(directions):
        message = f"{len(metrics)} metrics have {len(directions)} directions: give one each"
        yield Fault(section.keys["directions"], "objective.directions", message)
    for i, value, place in _items(section, "directions"):
        if not DIRECTION.takes(value):
            message = f"a direction is one of {listing(DIRECTION.words)}"
            yield Fault(place, f"objective.directions.{i}", message)


def _constraint_faults(name: str, tree: Tree) -> Iterator[Fault]:
    path = join("objective.constraints", name)
    if not isinstance(tree, Group) or not tree.entries:
        yield Fault(tree.place, path, "must be a mapping with min, max or both, such as {max: 50000}")
        return
    for key, place in tree.keys.items():
        if key not in ENDS:
            yield Fault(place, join(path, key), f"no such key{did_you_mean(key, ENDS)}: a constraint takes min and max")
        elif not BOUNDS.keys[key].takes(describe(tree.entries[key])):
            yield Fault(tree.entries[key].place, join(path, key), "must be a number")
    low, high = (_value(tree, key) for key in ENDS)
    if is_number(low) and is_number(high) and low > high:
        yield Fault(tree.place, path, f"min {low:g} is above max {high:g}: swap them")


def _faults_of_several(root: Group, section: Group) -> Iterator[Fault]:
    if _value(section, "scope") == Scope.BEST.value:
        yield Fault(section.entries["scope"].place, "objective.scope", LAST_ONLY)
    search = root.entries.get("search")
    if isinstance(search, Group) and _value(search, "pruner") is not None:
        yield Fault(search.keys["pruner"], "search.pruner", NOT_PRUNED)


def _several(root: Group) -> bool:
    section = root.entries.get("objective")
    metrics = _value(section, "metrics") if isinstance(section, Group) else None
    return isinstance(metrics, list) and len(metrics) > 1


def _value(section: Group, key: str) -> Any:
    """Return the plain value of a key; None if it is missing."""
    return describe(section.entries[key]) if key in section.entries else None


def _items(section: Group, key: str) -> Iterator[tuple[int, Any, Place]]:
    tree = section.entries.get(key, Fixed(None, section.place))
    if isinstance(tree, Items):
        yield from ((i, describe(item), item.place) for i, item in enumerate(tree.items))


def _entries(section: Group, key: str) -> Mapping[str, Tree]:
    tree = section.entries.get(key)
    return tree.entries if isinstance(tree, Group) else {}
