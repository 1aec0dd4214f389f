"""A key's schema and its check come from one object: of any value they say the same, however the key is worded."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tests.support.reworded import reworded, without_words
from tuner.errors import SpaceError
from tuner.runtime import kinds
from tuner.runtime.kinds import Kind
from tuner.schema import fragments, from_keys
from tuner.space import Space, nested_kinds, validation
from tuner.space.key import REQUIRED, Key
from tuner.space.sections import SECTIONS
from tuner.space.tree import extremes

KEYS = {f"{name}.{key}": spec for name, section in SECTIONS.items() for key, spec in section.keys.items()}
LATER = {"search.sampler", "search.pruner", "search.enqueue"}
"""Keys that a later check judges."""

CONTENTS = {"objective.metrics", "objective.directions", "objective.constraints"}
"""Keys whose contents a later check judges."""

RISING = "provenance.rates"
"""Its epochs rise, which a JSON Schema cannot say."""

PARTS = {"data.transforms", "data.tokenizer"}
"""Keys that hold classes, whose definitions stand in the whole schema."""

WORDS = [
    "best",
    "last",
    "maximize",
    "stream",
    "fp16",
    "balanced",
    "90s",
    "1h30m",
    "soon",
    "train.py:fit",
    "a b",
    " ",
    "",
]
NAMES = ["patience", "min_delta", "norm", "value", "cpu", "gpu", "target", "top", "seeds", "splits", "other"]
SCALARS = st.none() | st.booleans() | st.integers(-3, 300) | st.floats(-3, 3).filter(lambda x: not x.is_integer())
PLAIN = SCALARS | st.sampled_from(WORDS)
PAIRS = st.lists(st.lists(st.integers(0, 3) | st.floats(0.1, 0.9), max_size=3), max_size=1)
VALUES: st.SearchStrategy[Any] = PLAIN | PAIRS | st.dictionaries(st.sampled_from(NAMES), SCALARS, max_size=2)


def takes(key: Key, value: Any) -> bool:
    return all(key.takes(one) for _, one in extremes(validation.constant(value)))


def validator_of(key: Key) -> Draft7Validator:
    return Draft7Validator({**from_keys.shape_of(key, holes=False), "definitions": fragments.definitions()})


@pytest.mark.parametrize("path", sorted(KEYS.keys() - LATER - PARTS))
def test_a_schema_says_what_the_check_says(path: str) -> None:
    validator = validator_of(KEYS[path])

    @settings(max_examples=40)  # of each key; many keys are of one kind
    @given(VALUES)
    @example({"norm": 1, "value": 1})
    @example({"patience": 2, "min_delta": 0.5})
    @example({"min_delta": 0.5})
    @example({})
    @example([])
    @example([[1, 0.1]])
    @example("x" * 250)
    @example("x" * 251)
    def agrees(value: Any) -> None:
        if path in CONTENTS and isinstance(value, list | dict) and value:
            return
        said, taken = validator.is_valid(value), takes(KEYS[path], value)
        shown = f"{path}: {value!r}, {json.dumps(validator.schema)[:500]}"
        assert said or not taken, shown
        assert taken or not said or path == RISING, shown

    agrees()


def near(bound: float) -> Iterator[float]:
    yield from (bound, math.nextafter(bound, math.inf), math.nextafter(bound, -math.inf), bound + 0.25, bound - 0.25)


def edges(kind: Kind | Key, around: Callable[[Any], Any] = lambda value: value) -> Iterator[Any]:
    """Values at each bound of a kind, just inside and just outside of it; `around` puts them in their mapping."""
    match kind:
        case Key():
            yield from edges(kind.kind, around)
        case kinds.Either(several):
            for one in several:
                yield from edges(one, around)
        case kinds.Whole(minimum):
            yield from map(around, (minimum - 1, minimum, minimum + 1, *near(minimum)))
        case kinds.Number(minimum, above, below):
            for bound in (minimum, above, below):
                yield from () if bound is None else map(around, near(bound))
        case nested_kinds.Duration():
            yield from map(around, near(0))
        case nested_kinds.Entries(keys):
            for name, entry in keys.items():
                beside = {other: 1 for other in kind.required if other != name}
                # mypy infers no default of a lambda
                yield from edges(entry, lambda value, name=name, beside=beside: around({**beside, name: value}))  # type: ignore[misc]


@pytest.mark.parametrize("path", sorted(path for path, key in KEYS.items() if any(True for _ in edges(key))))
def test_a_bound_of_the_schema_is_the_bound_of_the_check(path: str) -> None:
    section, name = path.split(".")
    sound = {"data": {"type": "digits"}, "model": {"type": "MLP"}, "optimizer": {"type": "SGD"}}
    validator = validator_of(KEYS[path])
    answers = set()

    for value in edges(KEYS[path]):
        text = json.dumps({**sound, section: {**sound.get(section, {}), name: value}})
        whole = isinstance(value, float) and value.is_integer()
        if not whole:  # JSON has one kind of number: to it 1.0 is a whole one
            refused = [fault for fault in faults(text) if fault == path]
            assert validator.is_valid(value) == (not refused), value
            answers.add(bool(refused))

    assert answers == {True, False}


def faults(text: str) -> list[str]:
    """The paths of values that a key cannot have."""
    try:
        Space.parse(text)
    except SpaceError as error:
        return [fault.path for fault in error.faults if fault.message.startswith("must be")]
    return []


@pytest.mark.parametrize("path", sorted(KEYS))
@pytest.mark.parametrize("holes", [False, True], ids=["plain", "holes"])
def test_other_words_leave_type_bounds_and_default(path: str, holes: bool) -> None:
    other = from_keys.shape_of(reworded(KEYS[path]), holes)

    assert without_words(other) == without_words(from_keys.shape_of(KEYS[path], holes))
    assert other["description"] == "Another meaning. Another wording."


def test_adding_a_key_is_one_object() -> None:
    key = Key(kinds.Whole(3), 7, "How many of them.")

    shape = from_keys.shape_of(key, holes=False)

    assert shape == {
        "type": "integer",
        "minimum": 3,
        "description": "How many of them. A whole number of at least 3.",
        "default": 7,
    }
    assert (key.takes(3), key.takes(2)) == (True, False)


def test_holes_stand_where_the_language_has_them() -> None:
    epochs = from_keys.shape_of(KEYS["training.epochs"], holes=True)
    validator = Draft7Validator({**epochs, "definitions": fragments.definitions()})

    assert validator.is_valid({"int": [1, 3]})
    assert validator.is_valid({"choice": [1, 3]})
    assert not validator.is_valid({"float": [1, 3]})
    assert not validator.is_valid({"ref": "optimizer.lr"})
    assert not validator.is_valid({"choice": [0, "x"]})


def test_a_key_is_described_by_the_sentence_that_refuses_its_values() -> None:
    shape = from_keys.shape_of(KEYS["search.trials"], holes=False)

    assert shape["description"].endswith(" A whole number of at least 1.")
    assert shape["default"] == 20


def test_every_key_says_what_it_is_for() -> None:
    nested = [entry for key in KEYS.values() for entry in entries(key.kind)]

    assert [path for path, key in KEYS.items() if not key.meaning and key is not SECTIONS["model"].keys["type"]] == []
    assert all(key.meaning for key in nested)
    assert any(key.default is REQUIRED for key in nested)


def entries(kind: Any) -> Iterator[Key]:
    """The keys of mappings inside a kind."""
    match kind:
        case nested_kinds.Entries(keys):
            yield from keys.values()
        case _:
            inner = [getattr(kind, field.name) for field in dataclasses.fields(kind)]
            for one in (part for value in inner for part in (value if isinstance(value, tuple) else (value,))):
                if dataclasses.is_dataclass(one):
                    yield from entries(one)
