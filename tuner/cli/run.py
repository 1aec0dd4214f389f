"""`tuner run`."""

from __future__ import annotations

import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import loggers, options
from tuner.cli.views.candidates import print_confirmation
from tuner.cli.views.trials_table import print_front
from tuner.cli.views.wrapping import FAILED, say, show_command
from tuner.config import DEFAULT_STORAGE, and_storage
from tuner.runtime.rounding import amount, value_text

if TYPE_CHECKING:
    from tuner.search.tune import Result
    from tuner.study import Record, Study


USUAL_BATCH = 4
"""The batch of `--deterministic` without a number."""


@loggers.with_loggers
def run(
    file: options.SpaceFile = None,
    space: options.SpaceOption = None,
    n_trials: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="The study's total over all runs; in place of search.trials.",
            rich_help_panel=options.SEARCH,
        ),
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Time limit of this run, such as 90s, 10m or 1h30m.", rich_help_panel=options.SEARCH
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(metavar="N", help="In place of training.epochs.", rich_help_panel=options.SEARCH),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="In place of study.seed.", rich_help_panel=options.SEARCH)
    ] = None,
    settings: options.Settings = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    threads: options.Threads = None,
    workers_per_gpu: options.WorkersPerGpu = None,
    executor: options.Executor = "processes",
    ray_address: options.RayAddress = None,
    fuse: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="How many trials that are alike train as one program: off, auto tries what pays, or a number.",
            rich_help_panel=options.TRAINING,
        ),
    ] = "auto",
    deterministic: Annotated[
        int | None,
        typer.Option(
            metavar="[BATCH]",
            help="The seed alone decides the study, however many workers train: trials are asked for in batches.",
            rich_help_panel=options.TRAINING,
        ),
    ] = None,
    study_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="In place of study.name.", rich_help_panel=options.OUTPUT)
    ] = None,
    fork: Annotated[
        str | None,
        typer.Option(
            metavar="NEW",
            help="Move the study to this changed space, under a new name, with every trial that still fits.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="How many of the best trials keep their checkpoints.", rich_help_panel=options.OUTPUT
        ),
    ] = None,
    storage: options.Storage = DEFAULT_STORAGE,
    targets: loggers.Targets = MappingProxyType({}),
    quiet: options.Quiet = False,
) -> None:
    """Search a space, or continue an existing study up to its total.

    The exit code is 1 if more than half of the run's trials failed, timed out or lost their worker. The study can still
    be used. A trial that diverges or runs out of memory counts as a result.

    Example: tuner run search_spaces/cnn.yaml --n-trials 50 --set training.epochs=20
    """
    from tuner.cli.views.live import view
    from tuner.errors import Interrupted, TunerError
    from tuner.executors.forkserver import warm_up
    from tuner.space import Space
    from tuner.space.edit import settings_of

    found = options.space_file(file, space, quiet)
    flags = settings_of(study_name=study_name, n_trials=n_trials, timeout=timeout, seed=seed, epochs=epochs, keep=keep)
    checked = Space.load(found, [*options.settings(settings), *flags])
    several = options.number_or(workers, "--workers", ["auto"], least=1)
    try:
        with view(quiet) as shown, loggers.logged(targets, shown) as observe:
            if several not in (None, 1) and executor == "processes":
                warm_up()  # what workers print goes where it does now
            from tuner.executors.worker_options import WorkerOptions
            from tuner.runtime.device import device_of
            from tuner.search import tune  # torch takes seconds to load: what needs none of it is said before

            together = options.number_or(fuse, "--fuse", ["auto", "off"], least=2)
            wanted = WorkerOptions(executor, several, threads, workers_per_gpu, ray_address, deterministic, together)
            result = tune.run_with(checked, wanted, storage, device_of(device), fork, (), observe)
    except Interrupted as stop:
        say("tuner: stopped; the study is whole, and the same command goes on with it", err=True)
        raise typer.Exit(stop.exit_code) from None
    except KeyboardInterrupt:  # before there is anything to go on with
        say("tuner: stopped", err=True)
        raise typer.Exit(130) from None
    _print_result(result, storage)
    if result.failures.mostly:
        say(f"tuner: of this run, {result.failures.sentence}; the study can be used, and the exit code is 1", err=True)
        raise typer.Exit(TunerError.exit_code)


def _print_result(result: Result, storage: str) -> None:
    from tuner.results.artifacts import Kept
    from tuner.results.results import Results
    from tuner.results.summary import against_the_trivial

    results = Results(result.study)
    study, name = result.study, shlex.quote(result.study.name)
    if result.stopped:
        say(f"Stopped after {amount(study.finished(), 'trial')}: {result.stopped}. A larger --n-trials goes on.\n")
    if study.goal.single:
        _print_best(study, result.best)
    else:
        say(f"Front of {amount(study.finished(), 'trial')} in study {study.name}: {study.goal}")
        print_front(study, result.front)
    if told := against_the_trivial(results):
        say(f"\nOn the validation rows {told}.")
    if told := results.failures.sentence:
        say(f"\n{told}", FAILED)
    if result.confirmation is not None:
        say()
        print_confirmation(result.confirmation)
    if summary := Kept(study, storage).summary:
        say(f"\n{summary}")
    there = and_storage(storage)
    chosen = "" if study.goal.single else f" --trial {result.front[0].number}"
    say("\nNext:")
    found = result.confirmation or results.confirmation
    if study.goal.single and (found is None or found.believed is None):
        show_command(f"tuner confirm {name}{there}")
    show_command(f"tuner report {name}{there}")
    show_command(f"tuner export {name}{chosen} -o best.yaml{there} && tuner train best.yaml")
    show_command(f"tuner dashboard{there}")


def _print_best(study: Study, best: Record) -> None:
    say(f"Best of {amount(study.finished(), 'trial')} in study {study.name}: trial {best.number}")
    at = f" at epoch {best.epoch}" if best.epoch is not None else ""
    params = {name: value_text(value) for name, value in best.params.items()}
    rows = {study.goal.title: f"{value_text(best.value)}{at}", **params}
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        say(f"  {name:<{width}}  {value}")
