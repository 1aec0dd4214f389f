"""`tuner serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options
from tuner.cli.extras import need_serve
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import UsageError, did_you_mean
from tuner.service.server_options import CodePolicy, LogFormat, ServerOptions

if TYPE_CHECKING:
    from tuner.service.queue.slots import Slots

QUEUE, ACCESS = "What it runs", "Who reaches it"
"""The groups of options in the help."""


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on.", rich_help_panel=ACCESS)
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", help="The port; 0 is any free one.", min=0, max=65535, rich_help_panel=ACCESS)
    ] = 8000,
    ssl_certfile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate of TLS.", rich_help_panel=ACCESS)
    ] = None,
    ssl_keyfile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Key of the certificate.", rich_help_panel=ACCESS)
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Another address by which it is reached, such as https://tuner.lab of a proxy; repeatable.",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    cpus: Annotated[
        int | None,
        typer.Option(metavar="N", help="Cores that studies share; by default all.", min=0, rich_help_panel=QUEUE),
    ] = None,
    gpus: Annotated[
        int | None,
        typer.Option(metavar="N", help="GPUs that studies share; by default all.", min=0, rich_help_panel=QUEUE),
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder in which spaces may name data.", rich_help_panel=QUEUE),
    ] = None,
    code: Annotated[
        CodePolicy,
        typer.Option(help="Whose submitted code may run; it runs as the user that serves.", rich_help_panel=QUEUE),
    ] = CodePolicy.MEMBERS,
    allow_private_webhooks: Annotated[
        bool,
        typer.Option(
            "--allow-private-webhooks",
            help="Let webhooks of members reach this machine and its network.",
            rich_help_panel=ACCESS,
        ),
    ] = False,
    audit_days: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Days for which the audit log is kept; 0 is for ever.",
            min=0,
            max=36500,
            rich_help_panel=ACCESS,
        ),
    ] = 365,
    executor: options.Executor = "processes",
    ray_address: options.RayAddress = None,
    leave_running: Annotated[
        bool,
        typer.Option("--leave-running", help="Let studies go on when the server stops; the next one adopts them."),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only print what would stop it from starting.")] = False,
    log_format: Annotated[LogFormat, typer.Option(help="Lines for people, or JSON for programs.")] = LogFormat.PLAIN,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Serve the studies to a team: a queue, a page and an HTTP API, until Ctrl-C.

    Ctrl-C suspends the running studies; the next start goes on with them.

    The exit code of --check is 0 if nothing would stop the server, else 1.

    Example: tuner serve --port 8080
    """
    need_serve("tuner serve")
    from tuner.service import log_lines, preconditions, serving

    asked = ServerOptions(
        host=host,
        port=port,
        storage=storage,
        capacity=_capacity(cpus, gpus, executor, ray_address),
        data_root=None if data_root is None else data_root.absolute(),
        code=code,
        ray_address=ray_address,
        leave_running=leave_running,
        certificate=_certificate(ssl_certfile, ssl_keyfile),
        origins=tuple(origin or ()),
        private_webhooks=allow_private_webhooks,
        audit_days=audit_days,
        log_format=log_format,
    )
    found = preconditions.obstacles(asked)
    for sentence in found if check else found[:1]:
        say(f"tuner: {sentence}", err=True)
    if found:
        raise typer.Exit(1)
    if check:
        say("nothing stops tuner serve from starting")
        return
    log_lines.set_up(log_format)
    serving.serve_until_stopped(asked, lambda address: say(f"tuner serves {address} until Ctrl-C", err=True))


def _capacity(cpus: int | None, gpus: int | None, executor: str, ray_address: str | None) -> Slots:
    """Return what studies share: what is given, and for the rest what is there."""
    from tuner.service.queue import capacity
    from tuner.service.queue.slots import Slots

    if executor not in ("processes", "ray"):
        hint = did_you_mean(executor, ["processes", "ray"])
        raise UsageError(f"--executor {executor}: must be processes or ray{hint}")
    if (executor == "ray") != (ray_address is not None):
        raise UsageError("--executor ray and --ray-address go together: studies of a service share one cluster")
    if cpus is not None and gpus is not None:
        return Slots(cpus, gpus)
    found = capacity.of_machine() if ray_address is None else capacity.of_cluster(ray_address)
    return Slots(found.cpus if cpus is None else cpus, found.gpus if gpus is None else gpus)


def _certificate(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if certificate is not None and key is not None:
        return certificate, key
    if certificate is not None or key is not None:
        raise UsageError("--ssl-certfile and --ssl-keyfile go together: name both")
    return None
