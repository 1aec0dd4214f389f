from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.conftest import Cli
from tuner.confirmation import CONFIRM, Part, Terms, read
from tuner.errors import StudyError, UsageError
from tuner.events import Event, Reported
from tuner.findings import sentences, verdict
from tuner.forest import forest
from tuner.plots.plot import whiskers
from tuner.racing import Interval
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import Study, load_study
from tuner.study.planned import note, noted

FIT = """\
import random
def fit(config, report, seed):
    x = config["x"]
    if x == 0.3 and seed % 2:
        raise ValueError("as asked")
    return 1 - abs(x - 0.5) + random.Random(f"{seed}/{x}").gauss(0, 0.02 if x > 0.3 else 0)
"""
"""The best is at 0.5; what is said of a trial there is known. At 0.3 one seed of two fails."""

SPACE = """\
study: {name: walk}
search:
  trials: 8
  sampler: {type: RandomSampler}
  enqueue: [{x: 0.1}, {x: 0.48}, {x: 0.9}, {x: 0.5}, {x: 0.46}, {x: 0.6}, {x: 0.55}, {x: 0.44}]
objective: {function: "fit.py:fit", metric: score, direction: maximize}
x: {float: [0, 1]}
"""


@pytest.fixture
def walk(tmp_path: Path, url: str) -> Path:
    (tmp_path / "fit.py").write_text(FIT)
    file = tmp_path / "walk.yaml"
    file.write_text(SPACE)
    tuner.run(file, storage_url=url)
    return file


def study(url: str, name: str = "walk") -> Study:
    return load_study(open_storage(url), name)


def test_the_pick_has_the_best_mean_and_an_interval_of_seeds_that_had_no_say(walk: Path, url: str) -> None:
    found = tuner.confirm("walk", top=4, seeds=4, storage_url=url)

    assert found.pick is not None
    leading = [sum(each.values) / 4 for each in found.standings if each.leading]
    assert leading == sorted(leading, reverse=True)
    runs = study(url, "walk.confirm").records()
    held = [record for record in runs if record.attributes["part"] == Part.HELD_OUT.value]
    assert [record.value for record in held] == list(found.held)
    assert {record.attributes["candidate"] for record in held} == {found.pick.trial.number}
    interval = found.interval(found.pick)
    assert interval is not None
    assert interval.mean == pytest.approx(sum(found.held) / 4)
    assert interval.low < interval.mean < interval.high
    assert found.fell(found.pick) == pytest.approx((found.pick.trial.value or 0) - interval.mean)


def test_every_candidate_trains_on_the_same_seeds_none_of_which_the_search_has_used(walk: Path, url: str) -> None:
    tuner.confirm("walk", top=3, seeds=2, storage_url=url)

    runs = study(url, "walk.confirm").records()
    seeds: dict[tuple[str, int], set[int]] = {}
    for record in runs:
        facts = record.attributes
        seeds.setdefault((facts["part"], facts["repeat"]), set()).add(facts["seed"])
    assert all(len(each) == 1 for each in seeds.values())
    used = set().union(*seeds.values())
    assert len(used) == len(seeds) == 4
    assert used.isdisjoint(record.attributes["seed"] for record in study(url).records())


def test_the_search_stays_as_it_was(walk: Path, url: str) -> None:
    before = study(url).records()

    tuner.confirm("walk", top=2, seeds=2, storage_url=url)

    assert study(url).records() == before


def test_a_candidate_that_can_no_longer_win_is_given_up(walk: Path, url: str) -> None:
    found = tuner.confirm("walk", top=8, seeds=6, storage_url=url)

    by_x = {each.trial.params["x"]: each for each in found.standings}
    assert by_x[0.1].given_up in (3, 4, 5)
    assert len(by_x[0.1].values) == by_x[0.1].given_up
    assert verdict(found, by_x[0.1]) == f"given up after {by_x[0.1].given_up} seeds"
    assert by_x[0.5].leading


def test_what_is_complete_is_not_trained_again_and_more_seeds_use_what_is_there(walk: Path, url: str) -> None:
    events: list[Event] = []
    first = tuner.confirm("walk", top=2, seeds=2, storage_url=url)
    again = tuner.confirm("walk", top=2, seeds=2, storage_url=url, observe=events.append)
    more = tuner.confirm("walk", top=2, seeds=3, storage_url=url)

    assert events == []
    assert again.standings == first.standings
    assert first.ended == 6
    before = {each.trial.number: each.values for each in first.standings}
    assert all(each.values[:2] == before[each.trial.number] for each in more.standings)
    assert first.pick is not None
    assert more.pick is not None
    assert more.ended == 6 + 2 + (1 if more.pick.trial == first.pick.trial else 3)


