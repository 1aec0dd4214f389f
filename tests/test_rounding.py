from __future__ import annotations

import pytest

from tuner.rounding import rounded, value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.99653, "0.997"),
        (1.234e-5, "1.23e-05"),
        (48213.7, "48214"),
        (-2500.4, "-2500"),
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
