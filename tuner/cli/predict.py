"""`tuner predict`: the predictions of a trained model for new rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from tuner.errors import ChangedCode, UnseenWords, counted


def predict(
    folder: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="What tuner train saved.")],
    inputs: Annotated[Path, typer.Argument(metavar="INPUT", help="A table, a file of texts, a folder of images.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The CSV file to write; without it, to stdout.")
    ] = None,
) -> None:
    """Apply a trained model: labels or values, class probabilities, and columns that are no features.

    Example: tuner predict runs/final new.csv -o predictions.csv
    """
    from tuner.final import inference

    with warnings.catch_warnings(record=True) as caught:
        table = inference.predict(folder, inputs, out)
    for warning in caught:
        if issubclass(warning.category, ChangedCode | UnseenWords):
            typer.echo(f"note: {warning.message}", err=True)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    typer.echo(table.to_csv(index=False).rstrip("\n") if out is None else f"wrote {out}: {counted(len(table), 'row')}")
