"""`tuner init`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

SCHEMA = ".tuner/space.schema.json"
"""The place of the schema, beside the file. It is made for the installed libraries."""


def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="A CSV or JSON-lines file, or a folder of images per class; none for digits.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DATA", help="The same as DATA.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The space file to write.")] = Path("space.yaml"),
    target: Annotated[
        str | None, typer.Option(help="The column to predict; without it, target, label, class, y or the last.")
    ] = None,
) -> None:
    """Look at data and write a space for them, with comments, that `tuner run` takes as it is.

    Example: tuner init patients.csv -o patients.yaml
    """
    from tuner.errors import UsageError
    from tuner.runtime.files import write_whole
    from tuner.scaffold.watermark import refuse_others

    if file is not None and data is not None:
        raise UsageError(f"{file} and --data {data}: name one of the two")
    refuse_others(out)
    from tuner.scaffold.render import draft  # torch takes seconds to load: what needs none of it is said before
    from tuner.schema import space_file

    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    text = draft(file or data, out, target, schema=SCHEMA)
    write_whole(out.parent / SCHEMA, space_file.text().encode())
    write_whole(out, text.encode())
    typer.echo(f"wrote {out}, and {SCHEMA} beside it for editors; next: tuner run --space {shlex.quote(str(out))}")
