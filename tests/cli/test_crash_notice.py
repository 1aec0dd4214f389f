"""User code that ends the whole process: the user reads which file did it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import command, environment

SPACE = """\
study: {name: sudden}
search: {trials: 1}
objective: {function: mine.py:fit, metric: loss, direction: minimize}
x: {float: [0, 1]}
"""
FIT = "\ndef fit(config, report): return 1.0\n"


LIGHT = """\
import os
from tuner.cli.crash_notice import noticed

with noticed():
    {code}
"""


def light(code: str) -> subprocess.CompletedProcess[str]:
    """Run code beside the notice alone, in a process that imports nothing of torch."""
    script = LIGHT.format(code=code)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)


def test_the_line_of_an_exit_at_once_is_named() -> None:
    ended = light("os._exit(3)")

    message = "tuner: <string> line 5 ended tuner by os._exit(3): raise an exception instead\n"
    assert (ended.returncode, ended.stderr) == (3, message)


def test_forked_children_leave_without_a_word() -> None:
    ended = light("if os.fork() == 0: os._exit(3)\n    os.wait()")

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_crash_names_its_line() -> None:
    ended = light("import ctypes; ctypes.string_at(0)")

    assert ended.returncode < 0
    assert 'File "<string>", line 5 in <module>' in ended.stderr


def said(folder: Path, code: str, what: str) -> subprocess.CompletedProcess[str]:
    (folder / "mine.py").write_text(code)
    (folder / "sudden.yaml").write_text(SPACE)
    arguments = [*command(), what, "sudden.yaml"]
    return subprocess.run(arguments, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "line"),
    [
        pytest.param("import os; os._exit(3)" + FIT, 1, id="import"),
        pytest.param("import os\ndef fit(config, report):\n    os._exit(status=3)\n", 3, id="trial"),
    ],
)
def test_the_line_that_ends_tuner_by_an_exit_at_once_is_named(tmp_path: Path, code: str, line: int) -> None:
    ended = said(tmp_path, code, "run")

    message = f"tuner: {tmp_path / 'mine.py'} line {line} ended tuner by os._exit(3): raise an exception instead\n"
    assert ended.returncode == 3
    assert ended.stderr.endswith(message)


@pytest.mark.slow
def test_a_crash_names_the_line_of_user_code(tmp_path: Path) -> None:
    ended = said(tmp_path, "import ctypes; ctypes.string_at(0)" + FIT, "check")

    assert ended.returncode < 0
    assert f'File "{tmp_path / "mine.py"}", line 1 in <module>' in ended.stderr


@pytest.mark.slow
def test_children_that_user_code_forks_leave_without_a_word(tmp_path: Path) -> None:
    ended = said(tmp_path, "import os\nif os.fork() == 0:\n    os._exit(3)\nos.wait()" + FIT, "check")

    assert (ended.returncode, ended.stderr) == (0, "")
