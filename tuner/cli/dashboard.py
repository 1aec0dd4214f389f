"""`tuner dashboard`: optuna-dashboard on the loopback interface."""

from __future__ import annotations

from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE


def dashboard(
    storage: options.Storage = DEFAULT_STORAGE,
    port: Annotated[int, typer.Option(help="On loopback only: the dashboard has no login.", min=1, max=65535)] = 8080,
) -> None:
    """Serve optuna-dashboard on the studies, to this machine only.

    Example: tuner dashboard --port 8081
    """
    from optuna_dashboard import run_server

    from tuner.errors import TunerError
    from tuner.storage import open_storage

    opened = open_storage(storage)
    say(f"http://127.0.0.1:{port}/ until Ctrl-C", err=True)
    try:
        run_server(opened, host="127.0.0.1", port=port)
    except OSError as error:
        raise TunerError(f"port {port} cannot be used: {error.strerror}; choose another --port") from None
