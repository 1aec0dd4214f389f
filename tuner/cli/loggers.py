"""Loggers of `tuner run`: each has an option, and sees every event of a run.

A logger is a file in `tuner/cli/views/` and a line in `LOGGERS`. Its file has a function `log_to`: a context that opens
what the option names, and yields an observer.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuner.cli import options

if TYPE_CHECKING:
    from tuner.search.events import Event, Observer


@dataclass(frozen=True, slots=True)
class Logger:
    """A logger as `tuner run` knows it before it loads the logger's module.

    Attributes:
        parameter: its option as a parameter; `log_file` is `--log-file`.
        module: the file in `tuner/cli/views/`.
        metavar: what the option names.
        help: the option's line in `tuner run --help`.
    """

    parameter: str
    module: str
    metavar: str
    help: str

    @property
    def option(self) -> inspect.Parameter:
        """The option as a parameter of a command."""
        given = typer.Option(metavar=self.metavar, help=self.help, rich_help_panel=options.OUTPUT)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Parameter(self.parameter, kind, default=None, annotation=Annotated[str | None, given])


LOGGERS: list[Logger] = [
    Logger("log_file", "event_log", "FILE", "Add every event to this file, a line of JSON each."),
]

Targets = Mapping[str, str]
"""What the options of loggers name, by their parameters; a logger that is not there is off."""


def with_loggers(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all loggers in place of its parameter `targets`."""
    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        parameters += [logger.option for logger in LOGGERS] if parameter.name == "targets" else [parameter]

    @functools.wraps(command)
    def with_options(**arguments: Any) -> None:
        given = {logger.parameter: arguments.pop(logger.parameter, None) for logger in LOGGERS}
        command(**arguments, targets={name: target for name, target in given.items() if target is not None})

    shown: Any = with_options
    shown.__signature__ = signature.replace(parameters=parameters)
    shown.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


@contextlib.contextmanager
def logged(targets: Targets, observe: Observer) -> Iterator[Observer]:
    """Open the loggers that are asked for.

    Args:
        targets: what each is to write to.
        observe: sees each event after them.

    Yields:
        An observer that shows each event to all of them.
    """
    with contextlib.ExitStack() as stack:
        observers: list[Observer] = []
        for logger in LOGGERS:
            if logger.parameter in targets:
                module = importlib.import_module(f"tuner.cli.views.{logger.module}")
                observers.append(stack.enter_context(module.log_to(targets[logger.parameter])))

        def see(event: Event) -> None:
            for observer in (*observers, observe):
                observer(event)

        yield see
