"""Known configs that a search runs first: `search.enqueue`, by parameter names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.errors import Fault, did_you_mean
from tuner.space.tree import Fixed, Group, Items, Row, Tree, describe, parameters
from tuner.space.yaml_writer import flow


def known_configs(root: Group) -> list[dict[str, Any]]:
    """Return one dict of parameter values per trial to run first."""
    configs: list[dict[str, Any]] = describe(_list(root))
    return configs


def faults(root: Group) -> Iterator[Fault]:
    """Yield faults of unknown names, and of values that their holes cannot take."""
    known = {row.name: row for row in parameters(root)}
    node = _list(root)
    if not isinstance(node, Items):
        yield Fault(node.place, "search.enqueue", "must be a list of mappings from parameter names to values")
        return
    for i, config in enumerate(node.items):
        path = f"search.enqueue.{i}"
        if isinstance(config, Group):
            yield from _config_faults(config, path, known)
        else:
            yield Fault(config.place, path, "must be a mapping from parameter names to values")


def _config_faults(config: Group, path: str, known: Mapping[str, Row]) -> Iterator[Fault]:
    for name, value in config.entries.items():
        if name not in known:
            hint = did_you_mean(name, known)
            yield Fault(config.keys[name], path, f"{name} is no parameter of this space{hint}")
        elif not isinstance(value, Fixed) or not known[name].hole.holds(value.value):
            shown, hole = flow(describe(value)), flow(describe(known[name].hole))
            yield Fault(value.place, path, f"{name} cannot be {shown}: it is {hole}")
        else:
            yield from _branch_faults(config, name, path, known[name])


def _branch_faults(config: Group, name: str, path: str, row: Row) -> Iterator[Fault]:
    """Yield a fault for a value in a branch that the same config does not choose."""
    for other, labels in row.when.items():
        chosen = config.entries.get(other)
        if isinstance(chosen, Fixed) and chosen.value not in labels:
            message = f"{name} is only there where {other} is {flow(labels[0])}, not {flow(chosen.value)}"
            yield Fault(config.keys[name], path, message)


def _list(root: Group) -> Tree:
    search = root.entries["search"]
    assert isinstance(search, Group)
    return search.entries["enqueue"]
