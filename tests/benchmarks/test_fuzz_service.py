"""Random requests to every route; `python -m benchmarks.fuzz_service` sends ten thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fuzz_service


@pytest.mark.slow
@pytest.mark.parametrize("has_login", [False, True], ids=["without a login", "as an admin"])
def test_random_requests_are_answered_without_a_fault(tmp_path: Path, has_login: bool) -> None:
    with fuzz_service.served(tmp_path) as (address, token):
        told = fuzz_service.fuzz(address, token if has_login else None, calls=600)

    assert told.calls >= 600
    assert told.faults == []
    assert "Traceback" not in (tmp_path / "server.log").read_text()
