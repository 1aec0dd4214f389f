"""`tuner run`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

import typer

from tuner.cli import loggers, options
from tuner.cli.home import Database
from tuner.cli.result_lines import end_mostly_failed, print_result
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE

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
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Run all trials that failed by an exception again first.",
            rich_help_panel=options.SEARCH,
        ),
    ] = False,
    priority: Annotated[
        int | None,
        typer.Option(metavar="N", help="From -9 to 9; with --server, higher ones start first.", min=-9, max=9),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="With --server: submit, and do not follow.", rich_help_panel=options.OUTPUT)
    ] = False,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
    targets: loggers.Targets = MappingProxyType({}),
    quiet: options.Quiet = False,
) -> None:
    """Search a space, or continue an existing study up to its total.

    The exit code is 1 if more than half of the run's trials failed, timed out or lost their worker. The study can still
    be used. A trial that diverges or runs out of memory counts as a result.

    Example: tuner run search_spaces/cnn.yaml --n-trials 50 --set training.epochs=20
    """
    from tuner.cli.views.live import view
    from tuner.errors import Interrupted, UsageError
    from tuner.executors.forkserver import warm_up
    from tuner.space import Space
    from tuner.space.edit import settings_of

    found = options.space_file(file, space, quiet)
    several = options.number_or(workers, "--workers", ["auto"], least=1)
    together = options.number_or(fuse, "--fuse", ["auto", "off"], least=2)
    if server is not None:
        from tuner.cli import run_at_server

        run_at_server.refuse_placement(executor, ray_address)
        named = {"name": study_name, "trials": n_trials, "timeout": timeout, "epochs": epochs, "seed": seed}
        how = {"workers": several, "threads": threads, "workers_per_gpu": workers_per_gpu, "device": device}
        more = {"keep": keep, "fuse": together, "deterministic": deterministic, "priority": priority}
        run_at_server.run_at_server(
            server,
            found,
            options.settings(settings),
            {**named, **how, **more},
            fork,
            retry_failed,
            run_at_server.Following(detach, quiet, targets),
        )
        return
    if detach or priority is not None:
        raise UsageError("--detach and --priority need a server: give --server URL")
    flags = settings_of(study_name=study_name, n_trials=n_trials, timeout=timeout, seed=seed, epochs=epochs, keep=keep)
    checked = Space.load(found, [*options.settings(settings), *flags])
    try:
        with view(quiet) as shown, loggers.logged(targets, shown) as observe:
            if several not in (None, 1) and executor == "processes":
                warm_up()  # what workers print goes where it does now
            from tuner.executors.worker_options import WorkerOptions
            from tuner.runtime.device import device_of
            from tuner.search import tune  # torch takes seconds to load: what needs none of it is said before

            wanted = WorkerOptions(executor, several, threads, workers_per_gpu, ray_address, deterministic, together)
            result = tune.run_with(checked, wanted, storage, device_of(device), fork, (), observe, retry_failed)
    except Interrupted as stop:
        say("tuner: stopped; the study is whole, and the same command goes on with it", err=True)
        raise typer.Exit(stop.exit_code) from None
    except KeyboardInterrupt:  # before there is anything to go on with
        say("tuner: stopped", err=True)
        raise typer.Exit(130) from None
    print_result(result, Database(storage))
    end_mostly_failed(result)
