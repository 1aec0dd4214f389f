"""The command line: parse, call, print. Everything heavy is imported inside its command.

run        search a space              list, show, delete    studies
check      a space, without training   report, export        what a study found
train      the final model             dashboard             optuna-dashboard on the studies
predict    with it                     status                what runs at this moment
serve      the service for a team      logs, stop, trial     follow and steer what runs
upload     data for it                 login, logout         the token of a server
users      who may use it
"""

from __future__ import annotations

import gc
import itertools
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from tuner.cli import (
    check,
    confirm,
    crash_notice,
    dashboard,
    delete,
    export,
    help_text,
    init,
    list_studies,
    login,
    logs,
    predict,
    report,
    run,
    schema,
    serve,
    show,
    status,
    steer,
    team,
    train,
    upload,
)
from tuner.cli.views.wrapping import say
from tuner.errors import OUTAGE_CODE, SpaceError, StorageError, TunerError

app = typer.Typer(
    name="tuner",
    help="Tune PyTorch models from one YAML file.",
    no_args_is_help=True,
    cls=help_text.Group,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., object]] = {
    "init": init.init,
    "run": run.run,
    "confirm": confirm.confirm,
    "check": check.check,
    "schema": schema.schema,
    "list": list_studies.list_,
    "show": show.show,
    "status": status.status,
    "logs": logs.logs,
    "stop": steer.stop,
    "trial": steer.trial,
    "report": report.report,
    "export": export.export,
    "train": train.train,
    "predict": predict.predict,
    "dashboard": dashboard.dashboard,
    "serve": serve.serve,
    "delete": delete.delete,
    "login": login.login,
    "logout": login.logout,
    "upload": upload.upload,
}
for _name, _function in COMMANDS.items():
    app.command(_name, cls=help_text.Command, help=help_text.help_of(_function))(_function)
app.add_typer(team.users)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"tuner {version('tuner')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    if debug:
        os.environ["TUNER_DEBUG"] = "1"


def spelt_out(arguments: list[str]) -> list[str]:
    """Return the arguments with the default batch behind a bare `--deterministic`, which typer cannot do."""
    spelt: list[str] = []
    for argument, following in itertools.pairwise([*arguments, ""]):
        bare = argument == "--deterministic" and not following.lstrip("-").isdigit()
        spelt += [argument, str(run.USUAL_BATCH)] if bare else [argument]
    return spelt


def _exit_code(error: TunerError) -> int:
    """Return the exit code of an error. An outage has its own: a scheduler may start the command again."""
    if isinstance(error, StorageError):
        from tuner.storage.transient_errors import outage_of

        return error.exit_code if outage_of(error) is None else OUTAGE_CODE
    return error.exit_code


def main() -> None:
    """Run a command; an error that its reader can mend is one message and an exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin crawl as soon as another process computes
    gc.set_threshold(10_000)  # torch brings a million objects that stay; with 700, Python looks at them again and again
    arguments, sys.argv = sys.argv[1:], sys.argv[:1]  # own code that reads its command line finds nothing of this one
    try:
        with crash_notice.noticed():
            app(spelt_out(arguments))
    except TunerError as error:
        if os.environ.get("TUNER_DEBUG"):
            raise
        text = str(error).strip()
        are_faults = isinstance(error, SpaceError) and "\n" in text  # a line each, which begins with its place
        say(text if are_faults else f"tuner: {text}", err=True)
        raise SystemExit(_exit_code(error)) from None
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 it must outlive this function, for Python's last flush
        raise SystemExit(1) from None
    finally:
        gc.freeze()  # or Python looks for cycles among all objects of torch once more: a second, or several
