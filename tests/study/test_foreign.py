"""What other programs have put into a database is looked at, and never taken for ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from typer.testing import CliRunner

from tests.support.asking import opened
from tuner.cli import app
from tuner.errors import StorageError, StudyError
from tuner.reports.notebook import load_study as load_notebook
from tuner.reports.study_report import page
from tuner.results.results import Results
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
        assert "Optimization history" in page(Results(Study(study)))


def test_an_empty_study_of_the_other_direction_is_not_taken_over(url: str) -> None:
    optuna.create_study(study_name="tiny", storage=url, direction="minimize")

    with pytest.raises(StudyError, match="was made for other directions"):
        opened(url)


LAYERS = [[64], [64, 32], [32, 32, 32]]
ODD = [None, True, 1, 1.5, "1", [1, [2]], {"a": [1]}]
ONE: dict[str, optuna.distributions.BaseDistribution] = {"x": optuna.distributions.FloatDistribution(0, 1)}


def of_lists(trial: optuna.Trial) -> float:
    # Optuna stores other values with a warning
    layers: Any = trial.suggest_categorical("layers", LAYERS)  # type: ignore[arg-type]
    return float(len(layers) + trial.suggest_float("lr", 0, 1))


def of_odd_choices(trial: optuna.Trial) -> float:
    # Optuna stores other values with a warning
    odd: Any = trial.suggest_categorical("odd", ODD)  # type: ignore[arg-type]
    return float(trial.suggest_float("x", 0, 1) + ODD.index(odd))


def of_three(trial: optuna.Trial) -> tuple[float, float, float]:
    return trial.suggest_float("x", 0, 1), [1e308, -1e308][trial.number % 2], of_lists(trial)


def of_changing_ranges(trial: optuna.Trial) -> float:
    number = trial.number + 1
    return trial.suggest_float("x", -number, number) + trial.suggest_int("n", 1, 2 + number)


def of_long_names(trial: optuna.Trial) -> float:
    return trial.suggest_float("p" * 600, 0, 1) + trial.suggest_float("[bold]<b>\n" * 9, 0, 1)


def failing(trial: optuna.Trial) -> float:
    trial.suggest_float("x", 0, 1)
    raise ValueError("no")


def pruned_at_once(trial: optuna.Trial) -> float:
    trial.report(trial.suggest_float("x", 0, 1), 0)
    raise optuna.TrialPruned


def add(study: optuna.Study, values: Iterable[float], **more: Any) -> None:
    for i, value in enumerate(values):
        study.add_trial(optuna.trial.create_trial(value=value, params={"x": i / 9}, distributions=ONE, **more))


def enqueued(study: optuna.Study) -> None:
    study.enqueue_trial({"x": [1, 2]})
    study.ask()
    study.enqueue_trial({"x": 1})


HOSTILE: dict[str, tuple[int, Callable[[optuna.Study], None]]] = {
    "lists": (1, lambda study: study.optimize(of_lists, 12)),
    "odd choices": (1, lambda study: study.optimize(of_odd_choices, 12)),
    "three objectives": (3, lambda study: study.optimize(of_three, 9)),
    "great values": (1, lambda study: add(study, [1e308, -1e308, 1e-308] * 3)),
    "infinite values": (1, lambda study: add(study, [math.inf, -math.inf, 1e308, -1e308, 1.0, 2.0])),
    "epochs": (
        1,
        lambda study: add(study, range(6), intermediate_values={0: math.inf, 1: math.nan, 2: -1e308, 3: 1e308}),
    ),
    "one value": (1, lambda study: add(study, [0.0] * 6)),
    "nothing": (1, lambda study: None),
    "nothing of two": (2, lambda study: None),
    "failures": (2, lambda study: study.optimize(failing, 3, catch=ValueError)),
    "pruned": (1, lambda study: study.optimize(pruned_at_once, 4)),
    "ranges": (1, lambda study: study.optimize(of_changing_ranges, 12)),
    "names": (1, lambda study: study.optimize(of_long_names, 6)),
    "attributes": (
        1,
        lambda study: add(study, [1.0], user_attrs={"big": "x" * 900_000, "history": "a", "attempt": "b"}),
    ),
    "enqueued": (1, enqueued),
}


@pytest.mark.parametrize(
    "name", [name if i == 0 else pytest.param(name, marks=pytest.mark.slow) for i, name in enumerate(HOSTILE)]
)
@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
def test_a_study_of_plain_optuna_is_read_by_every_command(name: str, url: str, tmp_path: Path) -> None:
    objectives, fill = HOSTILE[name]
    fill(optuna.create_study(study_name=name, storage=url, directions=["minimize"] * objectives))

    shown = [("list",), ("status", name), ("show", name), ("show", name, "--format", "json")]
    drawn = ("report", name, "-o", str(tmp_path / "report.html"))
    for command in (*shown, ("show", name, "--format", "yaml"), drawn):
        called = CliRunner().invoke(app, [*command, "--storage", url])
        assert called.exit_code == 0, (command, called.output, called.exception)
    assert name in load_notebook(name, storage=url)._repr_html_()


def test_choices_that_are_lists_are_shown_as_they_are(url: str) -> None:
    optuna.create_study(study_name="lists", storage=url).optimize(of_lists, 12)

    called = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["show", "lists", "--storage", url])

    assert "[64]" in called.output


def test_a_database_of_an_older_optuna_is_told_how_to_be_upgraded(url: str) -> None:
    optuna.create_study(study_name="old", storage=url)
    with sqlalchemy.create_engine(url).begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = 'v2.6.0.a'"))

    with pytest.raises(StorageError, match=f"made by an older Optuna: `optuna storage upgrade --storage {url}`"):
        open_storage(url)
