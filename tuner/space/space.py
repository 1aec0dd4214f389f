"""A search space: a config with holes, read from YAML, filled trial by trial, written back filled.

YAML text -> document (nodes with places) -> parse (holes) -> schema (sections) -> Space -> Config
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.config import Config, Folds
from tuner.errors import Fault, Place, SpaceError, UsageError
from tuner.goal import Objective
from tuner.settings import Provenance, Search, StudySettings
from tuner.space import edit, enqueue, objective_rules, repetition_rules, suggest, validation, yaml_document
from tuner.space.edit import Settings, pairs_of
from tuner.space.overrides import Given
from tuner.space.parse import Parser
from tuner.space.range_ends import with_ends
from tuner.space.references import reference_faults
from tuner.space.relation_rules import relation_faults, relations_of
from tuner.space.relations import Relation
from tuner.space.suggest import Suggester
from tuner.space.tree import (
    Choice,
    Fixed,
    Group,
    Items,
    Repeat,
    Row,
    Tree,
    children,
    describe,
    extremes,
    is_fixed,
    is_index,
    join,
    parameters,
    size,
)
from tuner.space.warm_start_keys import warm_start_faults

MOVABLE = ("data.root", "data.test_root", "data.download", "data.loader")
"""Where the data are and how they are read. These settings do not make another study."""


SPACES = "search_spaces"
"""The folder in which a bare file name is looked up if it is not here."""


@dataclass(frozen=True)
class Space:
    """A sound space: its text, and the tree of the text with every default in it.

    `file` is its name in messages, `base` the folder where its relative paths start. `given` are the values that
    replace some of the file's text. `fixed` are the sections that no trial changes, as plain values. So no trial walks
    a long list of first configs. `study`, `search`, `objective` and `provenance` read them once per space.
    `relations` are those of `search.where`, and of ranges that refer to other values. Every config keeps them.
    """

    text: str
    file: str
    base: str
    tree: Group
    given: Given
    fixed: Mapping[str, Any]
    relations: tuple[Relation, ...]

    @classmethod
    def load(cls, path: str | Path, settings: Settings = ()) -> Space:
        """Read a space file.

        Args:
            path: the file; a bare name that is not here is looked up in `search_spaces/`.
            settings: replace values of the file, holes included, by their paths.

        Raises:
            UsageError: the file cannot be read, or a setting has no place in it.
            SpaceError: its faults, all of them.
        """
        found = find(path)
        try:
            text = found.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UsageError(f"{found}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise UsageError(f"{found}: is not UTF-8 text") from None
        return cls.parse(text, file=str(found), base=found.parent.resolve(), settings=settings)

    @classmethod
    def parse(cls, text: str, file: str = "space", base: str | Path = ".", settings: Settings = ()) -> Space:
        """Read a space from its text.

        Args:
            text: YAML 1.2.
            file: what messages call it; its stem is the study's name when the text gives none.
            base: the folder from which relative paths start.
            settings: replace values of the text by their paths.

        Raises:
            UsageError: a setting has no place in the text.
            SpaceError: its faults, all of them.
        """
        text = filled = text.removeprefix("\ufeff")
        changes = pairs_of(settings)
        for path, value in changes:
            filled = edit.assign(filled, path, value, file)
        given = Given([path for path, _ in changes], text)
        try:
            tree = _tree(filled, file)
        except SpaceError as error:
            raise given.retold(error, filled) from None
        fixed = {section: describe(entry) for section, entry in tree.entries.items() if is_fixed(entry)}
        return cls(filled, file, str(Path(base).resolve()), tree, given, fixed, tuple(relations_of(tree)))

    def with_settings(self, settings: Settings) -> Space:
        """Return the space with values of its text replaced by their paths; itself where there is nothing to replace.

        Raises:
            UsageError: a setting has no place in the text.
            SpaceError: its faults, all of them.
        """
        changes = pairs_of(settings)
        return Space.parse(self.text, self.file, self.base, changes) if changes else self

    def resolve(self, trial: Suggester) -> Config:
        """Fill every hole by asking `trial`, and return the typed config."""
        return Config.of(self.fill(trial), self.base)

    def fill(self, trial: Suggester) -> dict[str, Any]:
        """Fill every hole by asking `trial`, and return the config as plain values with every default."""
        suggested = {
            section: self.fixed[section] if section in self.fixed else suggest.suggest(entry, section, trial)
            for section, entry in self.tree.entries.items()
        }
        return {
            section: value if section in self.fixed else suggest.dereference(value, suggested)
            for section, value in suggested.items()
        }

    def parameters(self) -> list[Row]:
        """Return every parameter that some trial may have, in the order of the file."""
        return list(parameters(self.tree))

    def size(self) -> float:
        """Return the number of different configs; infinity if a hole is continuous."""
        return size(self.tree)

    def node(self, path: str) -> Tree:
        """Return the tree at `path`, such as `data.transforms`; the path must not pass a choice."""
        return _node(self.tree, path)

    @functools.cached_property
    def objective(self) -> Objective:
        """The objective as the file states it."""
        return Objective.of(self.fixed["objective"])

    @functools.cached_property
    def study(self) -> StudySettings:
        """The study's name and seed."""
        return StudySettings.of(self.fixed["study"], default=Path(self.file).stem)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.name

    @functools.cached_property
    def search(self) -> Search:
        """The settings of the search."""
        return Search.of(self.fixed["search"])

    @functools.cached_property
    def folds(self) -> Folds | None:
        """The folds of the data; None without any, and where code of the user loads them."""
        return None if self.objective.own_training else Folds.of(describe(self.node("data.folds")))

    @functools.cached_property
    def provenance(self) -> Provenance:
        """The origin of an exported config; empty for any other space."""
        return Provenance.of(self.fixed["provenance"])

    def types(self, section: str) -> list[tuple[str, Any]]:
        """Return (path, name) of every class that a section, such as `model`, may have."""
        variants = validation.variants(self.node(section), section)
        groups = [(path, tree) for path, tree in variants if isinstance(tree, Group) and "type" in tree.entries]
        names = [(path, leaf) for path, tree in groups for _, leaf in validation.variants(tree.entries["type"], path)]
        return [(f"{path}.type", leaf.value) for path, leaf in names if isinstance(leaf, Fixed)]

    def highest(self, path: str) -> Any:
        """Return the largest value that `path`, such as `training.epochs`, can have."""
        section, key = path.split(".")
        variants = (tree for _, tree in validation.variants(self.tree.entries[section], section))
        trees = [tree.entries[key] for tree in variants if isinstance(tree, Group)]
        return max(value for tree in trees for _, value in extremes(tree))

    def place(self, path: str) -> Place:
        """Return the place in the text of a parameter path, or of the nearest thing to it."""
        tree: Tree = self.tree
        place = tree.place
        for part in path.split("."):
            if isinstance(tree, Choice):
                tree = next((branch.tree for branch in tree.branches if branch.label == part), tree)
            elif isinstance(tree, Group) and part in tree.entries:
                place = tree.keys.get(part, place)
                tree = tree.entries[part]
            elif isinstance(tree, Items) and is_index(part) and int(part) < len(tree.items):
                tree = tree.items[int(part)]
                place = tree.place
            elif isinstance(tree, Repeat):
                tree = tree.element
            else:
                break
        return place

    def faulty(self, faults: Iterable[tuple[str, str]]) -> SpaceError:
        """Return the error for (parameter path, message) pairs, each at its place in the file."""
        found = SpaceError(self.file, [Fault(self.place(path), path, message) for path, message in faults])
        return self.given.retold(found, self.text)

    def identity(self) -> dict[str, Any]:
        """Return the identity of a study: path to value or hole, without the search and the place of data."""
        apart = ("provenance", "study", "search")
        tree = {part: entry for part, entry in self.tree.entries.items() if part not in apart}
        tree["study"] = Group({"seed": _node(self.tree, "study.seed")}, {}, self.tree.place)
        flat = dict(_flat(Group(tree, {}, self.tree.place), ""))
        return {path: value for path, value in flat.items() if path not in MOVABLE}

    def enqueued(self) -> list[dict[str, Any]]:
        """Return the known parameters of `search.enqueue`, one dict per trial to run first."""
        return enqueue.known_configs(self.tree)


