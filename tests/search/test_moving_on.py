"""Runs that begin with what another study knows: a warm start, a fork."""

from __future__ import annotations

from pathlib import Path

import tuner
from tests.support.runs import run
from tuner.config import On
from tuner.search.events import Opened, Started
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import load_study


def test_a_warm_start_trains_the_best_of_another_study_first_and_tells_of_it(tiny: Path, url: str) -> None:
    best = run(tiny, url, n_trials=1)[0].best

    result, events = run(
        tiny, url, study_name="new", n_trials=1, settings=[("search.warm_start", {"study": "tiny", "top": 1})]
    )

    assert isinstance(events[0], Opened)
    assert events[0].notes == ("warm start with trial 0 of study tiny",)
    assert [record.params for record in result.study.records()] == [best.params]


def test_a_fork_goes_on_from_what_it_keeps_and_the_same_command_goes_on_with_it(tiny: Path, url: str) -> None:
    first = run(tiny, url, n_trials=2)[0].study.records()
    changed = [("model.hidden", {"list": {"int": [4, 32]}, "length": {"int": [1, 3]}})]

    forked, events = run(tiny, url, fork="wider", n_trials=3, settings=changed)
    again, more = run(tiny, url, fork="wider", n_trials=4, settings=changed)

    assert isinstance(events[0], Opened)
    assert (events[0].finished, events[0].notes) == (2, ("fork of study tiny: 2 of its 2 trials kept",))
    assert [event.trial.number for event in (*events, *more) if isinstance(event, Started)] == [2, 3]
    assert [(record.params, record.value) for record in again.study.records()[:2]] == [
        (record.params, record.value) for record in first
    ]
    assert forked.study.name == "wider"
    assert load_study(open_storage(url), "tiny").records() == first


def test_a_trial_that_was_kept_is_trained_again_to_its_value_and_says_where_it_comes_from(
    tiny: Path, url: str, tmp_path: Path
) -> None:
    run(tiny, url, n_trials=1)
    settings = [("optimizer.Adam.lr", {"float": [1e-4, 1.0]}), ("optimizer.SGD.lr", {"float": [1e-4, 2.0]})]
    kept = run(tiny, url, fork="other", n_trials=1, settings=settings)[0].best
    config = tmp_path / "best.yaml"

    tuner.export("other", config, storage=url)
    final = tuner.train(config, tmp_path / "run", on=On.TRAIN)

    assert Space.load(config).fixed["provenance"]["origin"] == {"study": "tiny", "trial": 0}
    assert final.epochs[-1]["accuracy"] == kept.value
    assert len(final.epochs) == kept.epoch
