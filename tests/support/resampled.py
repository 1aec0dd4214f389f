"""Final training with fewer resamples of its rows, where a test is not about the intervals of scores."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

FEW = 40
"""Resamples of a test, in place of 400, which take as long as a test's training."""


@contextlib.contextmanager
def few_resamples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tuner.final.score_intervals.RESAMPLES", FEW)
        yield
