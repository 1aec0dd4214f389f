"""Help that fits its terminal, and a suggestion for an unknown command.

Wide terminals get typer's panels. On narrow ones a panel's columns would cut words. There each option has its own line,
with its help below.
"""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from tuner.errors import UsageError, did_you_mean, listing

PANELS_FROM = 76
"""Least width of a terminal, in columns, on which a panel cuts no word."""

MEANT = {
    **dict.fromkeys(("tune", "search", "start", "resume", "optimize", "continue"), "run"),
    **dict.fromkeys(("fit", "finalize", "final"), "train"),
    **dict.fromkeys(("ls", "studies"), "list"),
    **dict.fromkeys(("rm", "remove", "drop"), "delete"),
    **dict.fromkeys(("validate", "lint", "test"), "check"),
    **dict.fromkeys(("plot", "html"), "report"),
    **dict.fromkeys(("best", "save"), "export"),
    **dict.fromkeys(("infer", "apply"), "predict"),
    **dict.fromkeys(("new", "create", "draft"), "init"),
    **dict.fromkeys(("watch", "ps", "top"), "status"),
    **dict.fromkeys(("ui", "web"), "dashboard"),
    **dict.fromkeys(("server", "service"), "serve"),
    **dict.fromkeys(("info", "describe"), "show"),
}
"""Names that other programs have for a command."""


def help_of(function: Callable[..., object]) -> str:
    """Return a docstring with each paragraph on one line, so that the terminal wraps it."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)


class Command(TyperCommand):
    """A command whose help fits its terminal."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # of click as typer has it, which is private
        """Write the help."""
        width = shutil.get_terminal_size().columns
        if width >= PANELS_FROM:
            super().format_help(ctx, formatter)
        else:
            formatter.write("\n".join(_lines(self, ctx, width)) + "\n")


class Group(TyperGroup):
    """The group of commands, with help that fits its terminal."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        width = shutil.get_terminal_size().columns
        if width >= PANELS_FROM:
            super().format_help(ctx, formatter)
            return
        commands = [("Commands", name, command.get_short_help_str(500)) for name, command in self.commands.items()]
        formatter.write("\n".join([*_lines(self, ctx, width), *_entries(commands, width)]) + "\n")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the arguments begin with.

        Raises:
            UsageError: there is none; the message suggests a similar command.
        """
        name = args[0]
        if name in self.commands or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if Path(name).suffix in (".yaml", ".yml"):
            raise UsageError(f"{name} is no command: did you mean `tuner run {name}`?")
        if name.lower() in MEANT:
            raise UsageError(f"there is no command {name}: did you mean `tuner {MEANT[name.lower()]}`?")
        raise UsageError(
            f"there is no command {name}{did_you_mean(name, self.commands)}: there are {listing(self.commands)}"
        )


class Subgroup(Group):
    """The actions of one command, with help that fits its terminal."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the action that the arguments begin with.

        Raises:
            UsageError: there is none; the message suggests a similar one.
        """
        name = args[0]
        if name in self.commands or name.startswith("-"):
            return TyperGroup.resolve_command(self, ctx, args)
        hint = did_you_mean(name, self.commands)
        raise UsageError(f"tuner {self.name} has no action {name}{hint}: there are {listing(self.commands)}")


def _lines(command: Any, ctx: Any, width: int) -> Iterator[str]:
    """Yield the usage, the text, and each argument and option."""
    yield from _wrapped(command.get_usage(ctx), "", width)
    for paragraph in (command.help or "").split("\n\n"):
        yield ""
        yield from _wrapped(paragraph, "", width)
    entries = []
    for parameter in command.get_params(ctx):
        if (record := parameter.get_help_record(ctx)) is not None:
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            entries.append((getattr(parameter, "rich_help_panel", None) or usual, *record))
    yield from _entries(entries, width)


def _entries(entries: list[tuple[str, str, str]], width: int) -> Iterator[str]:
    """Yield each name with its help below, under the title of its group."""
    for title in dict.fromkeys(title for title, _, _ in entries):
        yield from ("", f"{title}:")
        for name, told in ((name, told) for group, name, told in entries if group == title):
            yield from _wrapped(name, "  ", width)
            yield from _wrapped(told, "      ", width)


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