def test_a_confirmation_that_crashed_goes_on(walk: Path, url: str, tmp_path: Path) -> None:
    class Crash(BaseException):
        pass

    def crash(event: Event) -> None:
        if type(event).__name__ == "Ended":
            seen.append(event)
        if len(seen) == 3:
            raise Crash

    seen: list[Event] = []
    with pytest.raises(Crash):
        tuner.confirm("walk", top=3, seeds=3, storage_url=url, observe=crash)
    cut = read(study(url))
    assert cut is not None
    assert cut.pick is None
    assert list(sentences(cut)) == ["it is not complete"]

    found = tuner.confirm("walk", top=3, seeds=3, storage_url=url)

    assert found.pick is not None
    runs = study(url, "walk.confirm").records()
    assert len(runs) == len(
        {tuple(record.attributes[key] for key in ("candidate", "part", "repeat")) for record in runs}
    )
    assert all(record.complete for record in runs)


def test_a_candidate_whose_run_fails_drops_out(walk: Path, url: str) -> None:
    tuner.run(
        walk,
        storage_url=url,
        n_trials=40,
        study_name="flaky",
        settings=[("x", {"choice": [0.3, 0.1]}), ("search.enqueue", [])],
    )

    found = tuner.confirm("flaky", top=2, seeds=6, storage_url=url)

    assert found.pick is not None
    assert found.pick.trial.params["x"] == 0.1
    out = found.standings[1]
    assert out.trial.number == found.winner
    assert "failed, ValueError: as asked" in out.out
    told = list(sentences(found))
    assert f"trial {out.trial.number} dropped out before the end, which is no comparison" in told
    assert not any("worse" in sentence for sentence in told)


def test_a_run_that_failed_is_tried_again_when_it_is_asked_for_again(walk: Path, url: str) -> None:
    broken = FIT.replace("x == 0.3 and seed % 2", "x == 0.5")
    (walk.parent / "fit.py").write_text(broken.replace("as asked", "the disk is full"))
    found = tuner.confirm("walk", top=3, seeds=2, storage_url=url)
    out = next(each for each in found.standings if each.out)
    assert out.trial.params["x"] == 0.5
    (walk.parent / "fit.py").write_text(FIT)

    again = tuner.confirm("walk", top=3, seeds=2, storage_url=url)

    assert not any(each.out for each in again.standings)
    assert len(study(url, "walk.confirm").records()) == again.ended + len(found.failed)


def test_where_every_candidate_dropped_out_that_is_said(walk: Path, url: str, cli: Cli) -> None:
    (walk.parent / "fit.py").write_text(FIT.replace("x == 0.3 and seed % 2", "True"))

    done = cli("confirm", "walk", "--top", "2", "--seeds", "2", "-q")

    assert "every candidate has dropped out: there is no pick" in done.stdout + done.stderr
    assert (
        "in its confirmation every candidate dropped out: `tuner show walk.confirm` has"
        in cli("export", "walk", "-o", "best.yaml").stdout
    )


def test_the_status_of_its_runs_is_that_of_a_confirmation(walk: Path, url: str, cli: Cli) -> None:
    found = tuner.confirm("walk", top=3, seeds=3, storage_url=url)

    told = cli("status", "walk.confirm").stdout

    assert f"{found.ended} of {found.ended} trials have ended" in told
    assert told.rstrip().endswith("nothing works on it")


def test_the_same_config_is_one_candidate(walk: Path, url: str) -> None:
    tuner.run(walk, storage_url=url, study_name="few", settings=[("x", {"choice": [0.1, 0.9]}), ("search.enqueue", [])])

    assert len(tuner.confirm("few", top=5, seeds=2, storage_url=url).standings) == 2


def test_a_single_candidate_is_the_pick_without_a_race(walk: Path, url: str) -> None:
    found = tuner.confirm("walk", top=1, seeds=3, storage_url=url)

    assert found.pick is not None
    assert (found.pick.values, len(found.held), found.ended) == ((), 3, 3)
    assert forest(found).figure is not None


def test_workers_confirm_the_same(walk: Path, url: str, tmp_path: Path) -> None:
    alone = tuner.confirm("walk", top=3, seeds=3, storage_url=url)
    other = f"sqlite:///{tmp_path}/other.db"
    tuner.run(walk, storage_url=other)

    many = tuner.confirm("walk", top=3, seeds=3, storage_url=other, workers=2)

    assert [each.values for each in many.standings] == [each.values for each in alone.standings]
    assert many.held == alone.held


