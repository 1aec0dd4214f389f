"""`tuner train` and `tuner predict`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import completion, options
from tuner.config import DEFAULT_STORAGE, On
from tuner.errors import Interrupted, UsageError
from tuner.runtime.rounding import rounded
from tuner.runtime.signals import interruptible

if TYPE_CHECKING:
    from tuner.space import Space


def train(
    config: Annotated[
        Path | None,
        typer.Argument(help="An exported config; or name --study and --trial.", autocompletion=completion.space_files),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The run folder to make.")] = Path("runs/final"),
    study: Annotated[
        str | None, typer.Option(help="Train a trial of this study.", autocompletion=completion.study_names)
    ] = None,
    trial: Annotated[
        int | None,
        typer.Option(help="The trial's number; without it, the confirmed one, else the best, of one objective."),
    ] = None,
    on: Annotated[On, typer.Option(help="train repeats the trial exactly; train+valid uses all rows.")] = On.ALL,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run folder that is there.")] = False,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
    test: Annotated[
        bool | None,
        typer.Option(
            "--test/--no-test", help="Score the test split; the default with --on train+valid. Each time is counted."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing while it trains.")] = False,
) -> None:
    """Train the final model, score it on the test split and save it; or call your own function once more.

    Example: tuner train best.yaml -o runs/final
    """
    if server is not None:
        from tuner.cli.train_at_server import train_at_server

        if config is not None or study is None:
            raise UsageError("--server trains a trial of its studies: name it with --study")
        wanted = {"trial": trial, "on": on.value, "test": test, "device": device}
        train_at_server(server, study, wanted, out, overwrite, quiet)
        return
    space = _space(config, study, trial, storage)
    from tuner.final import retrain
    from tuner.goal import titled

    objective = space.objective
    stops: list[int] = []

    def observe(epoch: int, last: int, metrics: Mapping[str, float]) -> None:
        if not quiet:
            titles = {name: name if objective.function else titled(name, objective.positive) for name in metrics}
            shown = ", ".join(f"{titles[name]} {value:.5g}" for name, value in metrics.items() if name != "lr")
            typer.echo(f"epoch {epoch} of {last}: {shown}", err=True)
        if stops:
            raise Interrupted(stops[0])

    own = objective.function is not None  # it keeps no state for this command: it ends at once
    try:
        with contextlib.nullcontext() if own else interruptible(stops.append):
            done = retrain.train(
                space, out, on=on, device=device, overwrite=overwrite, test=test, storage=storage, observe=observe
            )
    except Interrupted as stop:
        typer.echo("tuner: stopped; the same command goes on with it", err=True)
        raise typer.Exit(stop.exit_code) from None
    for note in done.notes:
        typer.echo(f"note: {note}", err=True)
    split, scores = ("test", done.test) if done.test else ("validation", done.valid)
    width = max((len(done.titles[name]) for name in scores), default=0)
    for name, value in scores.items():
        ends = done.intervals.get(name)
        sure = "" if ends is None else f"  (95 % interval {rounded(ends.low)} to {rounded(ends.high)})"
        typer.echo(f"{split} {done.titles[name]:<{width}} {value:.5g}{sure}")
    for sentence in done.sentences:
        typer.echo(sentence)
    back = "" if own else f"; tuner.load_model({str(done.folder)!r}) gives the model back"
    typer.echo(f"saved in {done.folder}{back}")


def _space(config: Path | None, study: str | None, trial: int | None, storage: str) -> Space:
    from tuner.space import Space

    if config is None and study is None:
        raise UsageError("name a config file, or a study with --study")
    if config is not None and study is not None:
        raise UsageError(f"{config} and --study {study}: name one of the two")
    if config is not None:
        if trial is not None:
            raise UsageError("--trial goes with --study")
        return Space.load(options.space_file(config))
    from tuner.results import best_config
    from tuner.results.results import Results
    from tuner.storage import open_storage
    from tuner.study import load_study

    assert study is not None
    results = Results(load_study(open_storage(storage), study))
    if trial is None:
        typer.echo(best_config.why(results, best_config.chosen(results, None)), err=True)
    return best_config.filled_space(results, trial)
