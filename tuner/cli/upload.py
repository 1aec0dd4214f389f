"""`tuner upload`: data for the studies of a server."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.views.wrapping import say
from tuner.errors import counted


def upload(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder, with all folders in it.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its name in spaces; by default that of the folder.")
    ] = None,
    server: options.Server = None,
) -> None:
    """Upload a folder of data to a server. Files that the server has already are not sent again.

    Example: tuner upload data/cells --name cells --server http://tuner.lab:8000
    """
    from tuner.client import Client
    from tuner.results.artifacts import readable

    with Client(server) as client, _shown() as seen:
        found = client.upload(folder, name or folder.resolve().name, seen)
    say(f"uploaded {found.name}: {counted(len(found.files), 'file')}, {readable(found.size)}")
    say(f"a space uses it as data: {{root: {found.root}}}")


@contextlib.contextmanager
def _shown() -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows the bytes that are sent, on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    console = Console(file=sys.stderr)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("")
        yield lambda sent, total: progress.update(task, completed=sent, total=total)
