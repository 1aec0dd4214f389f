"""The check that every `ref` leads to a value in every config of a space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from tuner.errors import Fault, did_you_mean
from tuner.space.tree import Choice, Float, Group, Int, Items, Ref, Repeat, Tree, is_index, join, lengths

Labels: TypeAlias = Mapping[str, object]
Site: TypeAlias = tuple[str, Ref, Labels]
"""A ref, its path in the resolved config, and the labels of the choices around it."""


def reference_faults(root: Tree) -> Iterator[Fault]:
    """Yield the refs without a target in some branch, and those that lead in a circle."""
    sites = list(_sites(root, "", {}))
    for path, ref, labels in sites:
        reason = _missing(root, "", ref.target.split("."), labels)
        if reason:
            yield Fault(ref.place, path, f"ref {ref.target}: {reason}")
        elif _circular(ref.target, sites, frozenset({path})):
            yield Fault(ref.place, path, f"ref {ref.target} leads back to itself")


def _sites(tree: Tree, path: str, labels: Labels) -> Iterator[Site]:
    match tree:
        case Ref():
            yield path, tree, labels
        case Float(ends=ends) | Int(ends=ends):
            yield from ((path, Ref(end, tree.place), labels) for end in (ends.low, ends.high) if end)
        case Group(entries):
            for key, entry in entries.items():
                yield from _sites(entry, join(path, key), labels)
        case Items(items):
            for i, item in enumerate(items):
                yield from _sites(item, join(path, i), labels)
        case Choice(branches):
            for branch in branches:
                yield from _sites(branch.tree, path, {**labels, path: branch.label})
        case Repeat(element, length):
            for i in range(max(lengths(length))):
                yield from _sites(element, join(path, i), labels)


def _missing(tree: Tree, path: str, parts: list[str], labels: Labels) -> str:
    """Return why `parts` leads nowhere from `tree` under the chosen `labels`; empty if it leads to a value."""
    if isinstance(tree, Choice):
        possible = [branch for branch in tree.branches if path not in labels or branch.label == labels[path]]
        reasons = (_missing(branch.tree, path, parts, labels) for branch in possible)
        return next((reason for reason in reasons if reason), "")
    if not parts:
        return ""
    head, *rest = parts
    inner = join(path, head)
    match tree:
        case Group(entries) if head in entries:
            return _missing(entries[head], inner, rest, labels)
        case Items(items) if is_index(head) and int(head) < len(items):
            return _missing(items[int(head)], inner, rest, labels)
        case Repeat(element, length) if is_index(head) and int(head) < min(lengths(length)):
            return _missing(element, inner, rest, labels)
        case Group(entries):
            return f"there is no {inner} in every branch{did_you_mean(head, entries)}"
        case _:
            return f"there is no {inner} in every branch"


def _circular(target: str, sites: list[Site], seen: frozenset[str]) -> bool:
    """Return whether following `target` returns to a ref that was followed before."""
    inside = [(path, ref) for path, ref, _ in sites if f"{path}.".startswith(f"{target}.")]
    return any(path in seen or _circular(ref.target, sites, seen | {path}) for path, ref in inside)
