"""Figures for Prometheus, read by its own parser."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import optuna
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.telemetry import Telemetry, Timed

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/studies.db")
    made.upgrade()
    return made


def figures(telemetry: Telemetry) -> Figures:
    families = text_string_to_metric_families(telemetry.page().decode())
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def labelled(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def test_the_queue_and_the_slots_are_counted(database: Database) -> None:
    jobs = Jobs(database)
    made = [jobs.submit(Submission(JobKind.RUN, f"s{i}", "ann", Slots(2, 1))) for i in range(3)]
    jobs.move(made[0].id, JobState.RUNNING)
    jobs.update(made[1].id, queued_at=made[1].queued_at - 3600)
    jobs.submit(Submission(JobKind.RUN, "gone", "ann", Slots(2, 1)))
    jobs.forget("gone")

    found = figures(Telemetry(database, Slots(8, 2)))

    assert found["tuner_jobs", labelled(state="queued")] == 2
    assert found["tuner_jobs", labelled(state="running")] == 1
    assert found["tuner_jobs", labelled(state="failed")] == 0
    assert found["tuner_slots", labelled(kind="cpu", of="used")] == 2
    assert found["tuner_slots", labelled(kind="gpu", of="capacity")] == 2
    assert found["tuner_longest_wait_seconds", labelled()] == pytest.approx(3600, abs=30)


def test_trials_and_reports_are_counted(database: Database) -> None:
    study = optuna.create_study(storage=database.url, pruner=optuna.pruners.NopPruner())

    def objective(trial: optuna.Trial) -> float:
        trial.report(0.5, 1)
        trial.report(0.25, 2)
        if trial.number == 0:
            raise optuna.TrialPruned
        return trial.suggest_float("x", 0, 1)

    study.optimize(objective, n_trials=3)

    found = figures(Telemetry(database, Slots(1)))

    assert found["tuner_trials_total", labelled(state="complete")] == 2
    assert found["tuner_trials_total", labelled(state="pruned")] == 1
    assert found["tuner_reports_total", labelled()] == 6


def test_requests_are_counted_by_their_route(database: Database) -> None:
    async def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def broken(request: Request) -> PlainTextResponse:
        raise ValueError

    app = Starlette(routes=[Route("/hello/{name}", hello), Route("/broken", broken)])
    app.add_middleware(Timed)
    telemetry = Telemetry(database, Slots(1))
    app.state.server = SimpleNamespace(telemetry=telemetry)
    client = TestClient(app, raise_server_exceptions=False)

    for address in ("/hello/ann", "/hello/bob", "/broken", "/nowhere/1", "/nowhere/2"):
        client.get(address)

    found = figures(telemetry)
    assert not [name for name, _ in found if name.endswith("_created")]
    counts = {labels: value for (name, labels), value in found.items() if name == "tuner_http_request_seconds_count"}
    assert counts == {
        labelled(method="GET", route="/hello/{name}", status="200"): 2,
        labelled(method="GET", route="/broken", status="500"): 1,
        labelled(method="GET", route="other", status="404"): 2,
    }
