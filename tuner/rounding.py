"""Numbers as people read them: three significant digits in tables, sentences and pages. JSON keeps all digits."""

from __future__ import annotations

import json

DIGITS = 3

WHOLE_UP_TO = 1e6
"""Floats of at least four digits before the point, up to this one, keep all of those: 48213.7 is 48214."""


def rounded(value: float) -> str:
    """A float in three significant digits, such as 0.997, 1.5e-05 or 48214."""
    return f"{value:.0f}" if 1000 <= abs(value) < WHOLE_UP_TO else f"{value:.{DIGITS}g}"


def value_text(value: object) -> str:
    """A parameter's value as YAML writes it (`null`, `true`, text as it is), floats rounded."""
    if isinstance(value, float):
        return rounded(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)
