"""The relations of a space, and their faults: unknown words and paths, and relations that never hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.errors import Fault, Place, did_you_mean
from tuner.runtime.kinds import is_number
from tuner.space.enqueue import known_configs
from tuner.space.numeric_leaves import Spans, leaves
from tuner.space.range_ends import has_ends
from tuner.space.relations import Look, Path, Relation, RelationFault, relation_of
from tuner.space.tree import Fixed, Float, Group, Int, Items, Tree, lookup


def relations_of(root: Group) -> Iterator[Relation]:
    """Yield the relations of a sound space: those of `search.where`, and those of ranges that refer."""
    for item in _items(root, "where"):
        if isinstance(item, Fixed):
            yield relation_of(str(item.value), item.place)
    yield from _of_ranges(root)


def _of_ranges(root: Group) -> Iterator[Relation]:
    for leaf in leaves(root) if has_ends(root) else ():
        if isinstance(leaf.hole, Float | Int):
            own, ends, place = Path(leaf.name, 0), leaf.hole.ends, leaf.hole.place
            if ends.low:
                yield Relation(f"{leaf.name} >= {ends.low}", place, (own, Path(ends.low, 0)), (">=",))
            if ends.high:
                yield Relation(f"{leaf.name} <= {ends.high}", place, (own, Path(ends.high, 0)), ("<=",))


def look_in(params: Mapping[str, Any], values: Mapping[str, Any]) -> Look:
    """Return the lookup of a config, by the names of its parameters and the paths of its values."""

    def look(path: str) -> float | None:
        try:
            value = params[path] if path in params else lookup(values, path)
        except (LookupError, TypeError):  # another branch, or a value that is no mapping
            return None
        return value if is_number(value) else None

    return look


def broken(relations: tuple[Relation, ...], params: Mapping[str, Any], values: Mapping[str, Any]) -> float:
    """Return 0 if a config keeps all relations, else the sum of their violations."""
    look = look_in(params, values)
    return sum(relation.violation(look) for relation in relations)


def relation_faults(root: Group, text: str) -> Iterator[Fault]:
    """Yield the faults of relations, and of enqueued configs that break one.

    Args:
        root: the space, with its defaults.
        text: of the file.
    """
    if not _items(root, "where") and not has_ends(root):
        return
    spans = Spans(root)
    sound: list[tuple[str, Relation]] = []
    for i, item in enumerate(_items(root, "where")):
        path = f"search.where.{i}"
        found = _read(item, path, text, spans)
        if isinstance(found, Relation):
            sound.append((path, found))
        else:
            yield found
    for path, relation in sound:
        if apart := next((paths for paths in relation.compared if not spans.meet(paths)), None):
            message = f"{relation.text} compares nothing: no config has all of {', '.join(dict.fromkeys(apart))}"
            yield Fault(relation.place, path, message)
        if why := spans.contradiction(relation, {}, present=True):
            yield Fault(relation.place, path, f"{relation.text} never holds: {why}")
    relations = [*(relation for _, relation in sound), *_of_ranges(root)]
    configs = known_configs(root) if relations else []
    for i, (config, item) in enumerate(zip(configs, _items(root, "enqueue"), strict=False)):
        for relation in relations:
            if isinstance(config, dict) and (why := spans.contradiction(relation, config)):
                yield Fault(item.place, f"search.enqueue.{i}", f"it breaks {relation.text}: {why}")


def _read(item: Tree, path: str, text: str, spans: Spans) -> Relation | Fault:
    """Return the relation of an entry, or its fault."""
    assert isinstance(item, Fixed), path
    words = str(item.value)
    try:
        relation = relation_of(words, item.place)
    except RelationFault as fault:
        return Fault(_inside(item.place, fault.at, text), path, fault.message)
    for each in relation.paths:
        if each.name not in spans:
            message = f"{each.name} is no number of this space{did_you_mean(each.name, spans)}"
            return Fault(_inside(item.place, each.at, text), path, message)
    return relation


def _inside(place: Place, at: int, text: str) -> Place:
    """Return the place of a character of a value, which may stand in quotes on its line."""
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    quoted = line[place.column - 1 : place.column] in ("'", '"')
    return Place(place.line, place.column + at + quoted)


def _items(root: Group, key: str) -> tuple[Tree, ...]:
    search = root.entries["search"]
    listed = search.entries.get(key) if isinstance(search, Group) else None
    return listed.items if isinstance(listed, Items) else ()
