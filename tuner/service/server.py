"""A running server: the parts that its routes share."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.service.database import Database
from tuner.service.jobs import Jobs
from tuner.service.runner import Runner
from tuner.service.server_options import ServerOptions
from tuner.service.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Server:
    """The parts of a running server; `tuner.service.api.needs` hands them to routes."""

    options: ServerOptions
    database: Database
    jobs: Jobs
    runner: Runner
    telemetry: Telemetry
