"""A key's schema, found out by asking its rule, must say of any value what the rule says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tuner.schema import fragments, from_validators
from tuner.space import validation
from tuner.space.sections import SECTIONS, Key
from tuner.space.validators import extremes

KEYS = {f"{name}.{key}": spec for name, section in SECTIONS.items() for key, spec in section.keys.items()}
LOOSE = {"search.sampler", "search.pruner", "search.enqueue"}
"""Keys whose rule takes anything: what they hold is checked elsewhere."""

WORDS = ["best", "last", "maximize", "stream", "fp16", "balanced", "90s", "1h30m", "soon", "train.py:fit", "a b", ""]
NAMES = ["patience", "min_delta", "norm", "value", "cpu", "gpu", "target", "top", "seeds", "splits", "other"]
SCALARS = st.none() | st.booleans() | st.integers(-3, 300) | st.floats(-3, 3).filter(lambda x: not x.is_integer())
PLAIN = SCALARS | st.sampled_from(WORDS)
VALUES: st.SearchStrategy[Any] = PLAIN | st.just([]) | st.dictionaries(st.sampled_from(NAMES), SCALARS, max_size=2)


def takes(key: Key, value: Any) -> bool:
    return all(key.rule(one) for _, one in extremes(validation.constant(value)))


@pytest.mark.parametrize("path", sorted(KEYS.keys() - LOOSE))
def test_a_schema_says_what_its_rule_says(path: str) -> None:
    whole = {**from_validators.shape_of(KEYS[path], holes=False), "definitions": fragments.definitions()}
    validator = Draft7Validator(whole)

    @given(VALUES)
    @example({"norm": 1, "value": 1})
    @example({"patience": 2, "min_delta": 0.5})
    @example({})
    def agrees(value: Any) -> None:
        assert validator.is_valid(value) == takes(KEYS[path], value), f"{path}: {value!r}, {json.dumps(whole)[:500]}"

    agrees()


def test_holes_stand_where_the_language_has_them() -> None:
    epochs = from_validators.shape_of(KEYS["training.epochs"], holes=True)
    validator = Draft7Validator({**epochs, "definitions": fragments.definitions()})

    assert validator.is_valid({"int": [1, 3]})
    assert validator.is_valid({"choice": [1, 3]})
    assert not validator.is_valid({"float": [1, 3]})
    assert not validator.is_valid({"ref": "optimizer.lr"})
    assert not validator.is_valid({"choice": [0, "x"]})


def test_a_key_is_described_by_the_sentence_that_refuses_its_values() -> None:
    shape = from_validators.shape_of(KEYS["search.trials"], holes=False)

    assert shape["description"] == "A whole number of at least 1."
    assert shape["default"] == 20
