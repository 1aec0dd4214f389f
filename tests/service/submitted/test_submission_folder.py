"""The files of submissions: what stays in the folder of the service, and what does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.conftest import TINY
from tests.support.api_clients import answered, api, job_of, server_of, submit
from tests.support.asking import complete, opened
from tuner.service.access.roles import Principal
from tuner.service.submitted.space_policy import SpacePolicy
from tuner.service.submitted.submission_folder import submissions_in
from tuner.service.submitted.submissions import Submissions
from tuner.space import Space

NET = """\
from torch import nn

class Net(nn.Sequential):
    def __init__(self, in_features, out_features):
        super().__init__(nn.Flatten(), nn.Linear(in_features, out_features))
"""
OWN = TINY[: TINY.index("model:")] + "model: {type: net.py:Net}\noptimizer: {type: SGD, lr: {float: [0.01, 0.1]}}\n"


def test_what_is_checked_or_refused_leaves_no_files_behind(held: TestClient) -> None:
    refused = OWN.replace("net.py:Net", "../net.py:Net")
    answered(held.post(api("/check?build=false"), json={"space": OWN, "files": {"net.py": NET}}))
    answered(held.post(api("/check?build=false"), json={"space": refused}), 422)
    submit(held, OWN.replace("batch_size: 128", "path: /etc/passwd"), 422)
    submit(held, OWN, workers=99, status=422)

    assert list(submissions_in(server_of(held).database.home).iterdir()) == []

    submit(held, OWN, files={"net.py": NET})
    submit(held, OWN, 409, files={"net.py": NET + "#"})

    assert list(submissions_in(server_of(held).database.home).iterdir()) == [Path(job_of(held, "tiny").folder)]


def test_of_two_studies_of_a_name_at_once_the_refused_one_leaves_no_files(
    held: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(held, OWN, files={"net.py": NET})
    monkeypatch.setattr(Submissions, "is_new", lambda self, name: True)  # as before the other one was queued

    for net in (NET, NET + "#"):
        assert "submitted already" in submit(held, OWN, 409, files={"net.py": net})["detail"]

    assert list(submissions_in(server_of(held).database.home).iterdir()) == [Path(job_of(held, "tiny").folder)]


def test_equal_submissions_share_their_files(held: TestClient) -> None:
    submit(held, OWN, name="a", files={"net.py": NET})
    submit(held, OWN, name="b", files={"net.py": NET})

    assert job_of(held, "a").folder == job_of(held, "b").folder


def test_a_fork_is_checked_with_the_files_of_its_study(
    held: TestClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(held, OWN, files={"net.py": NET})
    complete(opened(url, OWN), 0.5)
    beside: list[list[str]] = []
    policy = SpacePolicy.check

    def noting(self: SpacePolicy, space: Space, user: Principal, files: Sequence[str]) -> None:
        beside.append(sorted(file.name for file in Path(space.base).iterdir()))
        policy(self, space, user, files)

    monkeypatch.setattr(SpacePolicy, "check", noting)

    found = answered(held.post(api("/check?build=false"), json={"space": OWN, "fork_of": "tiny", "name": "new"}))
    unknown = answered(held.post(api("/check?build=false"), json={"space": OWN, "fork_of": "none"}), 422)

    assert (found["study"], found["is_new"]) == ("new", True)
    assert unknown["detail"].startswith("fork_of: there is no study none")
    assert beside == [["net.py", "space.yaml"]]
