"""Figures of the server for Prometheus: the queue, the slots, trials and reports, and how long requests take."""

from __future__ import annotations

import time
from collections.abc import Iterator

import sqlalchemy
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuner.optuna_internals import TrialIntermediateValueModel, TrialModel
from tuner.service.database import Database
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.service_tables import jobs

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of the classes of latencies."""

OTHER = "other"
"""The route of requests that no route answers. Their paths are anybody's, and without end."""

_TRIALS = TrialModel.__table__
_REPORTS = TrialIntermediateValueModel.__table__


class Telemetry:
    """The figures of one server.

    Args:
        database: of the service.
        capacity: the slots that its jobs share.
    """

    def __init__(self, database: Database, capacity: Slots) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a further series for each route and status, which nobody asks for
        self._registry = CollectorRegistry()
        self._registry.register(_Queue(database, capacity))
        self._requests = Histogram(
            "tuner_http_request_seconds",
            "Time until the answer to a request is complete; a stream of events lasts as long as its listener.",
            ("method", "route", "status"),
            buckets=SECONDS,
            registry=self._registry,
        )

    def page(self) -> bytes:
        """Return all figures in Prometheus' text format.

        Raises:
            StorageError: the database cannot be used.
        """
        return generate_latest(self._registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, route, str(status)).observe(seconds)


class Timed:
    """ASGI middleware that measures requests.

    Args:
        app: the application. Its `state.server` has the telemetry, once it has started.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it when its answer is complete."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            route = getattr(scope.get("route"), "path", OTHER)
            telemetry: Telemetry = scope["app"].state.server.telemetry
            telemetry.observe(scope["method"], route, status, time.perf_counter() - begun)


class _Queue(Collector):
    """What the database says at the moment of a scrape."""

    def __init__(self, database: Database, capacity: Slots) -> None:
        self._database = database
        self._capacity = capacity

    def describe(self) -> list[Metric]:
        """Return nothing: the database is not read when the server starts."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of this moment."""
        with self._database.begin() as connection:
            counted = connection.execute(
                sqlalchemy.select(
                    jobs.c.state,
                    sqlalchemy.func.count(),
                    sqlalchemy.func.sum(jobs.c.cpus),
                    sqlalchemy.func.sum(jobs.c.gpus),
                    sqlalchemy.func.min(jobs.c.queued_at),
                )
                .where(jobs.c.deleted_at.is_(None))
                .group_by(jobs.c.state)
            ).all()
            trials = connection.execute(
                sqlalchemy.select(_TRIALS.c.state, sqlalchemy.func.count()).group_by(_TRIALS.c.state)
            ).all()
            reports = connection.execute(sqlalchemy.select(sqlalchemy.func.max(_REPORTS.c.trial_intermediate_value_id)))
            reported = reports.scalar() or 0
        by_state = {JobState(state): (count, cpus, gpus, since) for state, count, cpus, gpus, since in counted}
        yield from _of_jobs(by_state)
        yield from self._of_slots(by_state)
        ended = CounterMetricFamily("tuner_trials", "Trials by Optuna's state, of all studies.", labels=["state"])
        for state, count in trials:
            ended.add_metric([state.name.lower()], count)
        yield ended
        yield CounterMetricFamily("tuner_reports", "Epochs that single objectives reported, of all studies.", reported)

    def _of_slots(self, by_state: dict[JobState, tuple[int, int, int, float]]) -> Iterator[Metric]:
        used = Slots()
        for state, (_, cpus, gpus, _) in by_state.items():
            used += Slots(cpus, gpus) if state.occupies else Slots()
        family = GaugeMetricFamily("tuner_slots", "Slots that jobs hold, and all there are.", labels=["kind", "of"])
        for kind, held, whole in (
            ("cpu", used.cpus, self._capacity.cpus),
            ("gpu", used.gpus, self._capacity.gpus),
        ):
            family.add_metric([kind, "used"], held)
            family.add_metric([kind, "capacity"], whole)
        yield family


def _of_jobs(by_state: dict[JobState, tuple[int, int, int, float]]) -> Iterator[Metric]:
    family = GaugeMetricFamily("tuner_jobs", "Jobs by state.", labels=["state"])
    for state in JobState:
        family.add_metric([state.value], by_state[state][0] if state in by_state else 0)
    yield family
    waited = max(0.0, time.time() - by_state[JobState.QUEUED][3]) if JobState.QUEUED in by_state else 0.0
    yield GaugeMetricFamily("tuner_longest_wait_seconds", "Time that the oldest queued job has waited.", waited)
