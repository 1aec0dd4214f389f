"""The sections of a space file: their keys, defaults, allowed values, and where no hole may stand."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.config import Direction, Loader, Precision, Scope
from tuner.errors import Fault, Place, did_you_mean, listing
from tuner.space.document import flow
from tuner.space.holes import Branch, Choice, Fixed, Float, Group, Int, Items, Ref, Repeat, Tree, join

Rule = Callable[[Any], bool]
_REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: `wants` completes the sentence `... must be`."""

    default: Any
    wants: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Section:
    """A top-level mapping.

    `open` takes any further key as an argument of the class that `type` names; `listed` may be a list
    of such mappings too.
    """

    keys: Mapping[str, Key]
    default: Any = _REQUIRED
    open: bool = False
    closed: str = ""
    listed: bool = False

    @property
    def required(self) -> bool:
        """Whether a file without it is no space."""
        return self.default is _REQUIRED


def is_number(value: Any) -> bool:
    """A number that is not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """A whole number that is not a boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def seconds(duration: Any) -> float | None:
    """Read `90`, `90s`, `10m`, `1h30m` or `2d` as seconds; None when it is nothing of the kind."""
    if is_number(duration):
        return float(duration) if duration > 0 else None
    match = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", str(duration).replace(" ", ""))
    if match is None or not any(match.groups()):
        return None
    total = sum(float(part or 0) * unit for part, unit in zip(match.groups(), (86400, 3600, 60, 1), strict=True))
    return total if total > 0 else None


