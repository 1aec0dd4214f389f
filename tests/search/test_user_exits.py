"""Own code that leaves: at import, in data, in a model, in a function, in final training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tuner
from tests.conftest import Cli, objective
from tests.support.ports import FakePort
from tuner.engines.function import run_fit
from tuner.errors import TunerError, UsageError
from tuner.goal import goal_of
from tuner.protocol import State, Trial
from tuner.runtime.signals import interruptible
from tuner.space import Space

SPACE = """\
study: {name: leaving}
search: {trials: 1}
data: {type: DATA, batch_size: 64}
model: {type: MODEL}
optimizer: {type: Adam, lr: {float: [1e-3, 1e-2]}}
training: {epochs: 1}
"""
FUNCTION = """\
study: {name: leaving}
search: {trials: 2}
objective: {function: own.py:fit, metric: f1, direction: maximize}
x: {float: [0, 1]}
"""
PARSES = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", REQUIRED)
options = parser.parse_args()
def fit(config, report):
    return 1.0
"""


def test_options_that_are_parsed_at_import_are_none(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "own.py").write_text(PARSES.replace("REQUIRED", "default=1"))
    (tmp_path / "own.yaml").write_text(FUNCTION)

    done = cli("run", "--space", "own.yaml", "-q")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["run", pytest.param("check", marks=pytest.mark.slow)])
def test_an_exit_at_import_is_an_error_that_names_the_line(tmp_path: Path, cli: Cli, command: str) -> None:
    (tmp_path / "own.py").write_text(PARSES.replace("REQUIRED", "required=True"))
    (tmp_path / "own.yaml").write_text(FUNCTION)

    done = cli(command, "--space" if command == "run" else "own.yaml", *(["own.yaml"] if command == "run" else []))

    assert done.returncode == 2
    assert (
        "own.py:fit: importing it ended in own.py line 4, `options = parser.parse_args()`: SystemExit: 2" in done.stderr
    )
    assert "usage: own.py" in done.stderr  # the file's own words
    assert "usage: tuner" not in done.stderr.lower()


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise GeneratorExit('x')", "GeneratorExit: x"),
        ("raise KeyboardInterrupt('mine')", "KeyboardInterrupt: mine"),
        ("import asyncio; raise asyncio.CancelledError('c')", "CancelledError: c"),
    ],
)
def test_a_function_that_leaves_has_failed_and_not_the_run(raised: str, told: str) -> None:
    names: dict[str, Any] = {}
    exec(f"def fit(config, report):\n    {raised}\n", names)
    goal = goal_of(objective(["f1"]), None)

    with interruptible(lambda number: None):  # as in a run
        outcome = run_fit(names["fit"], goal, "cpu", None, Trial(0, 1, {}, 5), FakePort())

    assert outcome.state is State.FAILED
    assert outcome.cause.startswith(told)
    assert "in fit" in outcome.traceback


def test_ctrl_c_that_python_takes_is_no_failure_of_a_function() -> None:
    def fit(config: object, report: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_fit(fit, goal_of(objective(["f1"]), None), "cpu", None, Trial(0, 1, {}, 5), FakePort())


@pytest.mark.parametrize(
    ("data", "model", "path"),
    [("own.py:rows", "Linear", "data.type"), ("digits", "own.py:Net", "model"), ("digits", "own.py:Forward", "model")],
)
def test_data_and_models_that_leave_are_errors_of_the_space(
    tmp_path: Path, url: str, data: str, model: str, path: str
) -> None:
    (tmp_path / "own.py").write_text(
        "import sys\nfrom torch import nn\n"
        "def rows():\n    sys.exit('no rows')\n"
        "class Net(nn.Linear):\n    def __init__(self, in_features, out_features):\n        sys.exit('no net')\n"
        "class Forward(nn.Linear):\n    def forward(self, x):\n        sys.exit('no way')\n"
    )
    (tmp_path / "own.yaml").write_text(SPACE.replace("DATA", data).replace("MODEL", model))

    with pytest.raises(UsageError, match=rf": {path}.*SystemExit: no "):
        tuner.run(tmp_path / "own.yaml", storage=url)


def test_a_function_that_leaves_in_final_training_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import sys\ndef fit(config, report):\n    sys.exit(4)\n")
    text = FUNCTION.replace("{float: [0, 1]}", "1")

    with pytest.raises(TunerError, match="training ended as failed: SystemExit: 4"):
        tuner.train(Space.parse(text, base=tmp_path), tmp_path / "out")


def test_a_model_that_leaves_in_final_training_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import sys\nfrom torch import nn\n"
        "class Net(nn.Linear):\n"
        "    steps = 0\n"
        "    def forward(self, x):\n"
        "        Net.steps += 1\n"
        "        return super().forward(x.flatten(1)) if Net.steps < 40 else sys.exit('enough')\n"
    )
    text = SPACE.replace("DATA", "digits").replace("MODEL", "own.py:Net").replace("{float: [1e-3, 1e-2]}", "0.01")

    with pytest.raises(TunerError, match="final training failed: SystemExit: enough"):
        tuner.train(Space.parse(text.replace("epochs: 1", "epochs: 9"), base=tmp_path), tmp_path / "out")

    assert not (tmp_path / "out").exists()
