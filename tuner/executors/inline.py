"""Runs the engine in the driver's own process, where a report is answered at once."""

from __future__ import annotations

from tuner.port import Engine, Port


def run(engine: Engine, port: Port) -> None:
    """Run `engine` until the port has no more work."""
    engine(port)
