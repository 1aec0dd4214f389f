from __future__ import annotations

from pathlib import Path

import pytest

import tuner
from tests.conftest import Cli
from tuner.errors import UsageError
from tuner.search.run_result import Result
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import load_study
from tuner.study.stop_rules import STOP
from tuner.study.study import noted

FIT = """\
def fit(config, report):
    return abs(config["x"] - 3)
def several(config, report):
    return {"a": config["x"], "b": 10 - config["x"] if config["x"] < 5 else 20}
"""
SPACE = """\
study: {name: walk}
search:
  trials: 10
  sampler: {type: RandomSampler}
  enqueue: [{x: 9}, {x: 5}, {x: 1}, {x: 2}, {x: 8}, {x: 7}, {x: 8.5}, {x: 3}, {x: 6}, {x: 6.5}]
objective: {function: "fit.py:fit", metric: distance, direction: minimize}
x: {float: [0, 9]}
"""
"""Values 6, 2, 2, 1, 5, 4, 5.5, 0, 3, 3.5."""

SEVERAL = SPACE.replace("fit.py:fit", "fit.py:several").replace(
    "metric: distance, direction: minimize", "metrics: [a, b], directions: [minimize, minimize]"
)
"""The first four change the front."""


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    (tmp_path / "fit.py").write_text(FIT)
    file = tmp_path / "walk.yaml"
    file.write_text(SPACE)
    return file


def run(walk: Path, url: str, n_trials: int = 10, deterministic: int | None = None, **stop: float) -> Result:
    settings = [("search.stop", stop)] if stop else []
    return tuner.run(walk, storage=url, n_trials=n_trials, deterministic=deterministic, settings=settings)


def test_a_target_that_is_reached_ends_the_search_and_the_reason_is_kept(walk: Path, url: str) -> None:
    result = run(walk, url, target=1)

    assert result.study.finished() == 4
    assert result.stopped == "distance 1 has reached the target 1"
    assert noted(load_study(open_storage(url), "walk"), STOP)["reason"] == result.stopped


def test_patience_counts_trials_that_brought_no_better(walk: Path, url: str) -> None:
    result = run(walk, url, patience=3)

    assert result.study.finished() == 7
    assert result.stopped == "the last 3 trials brought no better distance than 1"


def test_an_equal_value_is_no_better_one(walk: Path, url: str) -> None:
    assert run(walk, url, patience=1).study.finished() == 3


def test_a_rule_that_never_holds_leaves_the_search_alone(walk: Path, url: str) -> None:
    result = run(walk, url, patience=4, target=-1)

    assert (result.study.finished(), result.stopped) == (10, "")


def test_the_same_command_again_trains_nothing_and_says_why(walk: Path, url: str) -> None:
    first = run(walk, url, target=2)

    again = run(walk, url, target=2)

    assert again.study.finished() == first.study.finished() == 2
    assert again.stopped == first.stopped != ""


def test_a_larger_total_goes_on_beyond_the_target_and_counts_patience_anew(walk: Path, url: str) -> None:
    assert run(walk, url, 8, target=2, patience=3).study.finished() == 2

    longer = run(walk, url, 9, target=2, patience=3)
    smaller = run(walk, url, 8, target=2, patience=3)
    longest = run(walk, url, 10, target=2, patience=3)

    assert (longer.study.finished(), longer.stopped) == (7, "the last 3 trials brought no better distance than 1")
    assert smaller.study.finished() == 7
    assert longest.study.finished() == 10


def test_another_rule_decides_anew_and_none_goes_on_to_the_total(walk: Path, url: str) -> None:
    assert run(walk, url, target=2).study.finished() == 2

    assert run(walk, url, target=1).study.finished() == 4
    assert run(walk, url, target=2).study.finished() == 4
    free = run(walk, url)

    assert (free.study.finished(), free.stopped) == (10, "")
    assert noted(free.study, STOP) == {}


def test_a_deterministic_study_stops_at_a_whole_batch(walk: Path, url: str) -> None:
    assert run(walk, url, target=2, deterministic=4).study.finished() == 4


def test_of_several_objectives_patience_counts_changes_of_the_front(walk: Path, url: str) -> None:
    walk.write_text(SEVERAL)

    result = run(walk, url, patience=2)

    assert result.study.finished() == 6
    assert result.stopped == "the last 2 trials brought no change of the front"


def test_a_target_of_several_objectives_is_refused_at_its_place(walk: Path, url: str) -> None:
    walk.write_text(SEVERAL)

    with pytest.raises(UsageError, match=r"search\.stop\.target: several objectives have a front"):
        run(walk, url, target=2)


@pytest.mark.parametrize("stop", [{}, {"target": "high"}, {"patience": 0}, {"aim": 1}])
def test_what_is_no_rule_is_refused(stop: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"search\.stop: must be \{target: a value, patience: a number of trials\}"):
        Space.parse(SPACE, settings=[("search.stop", stop)])


def test_the_command_says_that_it_stopped_and_how_to_go_on(walk: Path, cli: Cli) -> None:
    done = cli("run", "--space", "walk.yaml", "--set", "search.stop={target: 2}")

    assert done.returncode == 0, done.stderr
    assert (
        "Stopped after 2 trials: distance 2 has reached the target 2; a larger --n-trials goes on with it."
        in done.stdout
    )


def test_patience_of_a_fork_begins_after_the_trials_that_it_keeps(walk: Path, url: str) -> None:
    run(walk, url, n_trials=7)
    settings = [("search.stop", {"patience": 3, "target": 5}), ("x", {"float": [0, 8.5]})]

    result = tuner.run(
        walk,
        storage=url,
        fork="fork",
        settings=[*settings, ("search.enqueue", [{"x": 8.4}, {"x": 8.3}, {"x": 8.2}])],
    )

    assert result.study.finished() == 6 + 3
    assert result.stopped == "the last 3 trials brought no better distance than 1"
    another = [("search.stop", {"patience": 4}), settings[1], ("search.enqueue", [])]
    again = tuner.run(walk, storage=url, fork="fork", settings=another)
    assert again.study.finished() == 6 + 4
