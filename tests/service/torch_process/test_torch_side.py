"""The other side: a task that fails, hangs or dies harms no other."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.conftest import TINY, until
from tuner.errors import SpaceError, TunerError
from tuner.service.torch_process import torch_side
from tuner.service.torch_process.torch_side import TorchSide

KILLS = "import os, signal\nfrom torch import nn\nos.kill(os.getpid(), signal.SIGSEGV)\nNet = nn.Linear\n"
HANGS = "import time\nfrom torch import nn\ntime.sleep(600)\nNet = nn.Linear\n"


@pytest.fixture(scope="module")
def side() -> Iterator[TorchSide]:
    made = TorchSide(idle=0.3)
    yield made
    made.close()


def checked(side: TorchSide, folder: Path, code: str, seconds: float = 120.0) -> object:
    folder.mkdir(exist_ok=True)
    (folder / "net.py").write_text(code)
    text = TINY[: TINY.index("model:")] + "model: {type: net.py:Net}\noptimizer: {type: SGD, lr: 0.1}\n"
    return side.run("check", text, "space.yaml", str(folder), [], "sqlite:///none.db", seconds=seconds)


@pytest.mark.slow
def test_a_task_that_dies_hangs_or_fails_leaves_the_others_alone(side: TorchSide, tmp_path: Path) -> None:
    found = side.run("check", TINY, "space.yaml", str(tmp_path), [], "sqlite:///none.db")
    assert found["data"] == {
        "type": "digits",
        "task": "classification",
        "train_rows": 1149,
        "valid_rows": 288,
        "folds": 1,
    }
    before = side.is_running

    with pytest.raises(TunerError, match="died"):
        checked(side, tmp_path / "a", KILLS)
    with pytest.raises(TunerError, match="more than 1 seconds"):
        checked(side, tmp_path / "b", HANGS, seconds=1)
    with pytest.raises(SpaceError, match="Net"):
        checked(side, tmp_path / "c", "from torch import nn\n")

    assert before
    assert side.run("check", TINY, "space.yaml", str(tmp_path), [], "sqlite:///none.db") == found


@pytest.mark.slow
def test_tasks_run_side_by_side_and_the_keeper_ends_when_none_comes(side: TorchSide, tmp_path: Path) -> None:
    found: list[object] = []

    def task() -> None:
        found.append(side.run("check", TINY, "space.yaml", str(tmp_path), [], "sqlite:///none.db"))

    threads = [threading.Thread(target=task) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    until(lambda: not side.is_running, seconds=20)
    assert not [each for each in psutil.Process().children() if "torch_keeper" in " ".join(each.cmdline())]


def test_more_tasks_than_may_wait_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_side, "MOST_WAITING", 0)
    side = TorchSide(at_once=1)
    entered, leave = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def held() -> Iterator[SimpleNamespace]:
        entered.set()
        leave.wait(10)
        yield SimpleNamespace(run=lambda task, arguments, seconds: "done")

    monkeypatch.setattr(side, "_entered", held)
    working = threading.Thread(target=side.run, args=("check",))
    working.start()
    entered.wait(10)

    with pytest.raises(torch_side.Busy, match="repeat it later"):
        side.run("check")

    leave.set()
    working.join()
    assert side.run("check") == "done"
