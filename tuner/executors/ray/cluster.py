"""The Ray cluster of a run: started on this machine, joined by its address, or already connected."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import ray
from ray._private import ray_constants, services
from ray._private import worker as ray_driver
from ray.exceptions import RayError

from tuner.errors import Interrupted, TunerError, UsageError, listing
from tuner.executors import reaper

ANSWER_SECONDS = 5.0
"""Seconds for a cluster to answer. Ray itself tries for minutes, with many messages."""

QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}

ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""Makes a Ray outside of a cluster listen on the loopback interface only, and send no statistics."""

TOKEN = ".ray/auth_token"
"""The file in a home folder where Ray looks for its access token."""

Needs = Mapping[str, float]
"""What a worker reserves on a node, by Ray's names."""


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect this process to Ray; an existing connection stays unchanged.

    Args:
        address: of a cluster; None starts Ray on this machine, at most until this process ends.

    Raises:
        UsageError: there is no such cluster.
        TunerError: Ray does not start here.
        Interrupted: by a signal while it starts.
    """
    if ray.is_initialized():
        yield
        return
    before = psutil.Process().children()
    try:
        with _silence():
            _connect(address)
            with reaper.bound(before) if address is None else contextlib.nullcontext():
                yield
    finally:
        ray.shutdown()


def room(needs: Needs) -> int:
    """Return the number of workers that the nodes have room for, including busy room."""
    return sum(_room_of(node["Resources"], needs) for node in _nodes())


def want(needs: Needs) -> str:
    """Return a message on a request for more than any node has."""
    asked = listing(f"{name.lower()}: {amount:g}" for name, amount in needs.items())
    nodes = [node["Resources"] for node in _nodes()]
    has = listing(f"{sum(node.get(name, 0.0) for node in nodes):g} {name}" for name in needs)
    return f"search.resources asks for {asked} per trial, and no node has as much; all together have {has}"


def _nodes() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]  # Ray leaves it untyped


def _room_of(node: Mapping[str, float], needs: Needs) -> int:
    shares = [node.get(name, 0.0) / amount for name, amount in needs.items() if amount]
    return math.floor(min(shares, default=node.get("CPU", 1.0)) + 1e-9)  # 0.3 / 0.1 is a little below 3


def _connect(address: str | None) -> None:
    """Connect to Ray without its handler of SIGTERM, which Ray sets while it starts."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _start() if address is None else _join(address)
    except SystemExit:
        raise Interrupted(signal.SIGTERM) from None
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _start() -> None:
    try:
        with _loopback():
            ray.init(address="local", include_dashboard=False, **QUIET)
    except (OSError, RuntimeError, RayError) as error:
        raise TunerError(f"Ray does not start on this machine: {_reason(error)}") from error


def _join(address: str) -> None:
    try:
        _refuse_the_dead(address)
        ray.init(address=address, **QUIET)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise UsageError(f"--ray-address {address}: {_reason(error)}; `ray start --head` starts a cluster") from None


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


def _refuse_the_dead(address: str) -> None:
    """Raise soon if nothing answers at the address."""
    place = address.partition("://")[2] or services.canonicalize_bootstrap_address(address)
    if place is None:
        raise ConnectionError("names no cluster")
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except OSError as error:
        raise ConnectionError(f"nothing answers at {place} ({error.strerror or error})") from None


@contextlib.contextmanager
def _loopback() -> Iterator[None]:
    """Restrict a Ray that is started here to this machine and this user."""
    if not (os.environ.keys() & {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} or Path.home().joinpath(TOKEN).exists()):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # it stays: this process knows no second one
    before = {name: os.environ.get(name) for name in ALONE}
    clustered, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    os.environ.update(ALONE)
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clustered
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Silence Ray's output about dead workers, which has no switch; the pool reports them already."""
    before, ray_driver._worker_logs_enabled = ray_driver._worker_logs_enabled, False
    try:
        yield
    finally:
        ray_driver._worker_logs_enabled = before
