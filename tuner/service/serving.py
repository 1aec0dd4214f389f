"""The server as a process: it listens, serves the application, and ends on the first Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI
from uvicorn.server import HANDLED_SIGNALS

from tuner.errors import UsageError
from tuner.service.app import create_app
from tuner.service.server import Server
from tuner.service.server_options import ServerOptions

CLOSING_SECONDS = 3
"""Seconds for which open answers, such as streams of events, delay the end of the server."""


def serve_until_stopped(options: ServerOptions, ready: Callable[[str], None]) -> None:
    """Serve until a signal.

    Args:
        options: of the server.
        ready: called with the link to the server, once it answers.

    Raises:
        UsageError: it cannot listen there.
        TunerError: the database cannot be used, or another server serves it.
    """
    listening = listen(options)
    options = dataclasses.replace(options, port=listening.getsockname()[1])
    app = create_app(options)
    certificate, key = options.certificate or (None, None)
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="on",
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=CLOSING_SECONDS,
        server_header=False,
    )
    server = _Server(config, lambda: ready(_link(app, options.address)))
    with contextlib.closing(listening):
        try:
            server.run(sockets=[listening])
        except SystemExit:  # uvicorn ends so, when the application does not start
            raise app.state.refusal from None


def listen(options: ServerOptions) -> socket.socket:
    """Return a socket that listens where the options say.

    Raises:
        UsageError: that address or port cannot be used.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=2048)
    except OSError as error:
        where = f"--host {options.host} --port {options.port}"
        raise UsageError(f"{where}: cannot be used: {error.strerror}; choose another") from None


def _link(app: FastAPI, address: str) -> str:
    """Return the address with the token that opens it; without a token where there are users."""
    server: Server = app.state.server
    token = server.authentication.open_link
    return address if token is None else f"{address}/?token={token}"


class _Server(uvicorn.Server):
    """A server that tells when it answers, and whose end by a signal is a clean one.

    Args:
        config: of uvicorn.
        ready: called when it answers.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application and listen. A reason not to start is an exception, which the log need not repeat."""
        log = logging.getLogger("uvicorn.error")
        log.disabled = True
        await super().startup(sockets)
        log.disabled = False
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on a signal. Uvicorn would then send it to the process again, which would die of it."""
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
