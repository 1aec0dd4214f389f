"""Commands on trials that come from elsewhere, called in this process."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest
from typer.testing import CliRunner

from tests.conftest import TINY
from tests.support.asking import complete, opened
from tuner.cli import app
from tuner.goal import Task, goal_of
from tuner.space import Space
from tuner.storage import Sole, open_storage
from tuner.study.fork import begin_fork, fork_of


@pytest.fixture
def storage(url: str) -> str:
    """One trial of study `tiny`, which its fork `new` has kept."""
    complete(opened(url, TINY), 0.75)
    space = Space.parse(TINY.replace("name: tiny", "name: new").replace("[1, 2]", "[1, 3]"))
    goal = goal_of(space.objective, Task.CLASSIFICATION)
    opened_ = open_storage(url)
    begin_fork(opened_, fork_of(opened_, "tiny", space, goal), space, goal, None, Sole())
    return url


def called(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_fork_and_its_trials_are_shown_with_where_they_come_from(storage: str) -> None:
    assert "fork of study tiny: 1 of its 1 trials kept" in called("show", "new", "--storage", storage)
    assert "kept from trial 0 of study tiny" in called("show", "new", "--trial", "0", "--storage", storage)
    assert "fork of" not in called("show", "tiny", "--storage", storage)


def test_export_says_where_a_kept_trial_comes_from(storage: str, tmp_path: Path) -> None:
    out = tmp_path / "best.yaml"

    told = called("export", "new", "--trial", "0", "-o", str(out), "--storage", storage)

    assert told == f"wrote {out}: trial 0; kept from trial 0 of study tiny\n"
    assert "origin: {study: tiny, trial: 0}" in out.read_text()


def test_check_shows_what_a_warm_start_would_train_first(storage: str, tmp_path: Path) -> None:
    file = tmp_path / "next.yaml"
    file.write_text(
        TINY.replace("name: tiny", "name: next").replace("trials: 3", "trials: 3, warm_start: {study: new}")
    )

    told = called("check", "--space", str(file), "--no-build", "--storage", storage)

    assert "Warm start with:\n  1. trial 0 of study new\n     {model.hidden.length: " in told


def test_a_trial_of_plain_optuna_is_shown_with_what_it_reported_and_the_bound_that_it_breaks(url: str) -> None:
    plain = optuna.create_study(study_name="plain", storage=url)
    trial = plain.ask()
    for step, value in enumerate((0.875, 0.625)):
        trial.report(value, step)
    trial.set_constraint("0", 0.25)
    plain.tell(trial, 0.625)

    shown = called("show", "plain", "--trial", "0", "--storage", url)

    assert "complete, out of bounds: constraint 0 by 0.25\n" in shown
    assert [line.split() for line in shown.split("steps:\n")[1].splitlines()[1:]] == [["0", "0.875"], ["1", "0.625"]]
    data = json.loads(called("show", "plain", "--trial", "0", "--format", "json", "--storage", url))
    assert data["reports"] == {"0": 0.875, "1": 0.625}