def test_the_search_says_at_its_end_what_it_was_asked_to_confirm(walk: Path, url: str) -> None:
    result = tuner.run(walk, storage_url=url, settings=[("search.confirm", {"top": 2, "seeds": 2})])

    assert result.confirmation is not None
    assert [len(each.values) for each in result.confirmation.standings] == [2, 2]


def test_what_cannot_be_confirmed_is_refused_with_a_sentence(walk: Path, url: str) -> None:
    tuner.confirm("walk", top=1, seeds=2, storage_url=url)

    with pytest.raises(UsageError, match="--seeds 1: must be a whole number of at least 2"):
        tuner.confirm("walk", seeds=1, storage_url=url)
    with pytest.raises(UsageError, match="--splits: which rows are trained on is the affair"):
        tuner.confirm("walk", splits=True, storage_url=url)
    with pytest.raises(StudyError, match=r"study walk\.confirm is a confirmation itself"):
        tuner.confirm("walk.confirm", storage_url=url)
    note(study(url, "walk.confirm"), CONFIRM, {**noted(study(url, "walk.confirm"), CONFIRM), "of": "another"})
    assert read(study(url)) is None
    with pytest.raises(StudyError, match=r"`tuner delete walk\.confirm` makes room"):
        tuner.confirm("walk", storage_url=url)


def test_fresh_splits_are_runs_of_their_own_on_rows_of_their_own(tiny: Path, url: str) -> None:
    tuner.run(tiny, storage_url=url, n_trials=2)
    usual = tuner.confirm("tiny", top=2, seeds=2, storage_url=url)

    drawn = tuner.confirm("tiny", top=2, seeds=2, splits=True, storage_url=url)

    assert drawn.pick is not None
    assert drawn.ended == 2 * usual.ended == 12
    assert "each seed drew training and validation rows anew" in "; ".join(sentences(drawn))


def test_what_is_not_said_is_as_the_file_has_it(walk: Path, url: str) -> None:
    walk.write_text(walk.read_text().replace("trials: 8", "trials: 8\n  confirm: {top: 2, seeds: 3}"))
    tuner.run(walk, storage_url=url)

    assert tuner.confirm("walk", storage_url=url).terms == Terms(2, 3, False)
    one = tuner.confirm("walk", top=1, storage_url=url)
    assert one.terms == Terms(1, 3, False)
    assert one.counting < one.ended  # the other candidate's do not count any more


def test_where_the_search_stands_its_confirmation_is_told_and_the_runs_are_no_result(
    walk: Path, url: str, cli: Cli
) -> None:
    found = tuner.confirm("walk", top=3, seeds=3, storage_url=url)
    assert found.pick is not None

    told = f"confirmed on fresh seeds: trial {found.pick.trial.number}, score "
    assert told in cli("show", "walk").stdout
    assert told[1:] in tuner.report("walk", walk.parent / "page.html", storage_url=url).read_text()
    assert "walk.confirm  score   (confirmation)" in cli("list").stdout
    refused = cli("export", "walk.confirm")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "has the runs of a confirmation: `tuner export walk` has their pick" in refused.stderr
    assert "tuner confirm walk" not in cli("run", "--space", "walk.yaml", "-q").stdout


def test_an_interval_is_no_wider_than_its_metric(tiny: Path, url: str) -> None:
    tuner.run(tiny, storage_url=url, settings=[("training.epochs", 6)])
    found = tuner.confirm("tiny", top=1, seeds=2, storage_url=url)
    assert found.pick is not None

    assert found.limits == (0.0, 1.0)
    interval = found.interval(found.pick)
    assert interval is not None
    assert 0.0 <= interval.low <= interval.mean <= interval.high <= 1.0
    assert Interval(0.5, 0.2, 1.1).within(0.0, 1.0) == Interval(0.5, 0.2, 1.0)


def test_values_that_are_all_the_same_give_no_interval(walk: Path, url: str) -> None:
    (walk.parent / "fit.py").write_text("def fit(config, report):\n    return 1 - abs(config['x'] - 0.5)\n")
    tuner.run(walk, storage_url=url, study_name="sure")

    told = list(sentences(tuner.confirm("sure", top=2, seeds=2, storage_url=url)))

    assert (
        told[1]
        == "on 2 further seeds, which had no say in the choice, its score is 1 each time, which gives no interval"
    )
    assert told[2] == "the search had said 1, which is the same"


