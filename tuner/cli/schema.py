"""`tuner schema`."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer


class Form(enum.Enum):
    """The format in which the language is written."""

    JSON = "json"
    MARKDOWN = "markdown"


def schema(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; without it, to stdout.")] = None,
    form: Annotated[
        Form, typer.Option("--format", help="json is a JSON Schema for editors, markdown a page for people.")
    ] = Form.JSON,
) -> None:
    """Write the JSON Schema of space files, by which editors complete and check them.

    An editor with yaml-language-server finds it by the first line of a space:

    # yaml-language-server: $schema=space.schema.json

    Example: tuner schema -o space.schema.json
    """
    from tuner.runtime.files import refuse_foreign, write_whole

    if out is not None:
        refuse_foreign(out, "tuner schema")
    from tuner.schema import markdown, space_file  # torch takes seconds to load: what needs none of it is said before

    text = space_file.text() if form is Form.JSON else markdown.text()
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_whole(out, text.encode())
        typer.echo(f"wrote {out}, for {space_file.made_for()}")
