"""Commands of the documentation: typed as they stand, but in this process, or only read by the real command line."""

from __future__ import annotations

import runpy
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
    """Run `tuner ...` or `python FILE` in the current folder, and give the exit code.

    Raises:
        ValueError: it is another program.
    """
    program, *words = shlex.split(command)
    patch.setattr(sys, "argv", [program, *words] if program == "tuner" else words)
    try:
        if program == "tuner":
            cli.main()
        elif program == "python":
            runpy.run_path(words[0], run_name="__main__")
        else:
            raise ValueError(f"{command}: a test runs tuner and python alone; say no-run")
    except SystemExit as end:
        return int(end.code or 0)
    return 0
