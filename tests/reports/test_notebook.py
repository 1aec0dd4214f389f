"""A study that shows itself in a notebook."""

from __future__ import annotations

import re

import optuna
import pytest

import tuner
from tests.support.asking import left_running
from tests.support.studies import study_of
from tuner.errors import StudyError
from tuner.reports.notebook import Notebook
from tuner.study import Study

URL = "sqlite:///none.db"
"""Of a database that nobody asks: none of the made-up trials runs."""


def html(trials: int) -> str:
    return Notebook(study_of(trials), URL)._repr_html_()


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_study_shows_its_facts_its_best_trials_and_two_figures() -> None:
    page = html(30)

    text = without_scripts(page)
    assert "loss, to minimize; 30 trials:" in text
    assert text.count("<tr>") == 6
    assert page.count('class="plotly-graph-div"') == 2
    assert page.count("plotly.js v") == 1


def test_it_says_what_cannot_be_told_from_chance() -> None:
    made = optuna.create_study()
    for i, value in enumerate((0.3, 0.1, 0.2)):
        made.add_trial(
            optuna.trial.create_trial(
                value=value, params={"x": i / 2}, distributions={"x": optuna.distributions.FloatDistribution(0, 1)}
            )
        )

    text = without_scripts(Notebook(Study(made), URL)._repr_html_())

    assert "No parameter can be told from chance in 3 trials." in text


def test_of_several_objectives_the_front_is_drawn() -> None:
    made = optuna.create_study(directions=["maximize", "minimize"])
    for x in (0.2, 0.8):
        made.add_trial(
            optuna.trial.create_trial(
                values=[x, x], params={"x": x}, distributions={"x": optuna.distributions.FloatDistribution(0, 1)}
            )
        )

    text = without_scripts(Notebook(Study(made), URL)._repr_html_())

    assert "<p>Pareto front</p>" in text
    assert "<p>Parameter importances of value 0</p>" in text


def test_it_needs_no_network_and_what_users_wrote_is_text() -> None:
    page = html(30)

    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page) == []
    assert "<b>made</b>" not in page
    assert "&lt;b&gt;made&lt;/b&gt;" in page


def test_a_study_without_trials_shows_its_facts_alone_and_is_small() -> None:
    page = html(0)

    assert "loss, to minimize; 0 trials" in page
    assert len(page) < 1000


def test_elsewhere_it_is_a_line_and_its_records_are_those_of_the_command(url: str) -> None:
    left_running(url)

    study = tuner.load_study("tiny", storage=url)

    assert repr(study) == "study tiny: accuracy, to maximize; 2 trials: 1 complete, 1 left running"
    assert [record.state for record in study.records()] == ["complete", "left running"]
    best = study.best()
    assert best is not None
    assert best.value == 0.9


def test_the_figures_of_the_report_are_there_by_their_titles() -> None:
    figures = Notebook(study_of(30), URL).figures()

    assert {"Optimization history", "Parameter importances", "Slices"} <= set(figures)
    assert figures["Slices"].layout.title.text is None


def test_a_study_that_is_not_there_is_an_error(url: str) -> None:
    study_of(0, url)

    with pytest.raises(StudyError, match="no study nope: there is <b>made</b> up"):
        tuner.load_study("nope", storage=url)
