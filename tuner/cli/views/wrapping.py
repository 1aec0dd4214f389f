"""Output of sentences and commands on stdout and stderr.

A terminal gets lines that end between words. A file, a pipe and another program get each sentence on one line.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
import textwrap
from typing import TextIO

from rich.console import Console
from rich.text import Text

FAILED = "bold red"
"""The style of errors."""


def edged(stream: TextIO) -> bool:
    """Return whether lines have a largest width: that of a terminal, or of `COLUMNS` on stdout."""
    return stream.isatty() or (stream is sys.stdout and "COLUMNS" in os.environ)


def say(text: str = "", style: str = "", err: bool = False) -> None:
    """Print text; a word longer than a line, such as a path, stays whole.

    Args:
        text: sentences, on any number of lines.
        style: a style of rich, shown if there are colours.
        err: whether to print to stderr.
    """
    stream = sys.stderr if err else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    console = Console(file=stream, markup=False, highlight=False)
    lines = _wrapped(text, console.width) if edged(stream) else text
    console.print(Text(lines, style=style), soft_wrap=True)


def _wrapped(text: str, width: int) -> str:
    """Return lines that end between words, each with the indent of its first line."""
    broken = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        wrap = textwrap.TextWrapper(width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        broken += wrap.wrap(line) or [""]
    return "\n".join(broken)


def show_command(command: str) -> None:
    """Print a command to type, indented; a long one is split into lines that a shell joins."""
    width = Console(file=sys.stdout).width if edged(sys.stdout) else 0
    lines, line = [], " "
    for word in _words(command):
        if width and line.strip() and len(f"{line} {word} \\") > width:
            lines.append(f"{line} \\")
            line = "   "
        line = f"{line} {word}"
    say("\n".join([*lines, line]))


def _words(command: str) -> list[str]:
    """Return the words as typed: quoted words stay quoted."""
    return [word if word == "&&" else shlex.quote(word) for word in shlex.split(command)]
