from __future__ import annotations

import json
import math

import pytest

from tuner.runtime.rounding import amount, json_text, rounded, value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.99653, "0.997"),
        (1.234e-5, "1.23e-05"),
        (48213.7, "48214"),
        (-2500.4, "-2500"),
        (999.96, "1000"),
        (-999.6, "-1000"),
        (999.4, "999"),
        (1.7e9, "1.7e+09"),
        (0.0, "0"),
        (float("nan"), "nan"),
    ],
)
def test_floats_have_three_significant_digits_or_their_whole_part(value: float, text: str) -> None:
    assert rounded(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), ("SGD", "SGD"), (64, "64"), (0.00123456, "0.00123"), ([64, 32], "[64, 32]")],
)
def test_values_are_written_as_in_yaml(value: object, text: str) -> None:
    assert value_text(value) == text


def test_one_thing_is_not_several() -> None:
    assert [amount(count, "trial") for count in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]


def test_json_for_other_programs_has_no_word_that_is_not_json() -> None:
    text = json_text({"value": math.inf, "history": {"loss": [1.5, math.nan, (-math.inf,)]}, "state": "complete"})

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert json.loads(text, parse_constant=refuse) == {
        "value": None,
        "history": {"loss": [1.5, None, [None]]},
        "state": "complete",
    }
