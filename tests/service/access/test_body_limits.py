"""How large a request may be, by its route."""

from __future__ import annotations

import pytest

from tuner.service.access.body_limits import MEBI, USUAL, limit_of


@pytest.mark.parametrize(
    ("method", "path", "least"),
    [
        ("POST", "/api/v1/studies", 64),
        ("POST", "/api/v1/check", 64),
        ("POST", "/api/v1/studies/a/fork", 64),
        ("POST", "/api/v1/models/3/predict", 64),
        ("POST", "/api/v1/uploads/missing", 64),
        ("POST", "/api/v1/datasets", 64),
        ("PUT", "/api/v1/uploads/0123", 4096),
        ("PUT", "/api/v1/studies/a/trials/0/checkpoint", 128),
    ],
)
def test_routes_that_take_files_take_large_requests(method: str, path: str, least: int) -> None:
    assert limit_of(method, path) >= least * MEBI


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/v1/studies/a/suspend", "/api/v1/studies/a/b/fork", "/"])
def test_any_other_request_is_small(path: str) -> None:
    assert limit_of("POST", path) == USUAL
