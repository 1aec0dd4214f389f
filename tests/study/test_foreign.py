"""What other programs have put into a database is looked at, and never taken for ours."""

from __future__ import annotations

import optuna
import pytest
from typer.testing import CliRunner

from tests.study.asking import opened
from tuner.cli import app
from tuner.errors import StudyError


def test_attributes_of_other_programs_that_are_called_as_ours_mean_nothing(url: str) -> None:
    study = optuna.create_study(study_name="foreign", storage=url)
    for name in ("fork", "stop", "warm start"):
        study.set_user_attr(name, "abc")
    study.add_trial(optuna.trial.create_trial(value=1.0, user_attrs={"origin": "manual"}))

    for command in (["list"], ["status", "foreign"], ["show", "foreign"], ["show", "foreign", "--trial", "0"]):
        called = CliRunner().invoke(app, [*command, "--storage", url])
        assert called.exit_code == 0, (command, called.output, called.exception)


def test_an_empty_study_of_the_other_direction_is_not_taken_over(url: str) -> None:
    optuna.create_study(study_name="tiny", storage=url, direction="minimize")

    with pytest.raises(StudyError, match="was made for other directions"):
        opened(url)