def find(path: str | Path) -> Path:
    """Return the file that a command names: itself, or the file of that name in `search_spaces/`.

    Raises:
        UsageError: neither exists.
    """
    path = Path(path)
    inside = Path(SPACES) / path
    if path.is_file():
        return path
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; give a YAML file")
    if path.parent == Path() and inside.is_file():
        return inside
    looked = f" and {inside} neither" if path.parent == Path() else ""
    raise UsageError(f"{path}: there is no such file{looked}")


def _tree(text: str, file: str) -> Group:
    root = yaml_document.read(text, file)
    if not isinstance(root, yaml_document.Table):
        raise SpaceError(
            file, [Fault(Place(1, 1), "", "a space is a mapping of sections: data, model, optimizer, ...")]
        )
    ruling = validation.sections(yaml_document.plain(root))
    parser = Parser(lambda path: validation.closed(path, ruling))
    sections = {name: parser.tree(node, name) for name, node in root.entries.items()}
    tree = with_ends(Group(sections, root.keys, root.span.place), parser.faults)
    broken = {fault.path for fault in parser.faults}
    found = [fault for fault in validation.section_faults(tree, ruling) if not _inside(fault.path, broken)]
    faults = parser.faults + found
    if not faults:
        faults = [*objective_rules.faults(tree), *repetition_rules.faults(tree)]
        tree = validation.complete(repetition_rules.with_defaults(objective_rules.with_defaults(tree)), ruling)
        faults += [*reference_faults(tree), *enqueue.faults(tree), *warm_start_faults(tree)]
        faults += relation_faults(tree, text)
    if faults:
        raise SpaceError(file, faults)
    return tree


def _inside(path: str, broken: set[str]) -> bool:
    return any(path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.") for other in broken)


def _node(tree: Tree, path: str) -> Tree:
    for part in path.split("."):
        assert isinstance(tree, Group), path
        tree = tree.entries[part]
    return tree


def _flat(tree: Tree, path: str) -> Iterator[tuple[str, Any]]:
    nested = list(children(tree))
    if not nested:
        yield path, describe(tree)
    for key, child in nested:
        yield from _flat(child, join(path, key))
