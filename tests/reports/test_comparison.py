from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.study import StudyDirection
from typer.testing import CliRunner

import tuner
from tests.conftest import TINY
from tests.support.asking import complete, opened
from tests.support.studies import study_of_several
from tuner.cli import app
from tuner.errors import UsageError
from tuner.plots.study_comparison import Confirmed, Contestant
from tuner.protocol import Fixed
from tuner.reports import comparison
from tuner.results.mean_interval import Interval
from tuner.results.results import Results
from tuner.results.stage import Part, Run
from tuner.study import Study
from tuner.study.study import CONFIRM, note
from tuner.study.trial_attributes import HISTORY

OTHER = """\
study: {name: other}
search: {trials: 3}
data: {type: digits, batch_size: 128}
model: {type: Linear}
optimizer: {type: Adam, lr: {float: [1e-3, 1e-1], log: true}}
"""


def without_scripts(text: str) -> str:
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def named(name: str, metric: str, direction: str) -> Study:
    study = optuna.create_study(study_name=name, direction=StudyDirection[direction.upper()])
    study.set_metric_names([metric])
    return Study(study)


@pytest.mark.parametrize(("metric", "direction"), [("loss", "maximize"), ("accuracy", "minimize")])
def test_other_objectives_are_no_comparison(metric: str, direction: str) -> None:
    studies = [named("a", "accuracy", "maximize"), named("b", metric, direction)]

    with pytest.raises(UsageError, match=f"one has accuracy, to maximize, the other {metric}, to {direction}"):
        comparison.page(list(map(Results, studies)))


def test_a_page_says_what_each_study_found_and_in_what_they_differ(url: str, tmp_path: Path) -> None:
    for text, values in ((None, (0.5, 0.7)), (OTHER, (0.4, 0.8, 0.6))):
        trials = opened(url) if text is None else opened(url, text)
        for value in values:
            complete(trials, value)

    called = CliRunner().invoke(app, ["report", "tiny", "other", "-o", str(tmp_path / "page.html"), "--storage", url])

    assert called.exit_code == 0
    page = without_scripts((tmp_path / "page.html").read_text())
    assert "<h1>tiny against other</h1>" in page
    assert "<td>tiny</td><td>0.7</td><td>1</td>" in page
    assert "<td>other</td><td>0.8</td><td>1</td>" in page
    assert "<td>model.type</td><td>&#34;MLP&#34;</td><td>&#34;Linear&#34;</td>" in page
    assert "data.batch_size" not in page
    assert page.count('class="plot"') == 2
    again = tuner.report(["tiny", "other"], tmp_path / "again.html", storage=url)
    assert "<h1>tiny against other</h1>" in again.read_text()


def test_confirmed_means_stand_beside_the_values_that_they_correct(url: str) -> None:
    trials = opened(url)
    best = complete(trials, 0.9)
    runs = optuna.create_study(storage=url, study_name="tiny.confirm", direction="maximize")
    for part, values in ((Part.RACE, (0.8, 0.8)), (Part.HELD_OUT, (0.7, 0.74))):
        for repeat, value in enumerate(values):
            facts = {**Run(best, part, repeat, False, Fixed(1)).facts, "attempt": 1, "state": "complete", "epoch": 1}
            history = {HISTORY: {"epoch": [1], "accuracy": [value]}}
            runs.add_trial(optuna.trial.create_trial(value=value, user_attrs=facts, system_attrs=history))
    terms = {"of": trials.study.uid, "top": 1, "seeds": 2, "splits": False, "candidates": [best]}
    note(Study(runs), CONFIRM, terms)

    page = without_scripts(comparison.page([Results(trials.study), Results(trials.study)]))

    assert "<td>0.9</td><td>0</td><td>0.72</td><td>0.466 to 0.974</td><td>trial 0</td>" in page
    assert 'aria-label="Figure: confirmed means: tiny 0.72, trial 0; tiny 0.72, trial 0"' in page
    better = complete(trials, 0.95)
    stale = without_scripts(comparison.page([Results(trials.study), Results(trials.study)]))
    assert f"<td>0.95</td><td>{better}</td><td>0.72</td>" in stale
    assert "<td>trial 0, older than the best</td>" in stale


