"""Numbers for readers: three significant digits in tables, sentences and pages. JSON keeps all digits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

DIGITS = 3

WHOLE_FROM, WHOLE_UP_TO = 999.5, 1e6
"""Floats in this range keep all digits before the point: 48213.7 is 48214."""


def rounded(value: float) -> str:
    """Return a float with three significant digits, such as 0.997, 1.5e-05 or 48214."""
    return f"{value:.0f}" if WHOLE_FROM <= abs(value) < WHOLE_UP_TO else f"{value:.{DIGITS}g}"


def amount(count: int, noun: str) -> str:
    """Return a count with its noun: `1 trial`, `2 trials`."""
    return f"{count} {noun}{'s' * (count != 1)}"


def json_text(value: Any, indent: int | None = None) -> str:
    """Return strict JSON, with null for NaN and infinities."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except (TypeError, ValueError):  # it has another mapping than a dict, or a number that is not finite
        return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def value_text(value: object) -> str:
    """Return a parameter's value as YAML writes it (`null`, `true`, plain text), floats rounded."""
    if isinstance(value, float):
        return rounded(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)
