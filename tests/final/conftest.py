from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.final_runs import runs
from tests.support.resampled import few_resamples

__all__ = ["runs"]


@pytest.fixture(scope="package", autouse=True)
def _few_resamples() -> Iterator[None]:
    with few_resamples():
        yield