@pytest.mark.parametrize(("one", "two"), [((0.8, 0.7, 0.9), (0.5, 0.45, 0.55)), ((3.0, 2.5, 3.5), (2.9, 1.9, 3.9))])
def test_the_interval_of_a_difference_is_that_of_two_independent_means(
    one: tuple[float, float, float], two: tuple[float, float, float]
) -> None:
    gap = comparison.difference(Interval(*one), Interval(*two))

    half = ((one[2] - one[0]) ** 2 + (two[2] - two[0]) ** 2) ** 0.5  # of symmetric intervals the halves add as squares
    assert (gap.mean, gap.low, gap.high) == pytest.approx(
        (one[0] - two[0], one[0] - two[0] - half, one[0] - two[0] + half)
    )


def confirmed(name: str, mean: float, low: float, high: float, direction: str = "maximize") -> Contestant:
    study = named(name, "accuracy" if direction == "maximize" else "loss", direction)
    study.optuna.add_trial(optuna.trial.create_trial(value=mean))
    record = study.records()[0]
    return Contestant(study, (record,), Confirmed(record, Interval(mean, low, high), True))


def test_a_comparison_begins_with_a_verdict_and_how_sure_it_is() -> None:
    better = list(comparison.verdict([confirmed("b", 0.5, 0.49, 0.51), confirmed("a", 0.9, 0.88, 0.92)]))
    alike = list(comparison.verdict([confirmed("b", 0.89, 0.8, 0.98), confirmed("a", 0.9, 0.88, 0.92)]))
    lower = list(comparison.verdict([confirmed("b", 5, 4, 6, "minimize"), confirmed("a", 1, 0.9, 1.1, "minimize")]))

    assert better == ["a is better than b: accuracy differs by 0.4, 95 % interval 0.378 to 0.422"]
    assert alike[0].startswith("a and b cannot be told apart: accuracy differs by 0.01")
    assert lower[0].startswith("a is better than b: loss differs by -4,")


def test_without_confirmations_there_is_no_verdict_but_what_to_run() -> None:
    one, two = confirmed("a", 0.9, 0.88, 0.92), confirmed("b", 0.5, 0.49, 0.51)

    sentences = list(comparison.verdict([replace(one, confirmed=None), two]))

    assert sentences[0] == "No verdict yet: a 0.9 leads b 0.5, but single best values are optimistic"
    assert sentences[1] == "Run `tuner confirm a` first"
    equal = [replace(confirmed(name, 0.9, 0.88, 0.92), confirmed=None) for name in ("a", "b")]
    assert next(comparison.verdict(equal)).startswith("No verdict yet: a and b have the same best value, 0.9")
    assert list(comparison.verdict([replace(one, confirmed=None, records=())])) == [
        "No verdict: no study has a complete trial within the bounds"
    ]


@pytest.mark.parametrize(
    ("change", "differ"), [("seed: 0", True), ("batch_size: 128", False), ("{type: digits,", True)]
)
def test_studies_that_were_scored_on_different_rows_compare_only_roughly(url: str, change: str, differ: bool) -> None:
    changed = {
        "seed: 0": "seed: 1",
        "batch_size: 128": "batch_size: 64",
        "{type: digits,": "{type: digits, valid: 0.3,",
    }
    studies = []
    for name, text in (("one", TINY), ("two", TINY.replace(change, changed[change]))):
        trials = opened(url, text.replace("name: tiny", f"name: {name}"))
        complete(trials, 0.7)
        studies.append(trials.study)

    page = comparison.page(list(map(Results, studies)))

    assert ("scored different rows" in page) == differ


def test_fronts_are_compared_too() -> None:
    page = without_scripts(comparison.page([Results(study_of_several(20, 2)), Results(study_of_several(0, 2))]))

    assert 'aria-label="Figure: fronts in ' in page
    assert "On the front" in page
    assert "Studies of other programs" in page


def test_a_report_of_no_study_is_refused() -> None:
    with pytest.raises(UsageError, match="name at least one study"):
        tuner.report([])
