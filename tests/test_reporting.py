from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import optuna
import pytest

from tuner import pareto, plots, reporting
from tuner.study import Study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
STATES = optuna.trial.TrialState


def study_of(trials: int, url: str | None = None) -> Study:
    """A study of made-up trials: a third pruned, some failed or diverged, one value far off."""
    study = optuna.create_study(study_name="<b>made</b> up", direction="minimize", storage=url)
    study.set_metric_names(["loss"])
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        "optimizer.lr": optuna.distributions.FloatDistribution(1e-5, 1, log=True),
        "optimizer": optuna.distributions.CategoricalDistribution(["SGD", "Adam"]),
    }
    for i in range(trials):
        rate = 10 ** -(1 + 4 * (i * 7 % 100) / 100)
        values = [abs(rate - 0.01) + 1 / epoch for epoch in range(1, 6)]
        state = STATES.PRUNED if i % 3 == 2 else STATES.FAIL if i % 10 == 9 else STATES.COMPLETE
        values = values[:2] if state is STATES.PRUNED else values
        attributes = {"attempt": 1, "history": {"loss": values, "seconds": [0.1] * len(values)}}
        if state is not STATES.COMPLETE:
            attributes |= {"cause": "<script>alert(1)</script>", "state": "diverged" if i % 2 else "pruned"}
        trial = optuna.trial.create_trial(
            state=state,
            value=None if state is STATES.FAIL else (1e6 if i == 10 else values[-1]),
            params={"optimizer.lr": rate, "optimizer": ["SGD", "Adam"][i % 2]},
            distributions=distributions,
            intermediate_values=dict(enumerate(values, start=1)),
            user_attrs=attributes | {"state": "complete"} if state is STATES.COMPLETE else attributes,
        )
        study.add_trial(trial)
    return Study(study)


@pytest.mark.parametrize("trials", [0, 1, 2, 30])
def test_a_study_of_any_size_has_a_page(trials: int) -> None:
    text = reporting.page(study_of(trials))

    assert text.count("<section") == 8
    assert text.count('class="plotly-graph-div"') + text.count("Nothing to draw:") == 6
    assert ("Nothing to draw" in text) == (trials < 2)


def test_what_users_wrote_is_text_and_not_markup() -> None:
    page = re.sub(r"<script>.*?</script>", "", reporting.page(study_of(5)), count=1, flags=re.DOTALL)

    assert "<b>made</b>" not in page
    assert "<script>alert" not in page
    assert "&lt;b&gt;made&lt;/b&gt;" in page


def test_the_page_fetches_nothing() -> None:
    page = reporting.page(study_of(5))

    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?!data:)', page) == []


def test_a_far_off_value_does_not_squeeze_the_history() -> None:
    study = study_of(30)

    plot = plots.history(study, study.records())

    assert plot.figure is not None
    assert plot.figure.layout.yaxis.range[1] < 10
    assert "1 far-off value" in plot.caption


def test_trials_without_a_value_are_shown_with_their_reason_on_no_axis_of_values() -> None:
    study = study_of(12)

    plot = plots.history(study, study.records())

    assert plot.figure is not None
    rug = next(trace for trace in plot.figure.data if trace.name == "Ended early")
    assert list(rug.x) == [record.number for record in study.records() if not record.complete]
    assert rug.yaxis == "y2"
    best = next(trace for trace in plot.figure.data if trace.name == "Best Value")
    assert max(best.y) < 1e6


def test_a_thousand_trials_stay_a_page_that_opens() -> None:
    study = study_of(1000)

    text = reporting.page(study)

    assert len(text) < 10_000_000
    lines = plots.intermediate_values(study, study.records())
    assert lines.figure is not None
    assert len(lines.figure.data) <= plots.MOST_LINES
    assert "200 of 1000 trials are drawn" in lines.caption


