"""The real command in a terminal, seen as its user sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import struct
import subprocess
import termios
import threading
from pathlib import Path

import pytest

from tests.conftest import TINY, command, environment

pyte = pytest.importorskip("pyte")

NET = """\
import os, sys, warnings
from pathlib import Path
from torch import nn

print("net.py is imported")

class Net(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.epochs, self.trained = 0, True

    def forward(self, images):
        if self.training and self.trained:
            self.trained, self.epochs = False, self.epochs + 1
            self.say()
        self.trained = self.trained or not self.training
        return super().forward(images.flatten(1))

    def say(self):
        print(f"epoch {self.epochs} begins in [brackets]")
        if self.epochs == 2:
            warnings.warn("a bad omen")
            os.system("echo a child speaks")
        if self.epochs == 3:
            print("a line in", end=" ", flush=True)
            print("two parts", file=sys.stderr)
        if self.epochs == 4 and os.environ.get("MAY_DIE") and not Path("died").exists():
            Path("died").touch()
            os.kill(os.getpid(), 9)
"""
SPACE = TINY[: TINY.index("model:")] + "model: {type: net.py:Net}\noptimizer: {type: SGD, lr: {float: [0.01, 0.1]}}\n"


def watched(folder: Path, columns: int, *call: str, **variables: str) -> tuple[list[str], set[str]]:
    """What is left on the terminal when the command has ended, and every line that was ever on it."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {key: value for key, value in environment().items() if key not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        call,
        cwd=folder,
        env={**kept, "TERM": "xterm-256color", **variables},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    killer = threading.Timer(120, process.kill)
    killer.start()
    os.close(follower)
    screen = pyte.HistoryScreen(columns, 40, history=1000)
    stream, ever = pyte.ByteStream(screen), set()
    while chunk := _read(leader):
        stream.feed(chunk)
        ever |= {line.rstrip() for line in screen.display}
    assert process.wait() == 0, "\n".join(screen.display)
    killer.cancel()
    above = ["".join(row[i].data for i in range(columns)) for row in screen.history.top]
    return [line.rstrip() for line in [*above, *screen.display]], ever


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.slow
def test_what_a_trial_prints_stands_whole_above_the_view_and_the_view_in_no_log(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "own.yaml").write_text(SPACE)

    run = [*command(), "run", "--space", "own.yaml", "--n-trials", "2", "--epochs", "4", "--set", "data.batch_size=2"]
    left, ever = watched(tmp_path, 160, *run)  # batches so small that each trial takes longer than a look at the screen

    assert left.count("epoch 3 begins in [brackets]") == left.count("epoch 4 begins in [brackets]") == 2
    assert left.count("a line in two parts") == left.count("a child speaks") == 2
    assert sum(line.endswith("UserWarning: a bad omen") for line in left) == 2
    assert not any(line.startswith(("worker", "tiny", "best")) for line in left)
    assert any(line.startswith("worker 0  ") for line in ever)
    assert any(line.startswith("best accuracy 0.") for line in ever)
    assert "Best of 2 trials in study tiny: trial " in "".join(left)
    log = next(tmp_path.glob(".tuner/*/logs/1.log")).read_text()
    assert [line for line in log.splitlines() if "warn" not in line.lower()] == [
        "epoch 1 begins in [brackets]",
        "epoch 2 begins in [brackets]",
        "epoch 3 begins in [brackets]",
        "a line in two parts",
        "epoch 4 begins in [brackets]",
    ]


@pytest.mark.slow
def test_two_workers_have_a_row_each_and_one_that_dies_says_why(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "own.yaml").write_text(SPACE)

    left, ever = watched(
        tmp_path,
        50,
        *command(),
        *["run", "--space", "own.yaml", "--workers", "2", "--epochs", "16", "--set", "data.batch_size=8"],
        MAY_DIE="1",
    )

    rows = [line.split() for line in ever if line.startswith(("0  ", "1  "))]
    assert any(row[1] == "trial" and row[-3].endswith("/16") and row[-2] == "accuracy" for row in rows)
    assert {row[0] for row in rows} == {"0", "1"}
    assert any(row[-2:] == ["replaced:", "SIGKILL"] for row in rows)
    assert left.count("net.py is imported") == 5  # by the check, as it tries to save, by two workers, and by the third
    assert left.count("epoch 2 begins in [brackets]") == 0  # in workers it goes to the trial's log alone


@pytest.mark.slow
def test_stdout_that_leads_elsewhere_gets_the_result_alone(tmp_path: Path, tiny: Path) -> None:
    run = f"{shlex.join([*command(), 'run', '--space', tiny.name, '--epochs', '20'])} > result.txt"

    left, ever = watched(tmp_path, 60, "sh", "-c", run)

    assert (tmp_path / "result.txt").read_text().startswith("Best of 3 trials in study tiny")
    assert any("of 3 trials" in line for line in ever)
    assert set(left) == {""}
