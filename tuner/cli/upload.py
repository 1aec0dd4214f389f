"""`tuner upload`: data for the studies of a server."""

from __future__ import annotations

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

    with Client(server) as client:
        found = client.upload(folder, name or folder.resolve().name)
    say(f"uploaded {found.name}: {counted(len(found.files), 'file')}, {readable(found.size)}")
    say(f"a space uses it as data: {{root: {found.root}}}")
