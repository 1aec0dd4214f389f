"""`tuner export`: the best config as text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.home import home
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE


def export(
    study: options.StudyName,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; without it, to stdout.")] = None,
    trial: Annotated[
        int | None,
        typer.Option(help="A trial's number; without it, the confirmed one, else the best, of one objective."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="yaml keeps the file's comments; json has every default.")] = "",
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Write the best config: the space with its holes filled.

    Example: tuner export digits-cnn -o best.yaml
    """
    from tuner.results import best_config
    from tuner.runtime.enums import member_of

    if not form:
        form = "json" if out is not None and out.suffix == ".json" else "yaml"
    form = member_of(best_config.Format, form, "--format").value
    results = home(storage, server).results(study)
    text = best_config.export(results, trial, out, form)
    if out is None:
        typer.echo(text.rstrip("\n"))
        return
    record = best_config.chosen(results, trial)
    origin = record.attributes.origin
    told = best_config.why(results, record) if trial is None else f"trial {trial}"
    if record.ignored is not None:
        told += f", which {record.ignored.by} ignores"
    say(f"wrote {out}: {told}" + (f"; {origin.way.value} {origin}" if origin is not None else ""))
