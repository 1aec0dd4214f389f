"""Commands of the documentation: typed as they stand, but in this process, or only read by the real command line."""

from __future__ import annotations

import shlex
import sys

import pytest
import typer.main

from tuner import cli

_GROUP = typer.main.get_command(cli.app)
COMMANDS = _GROUP.commands  # type: ignore[attr-defined]  # it is a group of commands
OPTIONS = {
    option for command in (_GROUP, *COMMANDS.values()) for parameter in command.params for option in parameter.opts
}
"""All options of all commands, and of `tuner` itself."""


def read(command: str) -> None:
    """Read a command as `tuner` would, and do nothing; what other programs would make of one is not known here.

    Raises:
        TyperException: it has no such option, or lacks an argument.
        KeyError: there is no such command.
    """
    program, *words = shlex.split(command)
    if program == "tuner":
        name, *arguments = cli.spelt_out(words)
        COMMANDS[name].make_context(name, arguments)


def run(command: str, patch: pytest.MonkeyPatch) -> int:
    """Run a command of `tuner` in the current folder, and give its exit code.

    Raises:
        ValueError: it is of another program.
    """
    words = shlex.split(command)
    if words[0] != "tuner":
        raise ValueError(f"{command}: a test runs tuner alone; say no-run")
    patch.setattr(sys, "argv", words)
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