def _either_none(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def _whole(default: int, low: int) -> Key:
    return Key(default, f"a whole number of at least {low}", lambda value: is_whole(value) and value >= low)


def _known(low: int) -> Key:
    return Key(None, f"a whole number of at least {low}", _either_none(lambda value: is_whole(value) and value >= low))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_name(value: Any) -> bool:
    return _is_text(value) and value.isprintable() and len(value) <= LONGEST_NAME


def is_direction(value: Any) -> bool:
    """Whether a value says which way a metric gets better."""
    return value in [item.value for item in Direction]


def _is_own(value: Any) -> bool:
    return _is_text(value) and all(value.rpartition(":"))


def _is_part(value: Any) -> bool:
    return (is_whole(value) and value >= 1) or (isinstance(value, float) and 0 < value < 1)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_decay(value: Any) -> bool:
    return is_number(value) and 0 < value < 1


def _is_positive(value: Any) -> bool:
    return is_number(value) and value > 0


def _is_clip(value: Any) -> bool:
    if isinstance(value, dict):
        return len(value) == 1 and value.keys() <= {"norm", "value"} and all(map(_each(_is_positive), value.values()))
    return _is_positive(value)


def _is_early_stop(value: Any) -> bool:
    rules = {"patience": lambda v: is_whole(v) and v >= 1, "min_delta": lambda v: is_number(v) and v >= 0}
    return (
        isinstance(value, dict)
        and "patience" in value
        and value.keys() <= rules.keys()
        and all(_each(rules[key])(entry) for key, entry in value.items())
    )


def _each(rule: Rule) -> Rule:
    """The rule for all that an entry of a mapping can give."""
    return lambda tree: all(rule(value) for _, value in extremes(tree))


def _one_of(default: str | None, kinds: type[enum.Enum]) -> Key:
    words = [kind.value for kind in kinds]
    return Key(default, " or ".join(words), lambda value: value in words or (value is None and default is None))


SPLITS = "it decides the splits, which all trials share"
LONGEST_NAME = 250
PART = "a share between 0 and 1, or a number of rows"
TYPE = Key(_REQUIRED, "the name of a class", _is_text)
OPEN = ("data.batch_size", "data.transforms", "data.tokenizer")
"""Where holes may stand, and inside of it, although the section is closed to them."""

SECTIONS: Mapping[str, Section] = {
    "provenance": Section(
        {"seed": _known(0), "epoch": _known(1), "threads": _known(1)},
        default=None,
        open=True,
        closed="it records where a config came from",
    ),
    "study": Section(
        {
            "name": Key(None, f"a name of at most {LONGEST_NAME} characters", _either_none(_is_name)),
            "seed": _whole(0, 0),
        },
        default={},
        closed="a study has one name and one seed",
    ),
    "search": Section(
        {
            "trials": _whole(20, 1),
            "timeout": Key(
                None, "a duration such as 90s, 10m or 1h30m", _either_none(lambda v: seconds(v) is not None)
            ),
            "sampler": Key({"type": "TPESampler"}, "an Optuna sampler", lambda value: True),
            "pruner": Key({"type": "HyperbandPruner"}, "an Optuna pruner", lambda value: True),
            "enqueue": Key([], "a list of mappings from parameter names to values", lambda value: True),
        },
        default={},
        closed="a search does not tune itself",
    ),
    "objective": Section(
        {
            "metric": Key(None, "the name of a metric", _either_none(_is_text)),
            "direction": Key(None, "minimize or maximize", _either_none(is_direction)),
            "metrics": Key(None, "a list of metrics", _either_none(lambda value: isinstance(value, list))),
            "directions": Key(None, "a list of directions", _either_none(lambda value: isinstance(value, list))),
            "scope": Key("best", "best or last", lambda value: value in [item.value for item in Scope]),
            "constraints": Key(
                None, "a mapping from metrics to {min, max}", _either_none(lambda value: isinstance(value, dict))
            ),
            "function": Key(None, "file.py:function or package.module:function", _either_none(_is_own)),
        },
        default={},
        closed="trials are compared by it",
    ),
    "data": Section(
        {
            "type": Key(_REQUIRED, "the name of a dataset", _is_text),
            "valid": Key(0.2, PART, _is_part),
            "test": Key(None, PART, _either_none(_is_part)),
            "batch_size": _whole(64, 1),
            "transforms": Key([], "a list of transforms of torchvision.transforms.v2", _is_list),
            "tokenizer": Key(
                None, "a mapping, such as {type: word, vocab: 10000, length: 128}", _either_none(_is_mapping)
            ),
            "loader": _one_of(None, Loader),
        },
        open=True,
        closed=SPLITS,
    ),
    "model": Section({"type": TYPE}, open=True),
    "loss": Section({"type": TYPE}, default=None, open=True),
    "optimizer": Section({"type": TYPE}, open=True),
    "scheduler": Section({"type": TYPE}, default=None, open=True, listed=True),
    "training": Section(
        {
            "epochs": _whole(10, 1),
            "accumulate": _whole(1, 1),
            "precision": _one_of("fp32", Precision),
            "clip": Key(None, "a norm above 0, {norm: ...} or {value: ...}", _either_none(_is_clip)),
            "ema": Key(None, "a decay between 0 and 1, such as 0.999", _either_none(_is_decay)),
            "early_stop": Key(None, "{patience: epochs, min_delta: a number}", _either_none(_is_early_stop)),
            "class_weights": Key(None, "balanced", _either_none(lambda value: value == "balanced")),
        },
        default={},
    ),
}

OWN_SECTIONS: Mapping[str, Section] = {
    **{name: SECTIONS[name] for name in ("provenance", "study", "search", "objective")},
    "training": Section({"epochs": SECTIONS["training"].keys["epochs"]}, default={}, open=True),
}
"""The sections beside a function of one's own: any other is the function's, and may hold anything."""

DEFAULT_PLACE = Place(1, 1)
"""Where a default is said to stand."""


def sections(document: Any) -> Mapping[str, Section]:
    """The sections that rule a document, given as plain values."""
    objective = document.get("objective")
    own = isinstance(objective, dict) and objective.get("function") is not None
    return OWN_SECTIONS if own else SECTIONS


def closed(path: str, ruling: Mapping[str, Section] = SECTIONS) -> str:
    """Why no hole may stand at `path`, or an empty string where one may."""
    section = ruling.get(path.partition(".")[0])
    inside = any(path == place or path.startswith(f"{place}.") for place in OPEN)
    return "" if section is None or inside else section.closed


def constant(value: Any) -> Tree:
    """The tree of a plain value without holes."""
    match value:
        case dict():
            entries = {key: constant(item) for key, item in value.items()}
            return Group(entries, dict.fromkeys(entries, DEFAULT_PLACE), DEFAULT_PLACE)
        case list():
            return Items(tuple(constant(item) for item in value), DEFAULT_PLACE)
        case _:
            return Fixed(value, DEFAULT_PLACE)


def variants(tree: Tree, path: str) -> Iterator[tuple[str, Tree]]:
    """The tree itself, or each branch of a choice, with the parameter path that names it."""
    if isinstance(tree, Choice):
        for branch in tree.branches:
            yield from variants(branch.tree, join(path, branch.label))
    else:
        yield path, tree


def complete(root: Group, ruling: Mapping[str, Section]) -> Group:
    """The space with every default in it: the ruling sections in their order, then those of one's own."""
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
    """Unknown and missing sections and keys, and values that a key cannot take."""
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
                    elif spec.default is _REQUIRED:
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
        if not key.rule(value):
            yield Fault(place, path, f"must be {key.wants}, not {_show(value)}")
            return


def extremes(tree: Tree) -> Iterator[tuple[Place, Any]]:
    """The values that stand for all that a tree can give: both ends of a range, every branch."""
    match tree:
        case Fixed(value, place):
            yield place, value
        case Float(low, high) | Int(low, high):
            yield tree.place, low
            yield tree.place, high
        case Choice(branches):
            for branch in branches:
                yield from extremes(branch.tree)
        case Items(items, place):
            yield place, list(items)
        case Group(entries, _, place):
            yield place, dict(entries)
        case Repeat():
            yield tree.place, [tree.element]
        case Ref():
            pass


def _show(value: Any) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return flow(value)
