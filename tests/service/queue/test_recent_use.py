from __future__ import annotations

import numpy as np
import pytest

from tuner.service.queue.recent_use import HALF_LIFE, Use, usage


def test_use_decays_by_its_half_life() -> None:
    brief = Use("ann", 0.5, 0.0, 10.0)

    fresh, later = usage([brief], 10.0)["ann"], usage([brief], 10.0 + HALF_LIFE)["ann"]

    assert fresh == pytest.approx(5.0, rel=1e-3)
    assert later == pytest.approx(fresh / 2)


def test_a_long_use_is_the_sum_of_its_seconds() -> None:
    now, ends = 5 * HALF_LIFE, np.arange(0.0, 3 * HALF_LIFE, 10.0)

    summed = (10 * 0.25 * 2.0 ** (-(now - ends - 5) / HALF_LIFE)).sum()

    assert usage([Use("ann", 0.25, 0.0, 3 * HALF_LIFE)], now)["ann"] == pytest.approx(summed, rel=1e-3)


def test_what_lies_after_now_does_not_count() -> None:
    assert usage([Use("ann", 1.0, 50.0, 90.0)], 20.0)["ann"] == 0.0
