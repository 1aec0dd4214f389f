from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment
from tuner.executors.output import Tee

FULL = Path("/dev/full")
"""A file on a disk that is full."""


def test_what_is_printed_goes_to_the_log_and_to_where_it_went(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Tee() as tee:
        print("before")
        tee.log_to(tmp_path / "0.log")
        print("of trial 0")
        print("a warning", file=sys.stderr)
        tee.log_to(tmp_path / "1.log")
        tee.log_to(None)
        print("after")

    assert (tmp_path / "0.log").read_text() == "of trial 0\na warning\n"
    assert not (tmp_path / "1.log").exists()  # it said nothing
    assert capsys.readouterr().out == "before\nof trial 0\nafter\n"


def test_a_program_finds_the_stream_that_it_expects(tmp_path: Path) -> None:
    with Tee() as tee:
        tee.log_to(tmp_path / "0.log")
        tee.write("\udce9 is no character")

        assert sys.stdout.encoding
        assert sys.stdout.errors
        assert sys.stdout.isatty() is False
        tee.log_to(None)

    assert "is no character" in (tmp_path / "0.log").read_text()


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_a_full_disk_fails_no_trial_that_prints() -> None:
    with Tee() as tee:
        tee.log_to(FULL)
        print("lost")
        tee.log_to(None)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_a_log_on_a_full_disk_is_left_and_the_next_is_written(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from tuner.executors.output import Redirection\n"
        "log = Redirection(); log.log_to(Path('/dev/full')); os.system('echo lost 2> /dev/null')\n"
        "log.log_to(Path('0.log'))\n"
        "os.system('echo of a program'); log.log_to(Path('1.log')); log.log_to(None); print('after')"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, "after\n"), done.stderr
    assert (tmp_path / "0.log").read_text() == "of a program\n"
    assert os.listdir(tmp_path) == ["0.log"]
