"""Who is confirmed: candidates race on seeds that the search has not used, whatever stops them on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.support.confirmations import FIT, study
from tuner.plots.forest_plot import forest
from tuner.results.results import Results
from tuner.results.stage import Part
from tuner.results.wording import sentences, verdict
from tuner.search.events import Event


def test_the_pick_has_the_best_mean_and_an_interval_of_seeds_that_had_no_say(walk: Path, url: str) -> None:
    found = tuner.confirm("walk", top=4, seeds=4, storage=url)

    assert found.pick is not None
    leading = [sum(each.values) / 4 for each in found.standings if each.leading]
    assert leading == sorted(leading, reverse=True)
    runs = study(url, "walk.confirm").records()
    held = [record for record in runs if record.attributes.named["part"] == Part.HELD_OUT.value]
    assert [record.value for record in held] == list(found.held)
    assert {record.attributes.named["candidate"] for record in held} == {found.pick.trial.number}
    interval = found.interval(found.pick)
    assert interval is not None
    assert interval.mean == pytest.approx(sum(found.held) / 4)
    assert interval.low < interval.mean < interval.high
    assert found.fell(found.pick) == pytest.approx((found.pick.trial.value or 0) - interval.mean)


def test_every_candidate_trains_on_the_same_seeds_none_of_which_the_search_has_used(walk: Path, url: str) -> None:
    tuner.confirm("walk", top=3, seeds=2, storage=url)

    runs = study(url, "walk.confirm").records()
    seeds: dict[tuple[str, int], set[int]] = {}
    for record in runs:
        facts = record.attributes.named
        seeds.setdefault((facts["part"], facts["repeat"]), set()).add(facts["seed"])
    assert all(len(each) == 1 for each in seeds.values())
    used = set().union(*seeds.values())
    assert len(used) == len(seeds) == 4
    assert used.isdisjoint(record.attributes.seed for record in study(url).records())


def test_the_search_stays_as_it_was(walk: Path, url: str) -> None:
    before = study(url).records()

    tuner.confirm("walk", top=2, seeds=2, storage=url)

    assert study(url).records() == before


def test_a_candidate_that_can_no_longer_win_is_given_up(walk: Path, url: str) -> None:
    found = tuner.confirm("walk", top=8, seeds=6, storage=url)

    by_x = {each.trial.params["x"]: each for each in found.standings}
    assert by_x[0.1].given_up in (3, 4, 5)
    assert len(by_x[0.1].values) == by_x[0.1].given_up
    assert verdict(found, by_x[0.1]) == f"given up after {by_x[0.1].given_up} seeds"
    assert by_x[0.5].leading


def test_what_is_complete_is_not_trained_again_and_more_seeds_use_what_is_there(walk: Path, url: str) -> None:
    events: list[Event] = []
    first = tuner.confirm("walk", top=2, seeds=2, storage=url)
    again = tuner.confirm("walk", top=2, seeds=2, storage=url, observe=events.append)
    more = tuner.confirm("walk", top=2, seeds=3, storage=url)

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
        tuner.confirm("walk", top=3, seeds=3, storage=url, observe=crash)
    cut = Results(study(url)).confirmation
    assert cut is not None
    assert cut.pick is None
    assert list(sentences(cut)) == ["The confirmation is not complete"]

    found = tuner.confirm("walk", top=3, seeds=3, storage=url)

    assert found.pick is not None
    runs = study(url, "walk.confirm").records()
    assert len(runs) == len(
        {tuple(record.attributes.named[key] for key in ("candidate", "part", "repeat")) for record in runs}
    )
    assert all(record.complete for record in runs)


def test_a_candidate_whose_run_fails_drops_out(walk: Path, url: str) -> None:
    tuner.run(
        walk,
        storage=url,
        n_trials=40,
        study_name="flaky",
        settings=[("x", {"choice": [0.3, 0.1]}), ("search.enqueue", [])],
    )

    found = tuner.confirm("flaky", top=2, seeds=6, storage=url)

    assert found.pick is not None
    assert found.pick.trial.params["x"] == 0.1
    out = found.standings[1]
    assert out.trial.number == found.winner
    assert "failed, ValueError: as asked" in out.out
    told = list(sentences(found))
    assert f"Trial {out.trial.number} dropped out before the end, so no comparison is possible" in told
    assert not any("worse" in sentence for sentence in told)


def test_a_run_that_failed_is_tried_again_when_it_is_asked_for_again(own_walk: Path, url: str) -> None:
    broken = FIT.replace("x == 0.3 and seed % 2", "x == 0.5")
    (own_walk.parent / "fit.py").write_text(broken.replace("as asked", "the disk is full"))
    found = tuner.confirm("walk", top=3, seeds=2, storage=url)
    out = next(each for each in found.standings if each.out)
    assert out.trial.params["x"] == 0.5
    (own_walk.parent / "fit.py").write_text(FIT)

    again = tuner.confirm("walk", top=3, seeds=2, storage=url)

    assert not any(each.out for each in again.standings)
    assert len(study(url, "walk.confirm").records()) == again.ended + len(found.failed)


def test_the_same_config_is_one_candidate(walk: Path, url: str) -> None:
    tuner.run(walk, storage=url, study_name="few", settings=[("x", {"choice": [0.1, 0.9]}), ("search.enqueue", [])])

    assert len(tuner.confirm("few", top=5, seeds=2, storage=url).standings) == 2


def test_a_single_candidate_is_the_pick_without_a_race(walk: Path, url: str) -> None:
    found = tuner.confirm("walk", top=1, seeds=3, storage=url)

    assert found.pick is not None
    assert (found.pick.values, len(found.held), found.ended) == ((), 3, 3)
    assert forest(found).figure is not None


def test_workers_confirm_the_same(walk: Path, url: str, tmp_path: Path) -> None:
    alone = tuner.confirm("walk", top=3, seeds=3, storage=url)
    other = f"sqlite:///{tmp_path}/other.db"
    tuner.run(walk, storage=other)

    many = tuner.confirm("walk", top=3, seeds=3, storage=other, workers=2)

    assert [each.values for each in many.standings] == [each.values for each in alone.standings]
    assert many.held == alone.held
