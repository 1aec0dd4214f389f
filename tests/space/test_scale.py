"""Places of numbers on the scale of their range."""

from __future__ import annotations

import pytest

from tuner.space.scale import Scale


@pytest.mark.parametrize(
    ("scale", "value", "place"),
    [
        (Scale(2.0, 6.0, False), 3.0, 0.25),
        (Scale(1e-4, 1.0, True), 1e-3, 0.25),
        (Scale(3.0, 3.0, False), 3.0, 0.5),
        (Scale(3.0, 3.0, True), 3.0, 0.5),
    ],
    ids=["linear", "log", "one number", "one number, log"],
)
def test_a_number_and_its_place_lead_to_each_other(scale: Scale, value: float, place: float) -> None:
    assert scale.place(value) == pytest.approx(place)
    assert scale.value(place) == pytest.approx(value)
