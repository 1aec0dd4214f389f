"""Every route for every user: the table says the least role, and the routes come from the OpenAPI document."""

from __future__ import annotations

import enum
import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.api_clients import bearer, serve_here, with_token
from tests.support.remote_jobs import submitted
from tuner.service.access import throttle
from tuner.service.access.accounts import Accounts
from tuner.service.access.credentials import Credential
from tuner.service.access.roles import Role
from tuner.service.app import create_app
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.slots import Slots
from tuner.service.server_options import ServerOptions

DOCUMENT = create_app(ServerOptions()).openapi()
STUDY = "far"
MODEL = 2
"""The job that trains a model of the study; it never has enough cores."""
DIGEST = hashlib.sha256(b"{}").hexdigest()
"""The digest of the body that requests have."""


class Least(enum.Enum):
    """Who may call a route, at least. An owner is a member whose study it is; SELF is the user whom the path names."""

    ANYBODY = enum.auto()
    VIEWER = enum.auto()
    MEMBER = enum.auto()
    OWNER = enum.auto()
    SELF = enum.auto()
    ADMIN = enum.auto()


LEAST = {
    Least.ANYBODY: "healthz readyz log_in",
    Least.VIEWER: "metrics list_studies get_study get_course list_trials get_trial get_log get_report get_comparison "
    "export_config get_plot get_importances get_snapshot follow_events follow_study list_models get_model "
    "download_model download_model_file list_jobs get_job predict me log_out list_datasets get_dataset",
    Least.MEMBER: "check_space submit_study fork_study list_webhooks add_webhook remove_webhook list_deliveries "
    "add_dataset missing_contents upload_content",
    Least.OWNER: "change_study suspend_study resume_study cancel_study confirm_study train_model delete_study "
    "cancel_job stop_trial ignore_trial retry_trial ask report complete fail release saveCheckpoint loadCheckpoint "
    "delete_dataset delete_model retry_failed",
    Least.SELF: "list_tokens add_token revoke_token",
    Least.ADMIN: "list_users add_user change_user remove_user audit",
}
"""The least role of each route, by its operation. A new route needs its place here."""

BODIES: Mapping[str, object] = {
    "ask": {"worker": "w"},
    "report": {"attempt": 1, "epochs": [{"epoch": 1, "metrics": {"error": 1.0}}]},
    "complete": {"attempt": 1},
    "fail": {"attempt": 1, "cause": "x"},
    "release": {"attempt": 1},
    "change_study": {"priority": 1},
}
"""Sound bodies of routes that look at them before they look at the owner."""

ENDLESS = {"follow_events", "follow_study"}
"""Routes whose answers do not end."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the document."""

    operation: str
    method: str
    path: str
    facts: Mapping[str, Any]

    @property
    def least(self) -> Least:
        """The least role; without a place in the table there is none."""
        return next(least for least, names in LEAST.items() if self.operation in names.split())

    def call(self, client: TestClient, headers: Mapping[str, str]) -> int:
        """Call it, and return the status."""
        values: dict[str, object] = {"number": 0, "name": "none", "kind": "history", "token": "none", "digest": DIGEST}
        match self.least:
            case Least.OWNER:
                values["name"] = STUDY
            case Least.SELF:
                values["name"] = "owner"
        parameters = self.facts.get("parameters", [])
        if self.path.startswith("/api/v1/models/"):
            values["id"] = MODEL
        named = [each["name"] for each in parameters if each["in"] == "path"]
        address = self.path.format(**{name: values.get(name, 1) for name in named})
        body = BODIES.get(self.operation, {}) if "requestBody" in self.facts else None
        queried: dict[str, str | int] = {"attempt": 1, "study": "none"}
        known = {each["name"] for each in parameters if each["in"] == "query"}
        params = {name: value for name, value in queried.items() if name in known}
        return client.request(self.method, address, json=body, params=params, headers=headers).status_code


ROUTES = [
    Route(facts["operationId"], method, path, facts)
    for path, methods in DOCUMENT["paths"].items()
    for method, facts in methods.items()
]
EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=[route.operation for route in ROUTES])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("roles")


@pytest.fixture(scope="module")
def users(folder: Path) -> dict[str, dict[str, str]]:
    """The header of each kind of user."""
    url = f"sqlite:///{folder}/studies.db"
    headers = {
        "admin": with_token(url, "admin", Role.ADMIN),
        "owner": with_token(url, "owner"),
        "other": with_token(url, "other"),
        "viewer": with_token(url, "viewer", Role.VIEWER),
        "expired": with_token(url, "expired", Role.ADMIN, time.time() - 1),
        "wrong": bearer(Credential.new()),
        "nobody": {},
    }
    accounts = Accounts(Database(url))
    revoked, _ = accounts.issue("admin")
    accounts.revoke(revoked.id)
    submitted(folder, name=STUDY, owner="owner")
    model = Submission(JobKind.TRAIN, STUDY, "owner", Slots(1000))
    assert Jobs(Database(url)).submit(model).id == MODEL
    return {**headers, "revoked": bearer(revoked)}


@pytest.fixture(scope="module")
def client(folder: Path, users: dict[str, dict[str, str]]) -> Iterator[TestClient]:
    with (
        pytest.MonkeyPatch.context() as patch,
        serve_here(ServerOptions(storage=f"sqlite:///{folder}/studies.db")) as it,
    ):
        patch.setattr(throttle, "FREE_FAILURES", 10_000)  # more wrong tokens come from here than from people
        asked = it.post(f"/api/v1/studies/{STUDY}/ask", json={"worker": "w"}, headers=users["owner"])
        it.put(f"/api/v1/uploads/{DIGEST}", content=b"{}", headers=users["owner"])
        named = {"name": STUDY, "files": {"a": DIGEST}}
        added = it.post("/api/v1/datasets", json=named, headers=users["owner"])
        assert (asked.status_code, added.status_code) == (200, 201)
        yield it


ALLOWED = {
    Least.ANYBODY: {"nobody", "viewer", "other", "owner", "admin"},
    Least.VIEWER: {"viewer", "other", "owner", "admin"},
    Least.MEMBER: {"other", "owner", "admin"},
    Least.OWNER: {"owner", "admin"},
    Least.SELF: {"owner", "admin"},
    Least.ADMIN: {"admin"},
}
UNKNOWN = ("nobody", "wrong", "expired", "revoked")


def test_every_route_has_its_least_role() -> None:
    known = {name for names in LEAST.values() for name in names.split()}

    assert {route.operation for route in ROUTES} - known == set()


@EVERY_ROUTE
def test_who_may_not_is_refused(route: Route, client: TestClient, users: dict[str, dict[str, str]]) -> None:
    for user in sorted(users.keys() - ALLOWED[route.least]):
        client.cookies.clear()

        assert route.call(client, users[user]) == (401 if user in UNKNOWN else 403), user


@EVERY_ROUTE
def test_who_may_is_not_refused(route: Route, client: TestClient, users: dict[str, dict[str, str]]) -> None:
    if route.operation in ENDLESS:
        return
    for user in sorted(ALLOWED[route.least], reverse=True):
        client.cookies.clear()
        status = route.call(client, users[user])

        assert status < 500, user
        assert status not in (401, 403) or (route.operation, status) == ("log_in", 401), user


@EVERY_ROUTE
def test_the_document_has_how_one_logs_in_and_what_is_refused(route: Route) -> None:
    if route.least is not Least.ANYBODY:
        assert route.facts["security"] == [{"bearer": []}, {"cookie": []}]
        assert {"401", "403"} <= route.facts["responses"].keys()
