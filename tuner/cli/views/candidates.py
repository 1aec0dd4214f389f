"""A confirmation on stdout: its sentences, and its candidates as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from tuner.results.confirmation import Confirmation


def print_confirmation(found: Confirmation) -> None:
    """Print what a confirmation found, in paragraphs, and a table of its candidates."""
    from rich.table import Table

    from tuner.cli.views.widgets import stdout
    from tuner.results.wording import between, paragraphs, verdict
    from tuner.runtime.rounding import amount, rounded

    typer.echo(f"Confirmed on fresh seeds, {amount(found.counting, 'run')} in study {found.study}:")
    for paragraph in paragraphs(found):
        for sentence in paragraph:
            typer.echo(f"  {sentence}")
        typer.echo()
    heads = ("trial", "search", "race", "mean", "95 % interval", "fell by", "epoch", "seeds", "")
    table = Table(*heads, box=None, pad_edge=False, header_style="dim")
    for standing in found.standings:
        interval, fell = found.interval(standing), found.fell(standing)
        mean = rounded(interval.mean) if interval else ""
        ends = between(interval) if interval else ""
        raced = "" if standing.mean is None else rounded(standing.mean)
        first = "" if standing.trial.value is None else rounded(standing.trial.value)
        epoch = "" if standing.epoch is None else str(standing.epoch)
        curse = "" if fell is None else f"{fell:.2g}"
        seeds = f"{len(standing.values)}" + (f" + {len(found.held)}" if standing is found.pick else "")
        table.add_row(
            str(standing.trial.number), first, raced, mean, ends, curse, epoch, seeds, verdict(found, standing)
        )
    stdout().print(table)
