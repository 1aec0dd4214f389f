"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from tuner.cli import completion
from tuner.cli.views.wrapping import say
from tuner.config import CODE_VALUES, FILE_VALUES, WARM_FILE

SEARCH, TRAINING, OUTPUT = "Search", "Who trains", "Study and output"
"""The groups of options in the help of commands that train trials."""


def _chosen_server(context: typer.Context, server: str | None) -> str | None:
    """Return the server that a command works with; None if a database is typed, which wins over the environment.

    Raises:
        UsageError: the command line names both.
    """
    if server is None or not _is_typed(context, "storage"):
        return server
    if _is_typed(context, "server"):
        from tuner.errors import UsageError

        raise UsageError(f"--server {server} and --storage {context.params['storage']}: name one of the two")
    return None


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


Storage: TypeAlias = Annotated[
    str,
    typer.Option(
        "--storage",
        metavar="URL",
        envvar="TUNER_STORAGE",
        is_eager=True,  # read before --server, which depends on it
        help="The database, any URL that Optuna takes.",
        rich_help_panel=OUTPUT,
    ),
]
Server: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="TUNER_SERVER",
        callback=_chosen_server,
        help="A server of tuner, in place of a database.",
        rich_help_panel=OUTPUT,
    ),
]
StudyName: TypeAlias = Annotated[
    str, typer.Argument(metavar="STUDY", help="The study's name.", autocompletion=completion.study_names)
]
StudyNames: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="STUDY...", help="One study, or several to compare.", autocompletion=completion.study_names),
]
SpaceFile: TypeAlias = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="The space file; a bare name is looked up in search_spaces/ too.",
        show_default=False,
        autocompletion=completion.space_files,
    ),
]
SpaceOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--space", metavar="FILE", help="The same as FILE.", show_default=False, autocompletion=completion.space_files
    ),
]
Settings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Fix or replace any value of the file; repeatable.",
        rich_help_panel=SEARCH,
    ),
]

Device: TypeAlias = Annotated[
    str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=TRAINING)
]
Workers: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="How many workers train; auto is one per core, GPU or free place of the cluster.",
        rich_help_panel=TRAINING,
    ),
]
Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Threads of each worker; by default the cores are divided.", rich_help_panel=TRAINING
    ),
]
WorkersPerGpu: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", help="How many workers share a GPU; by default one.", rich_help_panel=TRAINING),
]
Executor: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME", help="processes of this machine, or ray.", rich_help_panel=TRAINING)
]
RayAddress: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Address of a Ray cluster, such as auto; by default Ray starts on this machine.",
        rich_help_panel=TRAINING,
    ),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show nothing while it runs.", rich_help_panel=OUTPUT)
]


def number_or(text: str | None, option: str, words: Sequence[str], least: int) -> Any:
    """Return a whole number; one of `words`, or None, stays unchanged.

    Raises:
        UsageError: the text is neither.
    """
    if text is None or text in words:
        return text
    try:
        return int(text)
    except ValueError:
        from tuner.errors import UsageError

        told = ", ".join(words)
        raise UsageError(f"{option} {text}: must be {told} or a whole number of at least {least}") from None


def settings(assignments: Iterable[str] | None) -> list[tuple[str, Any]]:
    """Read `--set` options; paths on the command line start from the current folder."""
    from tuner.space import edit

    return [(path, _from_here(path, value)) for path, value in map(edit.value_of, assignments or ())]


def _from_here(path: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    file, colon, name = value.rpartition(":")
    if path in (*FILE_VALUES, WARM_FILE):
        return str(Path(value).resolve())
    if path in CODE_VALUES and colon and file.endswith(".py"):
        return f"{Path(file).resolve()}:{name}"
    return value


def space_file(file: Path | None, option: Path | None = None, quiet: bool = False) -> Path:
    """Return the given space file; print a note if it was found in `search_spaces/`.

    Args:
        file: the argument.
        option: the value of `--space`.
        quiet: whether to print no note.

    Raises:
        UsageError: no file is named, or two are.
    """
    from tuner.errors import UsageError
    from tuner.space import find

    if file is not None and option is not None:
        raise UsageError(f"{file} and --space {option}: name one space file")
    named = file or option
    if named is None:
        raise UsageError("name a space file, such as `tuner run cnn.yaml`; `tuner init` writes one")
    found = find(named)
    if found != named and not quiet:
        say(f"using {found}", err=True)
    return found
