"""`tuner confirm`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options
from tuner.cli.loggers import Targets, logged, with_loggers
from tuner.cli.views.candidates import print_confirmation
from tuner.config import DEFAULT_STORAGE
from tuner.errors import NoTrialSucceeded, UsageError

if TYPE_CHECKING:
    from tuner.results.confirmation import Confirmation


@with_loggers
def confirm(
    study: options.StudyName,
    top: Annotated[int | None, typer.Option(help="How many of the best trials are candidates.")] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Fresh seeds for each candidate, and further ones for the pick.")
    ] = None,
    splits: Annotated[
        bool | None,
        typer.Option(
            "--splits/--no-splits", help="Each seed draws training and validation rows anew; never test rows."
        ),
    ] = None,
    device: options.Device = "auto",
    workers: options.Workers = None,
    threads: options.Threads = None,
    workers_per_gpu: options.WorkersPerGpu = None,
    executor: options.Executor = "processes",
    ray_address: options.RayAddress = None,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
    quiet: options.Quiet = False,
    targets: Targets = MappingProxyType({}),
) -> None:
    """Train the best trials again on fresh seeds, and estimate what to expect of the best one.

    The table has a row for each candidate. search is its value in the search. race is its mean over the common seeds.
    mean and interval come from the pick's held-out seeds. fell by is how far the search's value was above the mean.

    Options that are left out come from search.confirm of the study's file, else --top 5 --seeds 5 --no-splits.

    Example: tuner confirm digits-cnn --top 5 --seeds 5 --workers 2
    """
    from tuner.cli.views.live import view
    from tuner.errors import Interrupted

    count = options.number_or(workers, "--workers", ["auto"], least=1)
    if server is not None:
        from tuner.cli import run_at_server

        run_at_server.refuse_placement(executor, ray_address)
        if targets:
            raise UsageError("--log-file is for confirmations on this machine; leave it out with --server")
        how = {"workers": count, "threads": threads, "workers_per_gpu": workers_per_gpu, "device": device}
        terms = {"top": top, "seeds": seeds, "splits": splits}
        _print(run_at_server.confirm_at_server(server, study, {**terms, **how}, quiet))
        return
    try:
        with view(quiet) as shown, logged(targets, shown) as observe:
            from tuner.executors.worker_options import WorkerOptions
            from tuner.runtime.device import device_of
            from tuner.search import confirm_trials  # torch takes seconds to load

            wanted = WorkerOptions(executor, count, threads, workers_per_gpu, ray_address)
            found = confirm_trials.confirm_as_asked(
                study, wanted, top, seeds, splits, storage, device_of(device), observe
            )
    except Interrupted as stop:
        typer.echo("tuner: stopped; nothing is lost, and the same command goes on with it", err=True)
        raise typer.Exit(stop.exit_code) from None
    _print(found)


def _print(found: Confirmation) -> None:
    print_confirmation(found)
    if found.pick is None:
        raise typer.Exit(NoTrialSucceeded.exit_code)