def test_a_left_over_run_on_fresh_splits_still_gets_its_rows(tiny: Path, url: str) -> None:
    def crash(event: Event) -> None:
        if isinstance(event, Reported):
            raise KeyboardInterrupt

    tuner.run(tiny, storage_url=url, n_trials=1)
    with pytest.raises(KeyboardInterrupt):
        tuner.confirm("tiny", top=1, seeds=2, splits=True, storage_url=url, observe=crash)

    found = tuner.confirm("tiny", top=1, seeds=2, storage_url=url)

    again = tuner.confirm("tiny", top=1, seeds=2, splits=True, storage_url=url)
    assert (found.ended, again.ended) == (4, 4)
    assert set(found.held).isdisjoint(again.held)


def test_several_objectives_have_nothing_to_confirm(walk: Path, url: str) -> None:
    objective = {"function": "fit.py:fit", "metrics": ["score", "x"], "directions": ["maximize", "minimize"]}

    with pytest.raises(UsageError, match=r"search\.confirm: several objectives have a front"):
        tuner.run(walk, storage_url=url, study_name="two", settings=[("objective", objective), ("search.confirm", {})])


@pytest.mark.parametrize("terms", [{"top": 0}, {"seeds": 1}, {"splits": "yes"}, {"tops": 3}])
def test_terms_that_are_none_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"search\.confirm: must be \{top: candidates, seeds: at least 2"):
        Space.parse(SPACE, settings=[("search.confirm", terms)])


def test_the_confirmed_trial_is_exported_until_the_search_finds_a_better_one(walk: Path, url: str, cli: Cli) -> None:
    found = tuner.confirm("walk", top=4, seeds=4, storage_url=url)
    assert found.pick is not None

    done = cli("export", "walk", "-o", "best.yaml")

    assert f"wrote best.yaml: trial {found.pick.trial.number}, confirmed on fresh seeds: score" in done.stdout
    facts = Space.load(walk.parent / "best.yaml").setting("provenance")
    assert facts["trial"] == found.pick.trial.number
    assert facts["confirmed"]["study"] == "walk.confirm"
    other = next(each.trial.number for each in found.standings if each is not found.pick)
    assert f"trial: {other}\n" in tuner.export("walk", trial=other, storage_url=url)
    assert "confirmed:" not in tuner.export("walk", trial=other, storage_url=url)
    text = walk.read_text().replace("{x: 0.44}]", "{x: 0.44}, {x: 0.501}, {x: 0.502}, {x: 0.503}, {x: 0.499}]")
    walk.write_text(text)
    grown = tuner.run(walk, storage_url=url, n_trials=12)
    assert grown.best.number >= 8  # or the test tells nothing
    assert f"trial: {grown.best.number}\n" in tuner.export("walk", storage_url=url)
    assert "is older than that: `tuner confirm walk`" in cli("export", "walk", "-o", "best.yaml").stdout


def test_the_page_has_the_confirmation_with_its_plot_and_its_table(walk: Path, url: str, tmp_path: Path) -> None:
    found = tuner.confirm("walk", top=4, seeds=4, storage_url=url)
    assert found.pick is not None

    page = tuner.report("walk", tmp_path / "report.html", storage_url=url).read_text()

    assert '<section id="confirmation" ' in page
    assert page.count('aria-label="Table of the candidates"') == 1
    assert f"Trial {found.pick.trial.number}" in page
    figure = forest(found).figure
    assert figure is not None
    drawn = {trace.name: len(trace.x) for trace in figure.data}
    assert drawn["Run"] == sum(len(each.values) for each in found.standings)
    assert (drawn["Run that had no say"], drawn["First estimate"]) == (4, 4)


def test_an_interval_that_its_metric_bounds_is_drawn_as_long_as_it_is() -> None:
    bars = whiskers([Interval(0.9, 0.7, 1.1).within(0.0, 1.0)])

    assert bars["symmetric"] is False
    assert (bars["arrayminus"], bars["array"]) == (pytest.approx([0.2]), pytest.approx([0.1]))


def test_the_command_tells_the_pick_and_its_candidates(walk: Path, url: str, cli: Cli) -> None:
    done = cli("confirm", "walk", "--top", "3", "--seeds", "3", "-q")

    assert done.returncode == 0, done.stderr
    found = read(study(url))
    assert found is not None
    assert found.pick is not None
    assert f"the pick is trial {found.pick.trial.number}" in done.stdout
    assert "3 further seeds, which had no say in the choice" in done.stdout
    assert "scored on the validation rows that the search chose by" in done.stdout.replace("\n", " ")
    assert "3 + 3" in done.stdout
