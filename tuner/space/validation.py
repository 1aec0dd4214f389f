"""The check of sections and keys, and the space with every default in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.errors import Fault, Place, did_you_mean, listing
from tuner.space.key import REQUIRED, Key, Section
from tuner.space.sections import OWN_SECTIONS, SECTIONS
from tuner.space.tree import Branch, Choice, Fixed, Group, Items, Ref, Tree, describe, extremes, join
from tuner.space.yaml_writer import flow

DEFAULT_PLACE = Place(1, 1)
"""The place of a default."""


def sections(document: Any) -> Mapping[str, Section]:
    """Return the sections that apply to a document, given as plain values."""
    objective = document.get("objective")
    own = isinstance(objective, dict) and (objective.get("function") is not None or objective.get("remote") is True)
    return OWN_SECTIONS if own else SECTIONS


def closed(path: str, ruling: Mapping[str, Section] = SECTIONS) -> str:
    """Return why no hole may stand at `path`; empty if one may."""
    name, _, inside = path.partition(".")
    if (section := ruling.get(name)) is None:
        return ""
    key = section.keys.get(inside.partition(".")[0])
    if key is None:
        return section.closed
    return "" if key.tuned else key.closed or section.closed


def constant(value: Any) -> Tree:
    """Return the tree of a plain value without holes."""
    match value:
        case dict():
            entries = {key: constant(item) for key, item in value.items()}
            return Group(entries, dict.fromkeys(entries, DEFAULT_PLACE), DEFAULT_PLACE)
        case list():
            return Items(tuple(constant(item) for item in value), DEFAULT_PLACE)
        case _:
            return Fixed(value, DEFAULT_PLACE)


def variants(tree: Tree, path: str) -> Iterator[tuple[str, Tree]]:
    """Yield the tree itself, or each branch of a choice, with the parameter path that names it."""
    if isinstance(tree, Choice):
        for branch in tree.branches:
            yield from variants(branch.tree, join(path, branch.label))
    else:
        yield path, tree


def complete(root: Group, ruling: Mapping[str, Section]) -> Group:
    """Return the space with every default: the known sections in order, then those of the user."""
    entries: dict[str, Tree] = {}
    for name, section in ruling.items():
        tree = root.entries.get(name)
        if tree is None or (isinstance(tree, Fixed) and tree.value is None and section.default == {}):
            tree = constant(section.default)
        entries[name] = _with_defaults(tree, section)
    return Group({**root.entries, **entries} if ruling is OWN_SECTIONS else entries, root.keys, root.place)


def _with_defaults(tree: Tree, section: Section) -> Tree:
    if isinstance(tree, Choice):
        branches = (Branch(branch.label, _with_defaults(branch.tree, section)) for branch in tree.branches)
        return Choice(tuple(branches), tree.place)
    if not isinstance(tree, Group):
        return tree
    missing = {key: constant(spec.default) for key, spec in section.keys.items() if key not in tree.entries}
    return Group({**tree.entries, **missing}, tree.keys, tree.place)


def section_faults(root: Group, ruling: Mapping[str, Section]) -> Iterator[Fault]:
    """Yield unknown and missing sections and keys, and values that a key does not take."""
    for name, place in root.keys.items():
        if name not in SECTIONS and ruling is SECTIONS:
            known = listing(SECTIONS)
            yield Fault(place, name, f"no such section{did_you_mean(name, SECTIONS)}: a space has {known}")
    for name, section in ruling.items():
        if name in root.entries:
            yield from _in_section(root.entries[name], name, name, section)
        elif section.required:
            yield Fault(root.place, name, f"the section is missing: a space needs {listing(_required())}")


def _required() -> list[str]:
    return [name for name, section in SECTIONS.items() if section.required]


def _in_section(tree: Tree, at: str, name: str, section: Section) -> Iterator[Fault]:
    for path, variant in variants(tree, at):
        match variant:
            case Group(entries, keys):
                for key, spec in section.keys.items():
                    if key in entries:
                        yield from _value_faults(entries[key], join(path, key), spec)
                    elif spec.default is REQUIRED:
                        yield Fault(variant.place, path, f"{key} is missing: {spec.wants}")
                for key in entries:
                    if key not in section.keys and not section.open:
                        known = f"{did_you_mean(key, section.keys)}: {name} takes {listing(section.keys)}"
                        yield Fault(keys[key], join(path, key), f"no such key{known}")
            case Fixed(None) if section.default is None or section.default == {}:
                pass
            case Items(items) if section.listed:
                for i, item in enumerate(items):
                    yield from _in_section(item, join(path, i), name, section)
            case _:
                yield Fault(variant.place, path, "this section is a mapping, such as " + _example(name))


def _example(name: str) -> str:
    return {"data": "{type: digits}", "model": "{type: CNN}", "optimizer": "{type: AdamW}"}.get(
        name, f"{{{next(iter(SECTIONS[name].keys), 'study')}: ...}}"
    )


def _value_faults(tree: Tree, path: str, key: Key) -> Iterator[Fault]:
    if isinstance(tree, Ref):
        yield Fault(tree.place, path, f"must be {key.wants} or a hole of such, not a ref")
    for place, value in extremes(tree):
        if not key.takes(value):
            yield Fault(place, path, f"must be {key.wants}, not {_show(value)}")
            return


def _show(value: Any) -> str:
    """Return a value as the file has it; entries of mappings and lists may still be trees."""
    if isinstance(value, list):
        return flow([_plain(item) for item in value])
    return flow({key: _plain(entry) for key, entry in value.items()} if isinstance(value, dict) else value)


def _plain(item: Any) -> Any:
    return describe(item) if isinstance(item, Tree) else item
