"""`tuner report`: pages of studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE


def report(
    studies: options.StudyNames,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("report.html"),
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Write one study, or a comparison of several, as one HTML page that opens offline.

    Example: tuner report digits-cnn -o report.html
    """
    from tuner import api

    say(f"wrote {api.report(studies, out, storage=storage)}")
