"""The command line of `tuner`, called in this process: a Python that starts and imports torch takes seconds.

A test calls it in a process of its own where that process is what it tests: signals, exits, what is imported.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO
from unittest import mock

from tuner import cli
from tuner.runtime import user_code


def call(
    folder: Path, arguments: Sequence[str], environment: Mapping[str, str], typed: str | None
) -> subprocess.CompletedProcess[str]:
    """Call `tuner` as a process of its own would be called: its folder, environment, streams and exit code.

    Warnings go to pytest. Modules of the folder are forgotten, so that the next call reads them anew.
    """
    words = [str(argument) for argument in arguments]
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", ["tuner", *words]),
        mock.patch("gc.freeze"),
        mock.patch("gc.set_threshold"),
    ):
        given.write((typed or "").encode())
        given.seek(0)
        with _streams(given, out, err):
            code = _exit_code()
        user_code.forget(folder.resolve())
        return subprocess.CompletedProcess(words, code, _text(out), _text(err))


def _exit_code() -> int:
    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@contextlib.contextmanager
def _streams(given: IO[bytes], out: IO[bytes], err: IO[bytes]) -> Iterator[None]:
    """Replace the three streams, those of Python and the descriptors that other processes inherit."""
    kept = [os.dup(number) for number in range(3)]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for number, file in enumerate((given, out, err)):
        os.dup2(file.fileno(), number)
    try:
        with (
            open(0, closefd=False) as stdin,
            open(1, "w", closefd=False) as stdout,
            open(2, "w", buffering=1, closefd=False) as stderr,
            mock.patch.multiple(sys, stdin=stdin, stdout=stdout, stderr=stderr),
        ):
            yield
    finally:
        for number, file_number in enumerate(kept):
            os.dup2(file_number, number)
            os.close(file_number)
