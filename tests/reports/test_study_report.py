from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import optuna
import pytest

import tuner
from tests.support.studies import branched, large, study_of, study_of_several
from tuner.plots import pareto_front
from tuner.reports import study_report
from tuner.results.results import Results
from tuner.study import Attended, Study


def without_scripts(text: str) -> str:
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("trials", [0, 1, 2, 30])
def test_a_study_of_any_size_has_a_page(trials: int) -> None:
    text = without_scripts(study_report.page(Results(study_of(trials))))

    drawn, left_out = text.count('class="plot"'), re.search(r"(\d+) figures? left out", text)
    assert text.count("<section") == drawn + 2  # the answer and the table of trials
    assert drawn + (int(left_out[1]) if left_out else 0) == 11
    assert (left_out is not None) == (trials < 30)


def test_what_users_wrote_is_text_and_not_markup() -> None:
    whole = study_report.page(Results(study_of(30)))
    page = without_scripts(whole)

    assert "<b>made</b>" not in page
    assert "&lt;b&gt;made&lt;/b&gt;" in page
    assert "<script>alert" not in whole
    assert "&lt;script&gt;alert" in page


def test_the_page_fetches_nothing() -> None:
    page = study_report.page(Results(study_of(5)))

    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?!data:)', page) == []


def test_every_figure_is_told_in_words_and_every_section_has_a_heading_and_a_link() -> None:
    page = without_scripts(study_report.page(Results(branched(40))))

    figures = re.findall(r'role="group" aria-label="Figure: ([^"]*)"', page)
    assert len(figures) == page.count('class="plot"') > 5
    assert all(len(told) > 10 for told in figures)
    anchors = re.findall(r'<section id="([^"]+)" aria-labelledby="([^"]+)"', page)
    assert anchors
    for anchor, title in anchors:
        assert f'<h2 id="{title}">' in page
        assert f'href="#{anchor}"' in page
    assert all(f"<{landmark}" in page for landmark in ("header", "nav", "main", "footer"))
    assert page.count("<h1") == 1
    assert '<a class="skip" href="#content">' in page


def test_a_bound_to_widen_is_named() -> None:
    page = without_scripts(study_report.page(Results(branched(200))))

    assert re.search(r"optimizer\.SGD\.lr: \d of the top 5 within 10% of the upper bound 0\.1: widen it", page)


@pytest.mark.parametrize(("trials", "objectives"), [(0, 2), (1, 2), (30, 2), (30, 3), (30, 4)])
def test_a_study_of_several_objectives_has_a_page_with_its_front(trials: int, objectives: int) -> None:
    study = study_of_several(trials, objectives)

    plain = without_scripts(study_report.page(Results(study)))

    left_out = re.search(r"(\d+) figures? left out", plain)
    assert plain.count("<section") + (int(left_out[1]) if left_out else 0) == 6 * objectives + 7
    assert (">Pareto front</h2>" in plain) == (trials > 0)
    assert "Intermediate values" not in plain
    assert plain.count('class="best"') == len(study.front())
    assert ('aria-label="Table of the front"' in plain) == bool(study.front())
    assert all(f'<th scope="col">value {i}</th>' in plain for i in range(objectives)) == (trials > 0)


def test_the_front_and_what_is_out_of_bounds_stand_out() -> None:
    study = study_of_several(30, 2)

    figure = pareto_front.pareto(Results(study)).figure

    assert figure is not None
    points = {trace.name: len(trace.x) for trace in figure.data}
    complete = [record for record in study.records() if record.complete]
    infeasible = [record for record in complete if not record.feasible]
    assert infeasible  # or the test tells nothing
    assert points["Front"] == len(study.front())
    assert points["Out of bounds"] == len(infeasible)
    assert sum(points.values()) == len(complete)


def test_a_best_trial_out_of_bounds_is_not_the_pages() -> None:
    study = optuna.create_study()
    for value, violation in ((0.1, 1.0), (0.5, -1.0)):
        study.add_trial(optuna.trial.create_trial(value=value, constraints={"size": violation}))

    plain = without_scripts(study_report.page(Results(Study(study))))

    assert "Use trial 1: value 0.5" in plain
    assert "out of bounds: size by 1" in plain


def test_the_answer_comes_first_with_how_sure_it_is_and_what_to_do_next() -> None:
    plain = without_scripts(study_report.page(Results(study_of(30))))

    main = plain[plain.index("<main") :]
    assert main.index("Use trial") < main.index('class="plot"')
    assert "The value is the best of 18 trials, so it is optimistic." in main
    assert "Another program made this study" in main


def test_one_trial_has_no_course_no_dependence_and_no_optimism() -> None:
    plain = without_scripts(study_report.page(Results(study_of(1))))

    assert "The value is of one run, so its spread is unknown." in plain
    drawn = re.findall(r'<section id="([^"]+)"', plain)
    assert {"optimization-history", "slices", "cost-against-value"}.isdisjoint(drawn)


def test_the_table_of_trials_has_no_empty_column_and_three_digits() -> None:
    study = optuna.create_study()
    for choice in (None, True):
        study.enqueue_trial({"x": choice})
        study.tell(study.ask({"x": optuna.distributions.CategoricalDistribution([None, True])}), 1 / 3)

    plain = without_scripts(study_report.page(Results(Study(study))))

    table = plain[plain.index('id="all-trials"') :]
    headings = re.findall(r'class="sort">([^<]*)<', table)
    assert headings == ["Trial", "State", "value", "Seconds", "x"]
    assert ">0.333</td>" in table
    assert "None" not in plain
    assert "True" not in plain


def test_the_commands_on_the_page_name_its_database_without_its_password(tiny: Path, url: str, tmp_path: Path) -> None:
    tuner.run(tiny, storage=url, n_trials=1)

    page = tuner.report("tiny", tmp_path / "report.html", storage=url).read_text()

    command = re.search(r"<p>Next: <code>(tuner confirm .*?)</code>", page)
    assert command is not None
    assert shlex.split(html.unescape(command[1])) == ["tuner", "confirm", "tiny", "--storage", url]
    secret = Attended(study_of(2), "postgresql+psycopg://me:hush@db/studies")
    assert "hush" not in secret.typed


@pytest.mark.slow
def test_ten_thousand_trials_of_ten_epochs_stay_a_page_that_opens() -> None:
    text = study_report.page(Results(large(10_000, 10)))

    assert len(text.encode()) < 10_000_000


@pytest.mark.slow
def test_three_hundred_trials_take_little_of_that() -> None:
    assert len(study_report.page(Results(large(300, 10))).encode()) < 5_500_000


def test_the_best_config_on_the_page_is_the_exported_one(tiny: Path, url: str, tmp_path: Path) -> None:
    tuner.run(tiny, storage=url)
    page = tuner.report("tiny", tmp_path / "report.html", storage=url)

    shown = re.search(r'<pre id="config"[^>]*>(.*?)</pre>', page.read_text(), re.DOTALL)
    assert shown is not None
    assert html.unescape(shown[1]) == tuner.export("tiny", storage=url)


def test_metrics_that_are_called_alike_have_figures_of_their_own() -> None:
    study = optuna.create_study(study_name="alike", directions=["maximize"] * 3)
    study.set_metric_names(["F1", "f1", "精度"])
    for i in range(12):
        trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        study.tell(trial, [i / 12, 1 - i / 12, trial.params["x"]])

    text = study_report.page(Results(Study(study)))

    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'data-figure="([^"]+)"', text)) <= set(ids)
