"""`tuner report`: pages of studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.home import home
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE


def report(
    studies: options.StudyNames,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("report.html"),
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Write one study, or a comparison of several, as one HTML page that opens offline.

    Example: tuner report digits-cnn -o report.html
    """
    from tuner import api

    there = home(storage, server)
    api.write_report([there.results(name) for name in dict.fromkeys(studies)], out)
    say(f"wrote {out}")
