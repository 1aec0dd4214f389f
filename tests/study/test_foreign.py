"""What other programs have put into a database is looked at, and never taken for ours."""

from __future__ import annotations

import optuna
import pytest
from typer.testing import CliRunner

from tests.study.asking import opened
from tuner.cli import app
from tuner.errors import StudyError
from tuner.reporting import page
from tuner.storage import open_storage
from tuner.study import Study, load_study


def test_attributes_of_other_programs_that_are_called_as_ours_mean_nothing(url: str) -> None:
    study = optuna.create_study(study_name="foreign", storage=url)
    for name in ("fork", "stop", "warm start"):
        study.set_user_attr(name, "abc")
    study.add_trial(optuna.trial.create_trial(value=1.0, user_attrs={"origin": "manual"}))

    for command in (["list"], ["status", "foreign"], ["show", "foreign"], ["show", "foreign", "--trial", "0"]):
        called = CliRunner().invoke(app, [*command, "--storage", url])
        assert called.exit_code == 0, (command, called.output, called.exception)


def test_a_trial_of_ours_that_another_program_has_ended_is_what_that_says(url: str) -> None:
    trials = opened(url)
    number = trials.ask().number
    optuna.load_study(study_name="tiny", storage=url).tell(number, state=optuna.trial.TrialState.FAIL)

    assert load_study(open_storage(url), "tiny").records()[number].state == "failed"
    for command in (["list"], ["status", "tiny"], ["show", "tiny"], ["show", "tiny", "--trial", str(number)]):
        called = CliRunner().invoke(app, [*command, "--storage", url])
        assert called.exit_code == 0, (command, called.output, called.exception)


def test_values_that_are_not_finite_leave_a_page(url: str) -> None:
    endless = optuna.create_study(study_name="endless", storage=url)
    endless.add_trial(optuna.trial.create_trial(value=float("inf")))
    several = optuna.create_study(study_name="several", storage=url, directions=["minimize", "minimize"])
    for values in ([float("inf"), 1.0], [1.0, float("inf")]):
        several.add_trial(optuna.trial.create_trial(values=values))
    reported = optuna.create_study(study_name="reported", storage=url)
    reported.add_trial(optuna.trial.create_trial(value=1.0, intermediate_values={1: float("nan")}))

    for study in (endless, several, reported):
        assert "Optimization history" in page(Study(study))


def test_an_empty_study_of_the_other_direction_is_not_taken_over(url: str) -> None:
    optuna.create_study(study_name="tiny", storage=url, direction="minimize")

    with pytest.raises(StudyError, match="was made for other directions"):
        opened(url)
