"""What is wrong with a request is said in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.api_clients import answered, api, logged_in
from tuner.service.server_options import ServerOptions


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder: Path = tmp_path_factory.mktemp("invalid")
    with logged_in(ServerOptions(storage=f"sqlite:///{folder}/studies.db")) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"space": "x", "trails": 3}, "trails: there is no such field (did you mean trials?)"),
        ({}, "space: is missing; give it a value"),
        ({"space": "x" * 3_000_000}, "space: a space has at most 1 MiB; move data and code to files beside it"),
        ({"space": "x", "name": "n" * 201}, "name: must have at most 200 characters"),
        ({"space": "x", "trials": "many"}, "trials: must be a whole number, not 'many'"),
        ({"space": "x", "priority": 10}, "priority: must be at most 9, not 10"),
        ({"space": "x", "trials": 0}, "trials: must be at least 1, not 0"),
        ({"space": "x", "workers": 0}, "workers: must be at least 1, not 0, or must be 'auto'"),
        ({"space": 3}, "space: must be text"),
        ({"space": "x", "files": [1]}, "files: must be an object"),
        ([], "the body: must be an object"),
    ],
    ids=[
        "unknown",
        "missing",
        "long_space",
        "long",
        "parsing",
        "most",
        "least",
        "alternatives",
        "text",
        "object",
        "body",
    ],
)
def test_a_wrong_body_is_told_plainly(client: TestClient, body: Any, told: str) -> None:
    assert answered(client.post(api("/studies?build=false"), json=body), 422)["detail"] == told


def test_patterns_parts_and_broken_json_are_told_plainly(client: TestClient) -> None:
    dataset = answered(client.post(api("/datasets"), json={"name": "/", "files": {"a": "0" * 64}}), 422)
    epochs = {"attempt": 1, "epochs": [{"epoch": 1, "metrics": {"e": 1.0}, "epochs": 2}]}
    part = answered(client.post(api("/studies/x/trials/1/epochs"), json=epochs), 422)
    broken = client.post(api("/studies/x/suspend"), content=b"{", headers={"Content-Type": "application/json"})

    assert dataset["detail"] == "name: must fit the pattern ^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"
    assert part["detail"] == "epochs.0.epochs: there is no such field (did you mean epoch?)"
    assert answered(broken, 422)["detail"].startswith("the body: is not JSON")


def test_a_wrong_query_is_told_plainly(client: TestClient) -> None:
    told = answered(client.get(api("/studies?limit=many&state=asleep")), 422)["detail"]

    assert "limit: must be a whole number, not 'many'" in told
    assert "state.0: must be 'queued', 'starting'," in told


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/studies?limt=3", "limt: there is no such parameter (did you mean limit?)"),
        ("/jobs?a=1", "a: there is no such parameter; there are: state, study, limit, cursor"),
        ("/studies/none?x=1", "x: there is no such parameter; this route has none"),
        ("/studies/none/export?fromat=json", "fromat: there is no such parameter (did you mean format?)"),
        (
            "/studies/none/trials?state=nonsense",
            "state.0: must be 'complete', 'pruned', 'diverged', 'out of memory', 'timed out', 'failed', 'suspended' or"
            " 'lost', or must be 'waiting', 'running' or 'left running'",
        ),
    ],
    ids=["misspelt", "unknown", "none", "alias", "value"],
)
def test_a_parameter_of_an_address_that_would_be_ignored_is_refused(
    client: TestClient, address: str, told: str
) -> None:
    assert answered(client.get(api(address)), 422)["detail"] == told
