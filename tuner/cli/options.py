"""Options and arguments that several commands share."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from tuner.cli import completing
from tuner.config import CODE_VALUES, DEFAULT_STORAGE, FILE_VALUES, WARM_FILE

Storage: TypeAlias = Annotated[
    str, typer.Option("--storage", envvar="TUNER_STORAGE", help="The database, any URL that Optuna takes.")
]
StudyName: TypeAlias = Annotated[
    str, typer.Argument(metavar="STUDY", help="The study's name.", autocompletion=completing.study_names)
]
StudyNames: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="STUDY...", help="One study, or several to compare.", autocompletion=completing.study_names),
]
SpaceFile: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--space",
        help="The space file; a bare name is looked up in search_spaces/ too.",
        autocompletion=completing.space_files,
    ),
]
Settings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Fix or replace any value of the file; repeatable."),
]

Device: TypeAlias = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Workers: TypeAlias = Annotated[
    str | None, typer.Option(help="How many train; auto is one per core, GPU or free place of the cluster.")
]
Threads: TypeAlias = Annotated[int | None, typer.Option(help="Of each worker; without it the cores are divided.")]
WorkersPerGpu: TypeAlias = Annotated[int | None, typer.Option(help="How many share a GPU; one if not said.")]
Executor: TypeAlias = Annotated[str, typer.Option(help="processes of this machine, or ray.")]
RayAddress: TypeAlias = Annotated[
    str | None, typer.Option(help="Of a Ray cluster, such as auto; without it Ray starts on this machine.")
]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing while it runs.")]


def number_or(text: str | None, option: str, words: Sequence[str], least: int) -> Any:
    """Read a whole number; one of `words`, or nothing, stays as it is.

    Raises:
        UsageError: it is neither.
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


def space_file(named: Path, quiet: bool = False) -> Path:
    """The space file that is meant; that it was found in `search_spaces/` is said."""
    from tuner.space import find

    found = find(named)
    if found != named and not quiet:
        typer.echo(f"using {found}", err=True)
    return found


def and_storage(url: str) -> str:
    """What a command that we tell the user to type needs to find the same database."""
    return "" if url == DEFAULT_STORAGE else f" --storage {shlex.quote(url)}"
