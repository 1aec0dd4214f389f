"""Trials that take the whole run along, and functions that go on: over several runs, in the real database."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch

from tests.conftest import Cli
from tests.support.asking import opened
from tuner.protocol import Outcome, Place, State

PLACE = Place("0", "here", "cpu", 1)
FUNCTION = """\
study: {{name: own, seed: 3}}
search: {{trials: {trials}, retries: {retries}, sampler: {{type: RandomSampler}}, pruner: null}}
objective: {{function: own.py:fit, metric: f1, direction: maximize}}
x: {{float: [0, 1]}}
"""


def space(folder: Path, code: str, trials: int = 1, retries: int = 1) -> None:
    (folder / "own.py").write_text(code)
    (folder / "own.yaml").write_text(FUNCTION.format(trials=trials, retries=retries))


def trials_in(folder: Path) -> list[Any]:
    return optuna.load_study(study_name="own", storage=f"sqlite:///{folder}/studies.db").trials


@pytest.mark.slow
def test_a_trial_that_kills_the_run_has_failed_after_its_retries_and_says_so(
    tmp_path: Path, cli: Cli, cli_process: Cli
) -> None:
    space(tmp_path, "import os\ndef fit(config, report):\n    os.kill(os.getpid(), 9)\n")

    codes = [cli_process("run", "--space", "own.yaml").returncode for _ in range(2)]
    last = cli("run", "--space", "own.yaml")

    assert codes == [-signal.SIGKILL] * 2
    assert last.returncode == 3
    assert "its process died, and the run with it, 2 times: out of memory" in last.stderr
    assert [(each.state.name, each.user_attrs["losses"]) for each in trials_in(tmp_path)] == [("FAIL", 2)]


@pytest.mark.slow
def test_an_exit_of_a_worker_is_its_cause(tmp_path: Path, cli: Cli) -> None:
    space(tmp_path, "import os\ndef fit(config, report):\n    os._exit(7)\n", retries=0)

    done = cli("run", "--space", "own.yaml", "--workers", "2")

    assert done.returncode == 3
    assert "its worker died (exit code 7)" in done.stderr


def test_what_the_worker_only_held_loses_no_attempt_and_what_ran_does(url: str) -> None:
    trials = opened(url)
    trials.ask(PLACE)
    trials.ask()
    trials.running.place(1, PLACE)

    trials = opened(url)
    recovered = trials.recover()

    assert recovered == 2
    assert [record.attributes.losses for record in trials.study.records()] == [1, None]


def test_a_trial_that_begins_later_is_written_before_it_does(url: str) -> None:
    trials = opened(url)
    trials.ask()
    trials.running.place(0, PLACE)
    trials.running.begin(0)

    trials = opened(url)
    trials.recover()

    assert trials.study.record(0).attributes.losses == 1


def test_who_dies_in_company_is_tried_alone_before_it_has_failed(url: str) -> None:
    for _ in range(5):  # more often than may be
        trials = opened(url)
        trials.recover()
        for _ in range(2):
            trials.ask(PLACE)
    trials = opened(url)
    trials.recover()

    assert {record.state for record in trials.study.records()} == {"waiting"}
    trials.ask(PLACE)
    assert trials.must_be_alone("0")
    trials = opened(url)
    trials.recover()
    assert [record.state for record in trials.study.records()] == ["lost", "waiting"]
    assert [outcome.trial for outcome in trials.take_lost()] == [0]


def test_ctrl_c_costs_no_attempt(url: str) -> None:
    for _ in range(5):
        trials = opened(url)
        trials.recover()
        trials.ask(PLACE)
        trials.tell(Outcome(0, 1, State.SUSPENDED))

    assert trials.study.record(0).state == "waiting"
    assert trials.study.record(0).attributes.losses is None


@pytest.mark.parametrize("begins", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_a_function_keeps_the_epochs_before_its_own_checkpoint(tmp_path: Path, cli: Cli, begins: int) -> None:
    code = f"""\
import os
from pathlib import Path

def fit(config, report):
    again = Path(__file__).with_name("again")
    first = {begins} if again.exists() else 1
    again.touch()
    less = 0.05 if Path("second").exists() else 0
    for epoch in range(first, 7):
        report(epoch, f1=[0, 0.2, 0.9, 0.4, 0.3, 0.5, 0.1][epoch] - less)
        if epoch == 3 and not Path("second").exists():
            Path("second").touch()
            os.kill(os.getpid(), 2)
"""
    space(tmp_path, code)

    cut = cli("run", "--space", "own.yaml")
    done = cli("run", "--space", "own.yaml")

    assert (cut.returncode, done.returncode) == (130, 0), cut.stderr + done.stderr
    shown = json.loads(cli("show", "own", "--trial", "0", "--format", "json").stdout)
    trial = trials_in(tmp_path)[0]
    assert shown["epoch"] == 2
    assert trial.value == pytest.approx(0.9 if begins == 4 else 0.85)
    assert list(trial.intermediate_values) == [1, 2, 3, 4, 5, 6]


def test_the_seed_that_is_shown_is_the_functions_and_every_generators(tmp_path: Path, cli: Cli) -> None:
    space(
        tmp_path,
        "import json, random\nimport numpy as np\nimport torch\nfrom pathlib import Path\n"
        "def fit(config, report, seed):\n"
        "    drawn = [seed, random.random(), float(np.random.rand()), float(torch.rand(()))]\n"
        "    Path(__file__).with_name('drawn').write_text(json.dumps(drawn))\n"
        "    return 1.0\n",
    )

    cli("run", "--space", "own.yaml")

    seed, *drawn = json.loads((tmp_path / "drawn").read_text())
    shown = cli("show", "own", "--trial", "0").stdout
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    assert drawn == [random.random(), float(np.random.rand()), float(torch.rand(()))]
    assert f" {seed}\n" in shown