def study_of_several(trials: int, objectives: int) -> Study:
    """A study that Optuna made, with trials out of bounds, pruned and failed."""
    up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
    study = optuna.create_study(directions=[up, *[down] * (objectives - 1)])

    def objective(trial: optuna.Trial) -> list[float]:
        x = trial.suggest_float("x", 0, 1)
        trial.set_constraint("size", x - 0.8)
        if trial.number % 7 == 3:
            raise optuna.TrialPruned
        return [x, *(abs(x - i / objectives) for i in range(objectives - 1))]

    study.optimize(objective, n_trials=trials)
    return Study(study)


@pytest.mark.parametrize(("trials", "objectives"), [(0, 2), (1, 2), (30, 2), (30, 3), (30, 4)])
def test_a_study_of_several_objectives_has_a_page_with_its_front(trials: int, objectives: int) -> None:
    study = study_of_several(trials, objectives)

    text = reporting.page(study)

    plain = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert text.count("<section") == 3 * objectives + 5
    assert "<h2>Pareto front</h2>" in plain
    assert "Intermediate values" not in plain
    assert plain.count('class="best"') == len(study.front())
    assert ('aria-label="Table of the front"' in plain) == bool(study.front())
    assert all(f'<th scope="col">value {i}</th>' in plain for i in range(objectives)) == (trials > 0)


def test_the_front_and_what_is_out_of_bounds_stand_out() -> None:
    study = study_of_several(30, 2)

    figure = pareto.pareto(study).figure

    assert figure is not None
    points = {trace.name: len(trace.x) for trace in figure.data}
    complete = [record for record in study.records() if record.complete]
    infeasible = [record for record in complete if not record.feasible]
    assert infeasible  # or the test tells nothing
    assert points["Front"] == len(study.front())
    assert points["Out of bounds"] == len(infeasible)
    assert sum(points.values()) == len(complete)


def test_importances_follow_the_direction_of_each_objective(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of_several(30, 2)
    seen = []
    drawn = optuna.visualization.plot_param_importances

    def spied(optuna_study: optuna.Study, **options: Any) -> object:
        seen.append(options["target"](study.optuna.trials[0]))
        return drawn(optuna_study, **options)

    monkeypatch.setattr(optuna.visualization, "plot_param_importances", spied)
    for i in (0, 1):
        plots.importances(study, study.records(), i)

    values = study.record(0).values
    assert seen == [-values[0], values[1]]  # the first is to maximize, and lower targets count as better


def test_a_best_trial_out_of_bounds_is_not_the_pages() -> None:
    study = optuna.create_study()
    for value, violation in ((0.1, 1.0), (0.5, -1.0)):
        study.add_trial(optuna.trial.create_trial(value=value, constraints={"size": violation}))

    text = reporting.page(Study(study))

    plain = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert "<dd>0.5 <small>trial 1" in plain
    assert "out of bounds: size by 1" in plain


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("study", [study_of(0), study_of(1), study_of(30), study_of_several(30, 3)])
def test_a_browser_draws_the_page_without_an_error(tmp_path: Path, study: Study) -> None:
    page, trials = tmp_path / "report.html", len(study.records())
    reporting.report(study, page)
    probe = "<script>window.onerror = (m) => document.documentElement.dataset.fault = m;</script>"
    page.write_text(page.read_text().replace("<head>", f"<head>{probe}", 1))
    assert CHROMIUM is not None

    browsed = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=15000", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert "data-fault" not in browsed.stdout
    assert [line for line in browsed.stderr.splitlines() if "CONSOLE" in line and "rror" in line] == []
    drawn = browsed.stdout.count('class="main-svg"')
    assert (drawn > 0) == (trials > 0)


def test_the_best_config_on_the_page_is_the_exported_one(tiny: Path, url: str, tmp_path: Path) -> None:
    import html

    import tuner

    tuner.run(tiny, storage_url=url)
    page = tuner.report("tiny", tmp_path / "report.html", storage_url=url)

    shown = re.search(r'<pre id="config"[^>]*>(.*?)</pre>', page.read_text(), re.DOTALL)
    assert shown is not None
    assert html.unescape(shown[1]) == tuner.export("tiny", storage_url=url)
    assert json.dumps("tiny") not in shown[1]
