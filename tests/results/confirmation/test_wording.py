"""What a confirmation says, and where it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.conftest import Cli
from tests.support.confirmations import FIT, study
from tuner.plots.base import whiskers
from tuner.plots.forest_plot import forest
from tuner.results.mean_interval import Interval
from tuner.results.results import Results
from tuner.results.wording import sentences
from tuner.space import Space


def test_where_every_candidate_dropped_out_that_is_said(own_walk: Path, url: str, cli: Cli) -> None:
    (own_walk.parent / "fit.py").write_text(FIT.replace("x == 0.3 and seed % 2", "True"))

    done = cli("confirm", "walk", "--top", "2", "--seeds", "2", "-q")

    assert "Every candidate dropped out: there is no pick" in done.stdout + done.stderr
    assert "in its confirmation every candidate dropped out: `tuner show walk.confirm` has" in cli(
        "export", "walk", "-o", "best.yaml"
    ).stdout.replace("\n", " ")


def test_how_often_an_interval_misses_where_seeds_fail_is_said_by_their_number(walk: Path, url: str) -> None:
    told = " ".join(sentences(tuner.confirm("walk", top=2, seeds=2, storage=url)))

    assert "intervals of 2 seeds miss the true mean in 29 % of cases" in told
    assert "may be as good: two seeds find no difference; `--seeds 3` or more can" in told


def test_the_status_of_its_runs_is_that_of_a_confirmation(walk: Path, url: str, cli: Cli) -> None:
    found = tuner.confirm("walk", top=3, seeds=3, storage=url)

    told = cli("status", "walk.confirm").stdout

    assert f"{found.ended} of {found.ended} trials ended" in told
    assert told.rstrip().endswith("no run is active")


def test_the_search_says_at_its_end_what_it_was_asked_to_confirm(walk: Path, url: str) -> None:
    result = tuner.run(walk, storage=url, settings=[("search.confirm", {"top": 2, "seeds": 2})])

    assert result.confirmation is not None
    assert [len(each.values) for each in result.confirmation.standings] == [2, 2]


def test_where_the_search_stands_its_confirmation_is_told_and_the_runs_are_no_result(
    walk: Path, url: str, cli: Cli
) -> None:
    found = tuner.confirm("walk", top=3, seeds=3, storage=url)
    assert found.pick is not None

    told = f"confirmed on fresh seeds: trial {found.pick.trial.number}, score "
    assert told in cli("show", "walk").stdout
    page = tuner.report("walk", walk.parent / "page.html", storage=url).read_text()
    assert "Mean of 3 runs on held-out seeds" in page
    assert "walk.confirm  score   (confirmation)" in cli("list").stdout
    refused = cli("export", "walk.confirm")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "has the runs of a confirmation: `tuner export walk` has their pick" in refused.stderr
    assert "tuner confirm walk" not in cli("run", "--space", "walk.yaml", "-q").stdout


def test_the_confirmed_trial_is_exported_until_the_search_finds_a_better_one(walk: Path, url: str, cli: Cli) -> None:
    found = tuner.confirm("walk", top=4, seeds=4, storage=url)
    assert found.pick is not None

    done = cli("export", "walk", "-o", "best.yaml")

    assert f"wrote best.yaml: trial {found.pick.trial.number}, confirmed on fresh seeds: score" in done.stdout
    facts = Space.load(walk.parent / "best.yaml").fixed["provenance"]
    assert facts["trial"] == found.pick.trial.number
    assert facts["confirmed"]["study"] == "walk.confirm"
    other = next(each.trial.number for each in found.standings if each is not found.pick)
    assert f"trial: {other}\n" in tuner.export("walk", trial=other, storage=url)
    assert "confirmed:" not in tuner.export("walk", trial=other, storage=url)
    text = walk.read_text().replace("{x: 0.44}]", "{x: 0.44}, {x: 0.501}, {x: 0.502}, {x: 0.503}, {x: 0.499}]")
    walk.write_text(text)
    grown = tuner.run(walk, storage=url, n_trials=12)
    assert grown.best.number >= 8  # or the test tells nothing
    assert f"trial: {grown.best.number}\n" in tuner.export("walk", storage=url)
    exported = cli("export", "walk", "-o", "best.yaml").stdout.replace("\n", " ")
    assert "is older than that: `tuner confirm walk`" in exported


def test_the_page_has_the_confirmation_with_its_plot_and_its_table(walk: Path, url: str, tmp_path: Path) -> None:
    found = tuner.confirm("walk", top=4, seeds=4, storage=url)
    assert found.pick is not None

    page = tuner.report("walk", tmp_path / "report.html", storage=url).read_text()

    assert '<section id="confirmation" ' in page
    assert page.count('aria-label="Table of the candidates"') == 1
    assert f"Use trial {found.pick.trial.number}" in page
    figure = forest(found).figure
    assert figure is not None
    drawn = {trace.name: len(trace.x) for trace in figure.data}
    assert drawn["Run"] == sum(len(each.values) for each in found.standings)
    assert (drawn["Run on a held-out seed"], drawn["Value in the search"]) == (4, 4)


def test_an_interval_that_its_metric_bounds_is_drawn_as_long_as_it_is() -> None:
    bars = whiskers([Interval(0.9, 0.7, 1.1).within(0.0, 1.0)])

    assert bars["symmetric"] is False
    assert (bars["arrayminus"], bars["array"]) == (pytest.approx([0.2]), pytest.approx([0.1]))


def test_the_command_tells_the_pick_and_its_candidates(walk: Path, url: str, cli: Cli) -> None:
    done = cli("confirm", "walk", "--top", "3", "--seeds", "3", "-q")

    assert done.returncode == 0, done.stderr
    found = Results(study(url)).confirmation
    assert found is not None
    assert found.pick is not None
    assert f"Trial {found.pick.trial.number} has the best mean of 3 candidates" in done.stdout
    assert "(3 held-out seeds" in done.stdout
    assert "The held-out seeds had no part in the choice" in done.stdout
    assert "All seeds scored the validation rows that the search used" in done.stdout
    assert "3 + 3" in done.stdout


def test_an_interval_is_no_wider_than_its_metric(tiny: Path, url: str) -> None:
    tuner.run(tiny, storage=url, settings=[("training.epochs", 6)])
    found = tuner.confirm("tiny", top=1, seeds=2, storage=url)
    assert found.pick is not None

    assert found.limits == (0.0, 1.0)
    interval = found.interval(found.pick)
    assert interval is not None
    assert 0.0 <= interval.low <= interval.mean <= interval.high <= 1.0
    assert Interval(0.5, 0.2, 1.1).within(0.0, 1.0) == Interval(0.5, 0.2, 1.0)


def test_values_that_are_all_the_same_give_no_interval(own_walk: Path, url: str) -> None:
    (own_walk.parent / "fit.py").write_text("def fit(config, report):\n    return 1 - abs(config['x'] - 0.5)\n")
    tuner.run(own_walk, storage=url, study_name="sure")

    told = list(sentences(tuner.confirm("sure", top=2, seeds=2, storage=url)))

    assert "Trial 3: expect score 1 each time, which gives no interval (2 held-out seeds)" in told
    assert "The search's 1, the value of one run, equals that" in told


def test_a_finding_has_at_most_twenty_words_and_a_capital(walk: Path, url: str) -> None:
    found = [tuner.confirm("walk", top=top, seeds=2, splits=False, storage=url) for top in (1, 4)]

    told = [sentence for each in found for sentence in sentences(each)]

    assert [each for each in told if len(each.split()) > 20 or not each[0].isupper() or each.endswith(".")] == []
