"""`tuner train` at a server: it trains the model, which is then fetched into a run folder here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from tuner.cli.run_at_server import leave
from tuner.cli.server_home import ServerHome
from tuner.cli.views.wrapping import say
from tuner.client.remote_model import MARKS, RemoteModel
from tuner.runtime.files import refuse_to_replace
from tuner.runtime.rounding import rounded


def train_at_server(server: str, name: str, wanted: Mapping[str, Any], out: Path, overwrite: bool, quiet: bool) -> None:
    """Let a server train a final model, fetch it into a folder, and print its scores.

    Args:
        server: the address.
        name: of the study.
        wanted: `trial`, `on`, `test` and `device`.
        out: the run folder to make.
        overwrite: whether a run folder that is there may be replaced.
        quiet: whether to show nothing while it trains.
    """
    refuse_to_replace(out, overwrite, MARKS)
    there = ServerHome(server)
    study = there.client.study(name)
    model = study.train(**wanted)
    if not quiet:
        say(f"model {model.id} of study {name} is submitted to {there.place}", err=True)
    try:
        model.wait()
    except KeyboardInterrupt:
        leave(there, study)
    model.download(out, overwrite=overwrite)
    _print_scores(model)
    typer.echo(f"saved in {out}; tuner.load_model({str(out)!r}) gives the model back")


def _print_scores(model: RemoteModel) -> None:
    scores = [score for score in model.view.scores if score.split == "test"] or model.view.scores
    width = max((len(score.title) for score in scores), default=0)
    for score in scores:
        split = "test" if score.split == "test" else "validation"
        value = "" if score.value is None else f"{score.value:.5g}"
        sure = "" if score.low is None or score.high is None else f"{rounded(score.low)} to {rounded(score.high)}"
        typer.echo(f"{split} {score.title:<{width}} {value}" + (f"  (95 % interval {sure})" if sure else ""))
    for sentence in model.view.sentences:
        typer.echo(sentence)
