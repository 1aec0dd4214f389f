"""What the value of a key may be: rules for one value, and for all that a hole can give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tuner.config import is_whole
from tuner.errors import Place
from tuner.goal import Direction
from tuner.settings import Outside
from tuner.space.tree import Choice, Fixed, Float, Group, Int, Items, Ref, Repeat, Tree

Rule = Callable[[Any], bool]
LONGEST_NAME = 250


def is_number(value: Any) -> bool:
    """A number that is not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_rates(value: Any) -> bool:
    """Pairs of an epoch, rising from 1, and the learning rate from there on."""
    if not isinstance(value, list):
        return False
    pairs = [pair.items for pair in value if isinstance(pair, Items) and len(pair.items) == 2]
    epochs = [epoch.value for epoch, _ in pairs if isinstance(epoch, Fixed) and isinstance(epoch.value, int)]
    rates = [rate for _, rate in pairs if isinstance(rate, Fixed) and is_number(rate.value)]
    whole = len(pairs) == len(epochs) == len(rates) == len(value)
    return whole and epochs[:1] == [1] and epochs == sorted(set(epochs))


def is_text(value: Any) -> bool:
    """Text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def is_name(value: Any) -> bool:
    """A line of text that is not too long."""
    return is_text(value) and value.isprintable() and len(value) <= LONGEST_NAME


def is_direction(value: Any) -> bool:
    """Whether a value says which way a metric gets better."""
    return value in [item.value for item in Direction]


def is_own(value: Any) -> bool:
    """`file.py:name` or `package.module:name`."""
    return is_text(value) and all(value.rpartition(":"))


def is_part(value: Any) -> bool:
    """A share in (0, 1), or a number of rows."""
    return (is_whole(value) and value >= 1) or (isinstance(value, float) and 0 < value < 1)


def is_list(value: Any) -> bool:
    """A list, or a hole that gives one."""
    return isinstance(value, list)


def is_mapping(value: Any) -> bool:
    """A mapping."""
    return isinstance(value, dict)


def is_decay(value: Any) -> bool:
    """A number between 0 and 1."""
    return is_number(value) and 0 < value < 1


def is_positive(value: Any) -> bool:
    """A number above 0."""
    return is_number(value) and value > 0


def is_resources(value: Any) -> bool:
    """`cpu`, `gpu` or both, at least 0, and more than nothing."""
    return (
        isinstance(value, dict)
        and value.keys() <= {"cpu", "gpu"}
        and all(_each(lambda v: is_number(v) and v >= 0)(entry) for entry in value.values())
    )


def is_clip(value: Any) -> bool:
    """A positive number, or one under `norm` or `value`."""
    if isinstance(value, dict):
        return len(value) == 1 and value.keys() <= {"norm", "value"} and all(map(_each(is_positive), value.values()))
    return is_positive(value)


def is_early_stop(value: Any) -> bool:
    """`patience` in epochs and, if you like, `min_delta`."""
    rules = {"patience": _at_least(1), "min_delta": lambda v: is_number(v) and v >= 0}
    return _has(value, rules) and "patience" in value


def is_label(value: Any) -> bool:
    """Text, a number, or true or false: what a class may be called in a file of data."""
    return is_text(value) or is_number(value) or isinstance(value, bool)


def is_stop(value: Any) -> bool:
    """`target`, `patience` in trials, or both."""
    return _has(value, {"target": is_number, "patience": _at_least(1)}) and len(value) > 0


def is_confirm(value: Any) -> bool:
    """`top`, `seeds` and `splits`, as far as they are given."""
    return _has(value, {"top": _at_least(1), "seeds": _at_least(2), "splits": lambda v: isinstance(v, bool)})


def is_warm_start(value: Any) -> bool:
    """A known `study` or `file`, and what is said of it; which keys go together is checked elsewhere."""
    rules = {"study": is_name, "storage": is_text, "file": is_text, "top": _at_least(1), "outside": is_outside}
    return _has(value, rules) and len(value) > 0


def is_outside(value: Any) -> bool:
    """Whether a value says what is done with one that is outside of its hole."""
    return value in [item.value for item in Outside]


def _at_least(low: int) -> Rule:
    return lambda value: is_whole(value) and value >= low


def _has(value: Any, rules: Mapping[str, Rule]) -> bool:
    """A mapping with no other keys than those that have a rule, and values that keep to it."""
    return (
        isinstance(value, dict)
        and value.keys() <= rules.keys()
        and all(_each(rules[key])(entry) for key, entry in value.items())
    )


def _each(rule: Rule) -> Rule:
    """The rule for all that an entry of a mapping can give."""
    return lambda tree: all(rule(value) for _, value in extremes(tree))


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
