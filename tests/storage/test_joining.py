"""The real command, run twice on one study, over a real PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from tests.conftest import TINY, command, environment, until
from tests.support.postgres import Server
from tests.support.sharing import execute


@dataclass(frozen=True, slots=True)
class Run:
    """A driver in a folder and process of its own."""

    process: subprocess.Popen[str]
    log: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def end(self) -> tuple[int, str]:
        """Its exit code and what it printed, once it is over."""
        printed = "".join(self.process.communicate(timeout=120))
        return self.process.returncode, printed


@contextlib.contextmanager
def runs(folder: Path, url: str, text: str) -> Iterator[tuple[Run, Run]]:
    """Two drivers that join a study at the same moment."""
    started = [_start(folder / name, url, text) for name in ("first", "second")]
    try:
        yield started[0], started[1]
    finally:
        for each in started:
            each.process.kill()
            each.process.communicate()


def _start(folder: Path, url: str, text: str) -> Run:
    folder.mkdir()
    (folder / "tiny.yaml").write_text(text)
    call = [*command(), "run", "--space", "tiny.yaml", "--storage", url, "--log-file", "log.jsonl"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(call, cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True)
    return Run(process, folder / "log.jsonl")


def trials(url: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="tiny", storage=url).trials


def check_total(url: str, total: int) -> None:
    """Whether a study has exactly so many trials, each of them ended, and nobody's lease is left."""
    there = trials(url)
    assert [trial.number for trial in there] == list(range(total))
    assert {trial.state.name for trial in there} == {"COMPLETE"}
    assert execute(url, "SELECT driver FROM tuner_leases") == []


def test_drivers_that_join_at_the_same_moment_end_with_exactly_the_total(tmp_path: Path, postgres: str) -> None:
    with runs(tmp_path, postgres, TINY.replace("trials: 3", "trials: 60")) as (first, second):
        ends = [first.end(), second.end()]

    assert [code for code, _ in ends] == [0, 0], ends
    check_total(postgres, 60)
    begun = [event["trial"] for run in (first, second) for event in run.events("started")]
    assert sorted(begun) == list(range(60))
    assert first.events("started")
    assert second.events("started")


def test_drivers_share_what_was_tried_and_both_end_where_nothing_is_left(tmp_path: Path, postgres: str) -> None:
    text = TINY.replace("trials: 3", "trials: 60")
    text = re.sub(r"(?m)^model:.*$", "model: {type: MLP, hidden: [{int: [4, 9]}]}", text)
    text = re.sub(r"(?ms)^optimizer:.*?^(?=\w)", "optimizer: {type: SGD, lr: {choice: [0.1, 0.2]}}\n", text)
    with runs(tmp_path, postgres, text) as (first, second):
        ends = [first.end(), second.end()]

    assert [code for code, _ in ends] == [0, 0], ends
    check_total(postgres, 12)
    assert len({str(trial.params) for trial in trials(postgres)}) == 12
    assert any("every config of the space was tried" in printed for _, printed in ends)


def test_the_trials_of_a_killed_driver_are_taken_over(tmp_path: Path, postgres: str) -> None:
    text = TINY.replace("epochs: 2", "epochs: 80")
    with runs(tmp_path, postgres, text) as (first, second):
        until(lambda: first.events("reported") and second.events("reported"))
        first.process.send_signal(signal.SIGKILL)
        left = first.events("started")[-1]["trial"]
        code, printed = second.end()

    assert code == 0, printed
    check_total(postgres, 3)
    taken = trials(postgres)[left]
    assert taken.user_attrs["attempt"] == 2
    assert str(second.process.pid) in taken.user_attrs["driver"]


def test_a_restart_of_the_server_makes_drivers_wait_and_costs_nothing(
    tmp_path: Path, server: Server, postgres: str
) -> None:
    with runs(tmp_path, postgres, TINY.replace("trials: 3", "trials: 8").replace("epochs: 2", "epochs: 30")) as both:
        until(lambda: all(run.events("reported") for run in both))
        server.stop()
        until(lambda: all(run.events("trouble") for run in both))
        server.start()
        ends = [run.end() for run in both]

    assert [code for code, _ in ends] == [0, 0], ends
    for run, (_, printed) in zip(both, ends, strict=True):
        assert "the database cannot be reached: waiting for it" in run.events("trouble")[0]["message"]
        assert "Traceback" not in printed
    check_total(postgres, 8)
    assert {len(trial.system_attrs["tuner:history"]["loss"]) for trial in trials(postgres)} == {30}
