"""What people do to trials between runs: what it changes for readers and for the sampler, and what is refused."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from tests.conftest import TINY
from tests.support.asking import complete, epoch, opened
from tuner.errors import StudyError, UsageError
from tuner.goal import Task, goal_of
from tuner.protocol import Outcome, State
from tuner.results.results import Results
from tuner.space import Space
from tuner.storage import Sole, open_storage
from tuner.study import Leaderboard, load_study, marks
from tuner.study.fork import begin_fork, fork_of
from tuner.study.interventions import Steer, steer_trial

VALUES = (0.5, 0.9, 0.7, 0.6, 0.8, 0.55, 0.65, 0.75, 0.52, 0.62, 0.72, 0.58, 0.68, 0.95)
SPEEDY = TINY.replace("pruner: null", "pruner: {type: MedianPruner, n_startup_trials: 2}")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "LOOK_SECONDS", 0.0)


def results(url: str) -> Results:
    return Results(load_study(open_storage(url), "tiny"))


def test_an_ignored_trial_is_out_of_the_results_until_that_is_undone(url: str) -> None:
    trials = opened(url)
    for value in VALUES[:3]:
        complete(trials, value)

    steer_trial(url, "tiny", 1, "ignore", actor="ann@lab")
    ignored = results(url)
    assert [record.number for record in ignored.records] == [0, 1, 2]
    assert ignored.study.best_trial.number == 2
    steer_trial(url, "tiny", 1, Steer.IGNORE, undo=True)
    undone = results(url)

    assert ignored.records[1].state is State.COMPLETE
    assert ignored.records[1].why == "ignored by ann@lab"
    assert ignored.best is not None
    assert ignored.best.number == 2
    assert {record.number for record in ignored.sound} == {0, 2}
    assert undone.best is not None
    assert undone.best.number == 1
    assert undone.records[1].ignored is None


def test_two_people_ignore_two_trials_at_once(url: str) -> None:
    trials = opened(url)
    for value in VALUES[:3]:
        complete(trials, value)
    first, second = (load_study(open_storage(url), "tiny") for _ in range(2))
    first.records(), second.records()

    marks.mark_ignored(first.optuna, 0, marks.Ignored("ann", 1.0))
    marks.mark_ignored(second.optuna, 1, marks.Ignored("bob", 2.0))

    assert [record.ignored and record.ignored.by for record in results(url).records] == ["ann", "bob", None]


def test_a_driver_drops_an_ignored_trial_from_its_leaders_and_takes_it_back(url: str) -> None:
    trials = opened(url)
    leaderboard = Leaderboard(trials.study, keep=1)
    complete(trials, 0.7)
    complete(trials, 0.9)
    leaderboard.take(trials.queue.ended())

    steer_trial(url, "tiny", 1, "ignore")
    complete(trials, 0.6)
    leaderboard.take(trials.queue.ended())
    without, kept = [record.number for record in leaderboard.best], leaderboard.kept
    steer_trial(url, "tiny", 1, "ignore", undo=True)
    leaderboard.take(trials.queue.ended())

    assert (without, kept) == ([0], {0, 1})
    assert [record.number for record in leaderboard.front] == [1]


@pytest.mark.parametrize("sampler", ["TPESampler", "RandomSampler"])
def test_the_sampler_suggests_what_it_would_if_the_ignored_trials_had_never_been(url: str, sampler: str) -> None:
    """A fork leaves ignored trials out, and its next trial has the same seed."""
    text = Space.parse(TINY, settings=[("search.sampler", {"type": sampler})]).text
    trials = opened(url, text)
    for value in VALUES:
        complete(trials, value)
    for number in (1, 4, 13):
        steer_trial(url, "tiny", number, "ignore")

    space = Space.parse(text, settings=[("study.name", "new")])
    goal = goal_of(space.objective, Task.CLASSIFICATION)
    forked = fork_of(open_storage(url), "tiny", space, goal)
    begin_fork(open_storage(url), forked, space, goal, None, Sole())
    never = opened(url, space.text)
    suggested = [(trials.ask(), never.ask()) for _ in range(3)]

    assert forked.fork.left_out == {"they are ignored": 3}
    assert [one.number for one, _ in suggested] == [14, 15, 16]
    assert [other.number for _, other in suggested] == [11, 12, 13]
    assert [record.params for record in trials.study.records()[14:]] == [
        record.params for record in never.study.records()[11:]
    ]
    assert [one.seed for one, _ in suggested] == [other.seed for _, other in suggested]


def test_it_suggests_something_else_than_with_them(url: str, tmp_path: Path) -> None:
    both = [opened(each, TINY) for each in (url, f"sqlite:///{tmp_path / 'other.db'}")]
    for trials in both:
        for value in VALUES:
            complete(trials, value)
    steer_trial(url, "tiny", 13, "ignore")

    for trials in both:
        trials.ask()
    assert both[0].study.records()[-1].params != both[1].study.records()[-1].params


def test_the_pruner_compares_with_no_ignored_trial(url: str) -> None:
    trials = opened(url, SPEEDY)
    for value in (0.8, 0.9, 0.2, 0.3, 0.4):
        complete(trials, value)
    first = trials.ask().number
    with_all = trials.report(epoch(first, 1, 0.35))

    for number in (0, 1):
        steer_trial(url, "tiny", number, "ignore")
    second = trials.ask().number
    without = trials.report(epoch(second, 1, 0.35))

    assert (with_all, without) == (True, False)


def test_an_ignored_trial_counts_towards_the_total(url: str) -> None:
    trials = opened(url)
    complete(trials, 0.9)
    steer_trial(url, "tiny", 0, "ignore")

    assert trials.study.finished() == 1
    assert trials.ask().number == 1


def test_a_trial_that_runs_can_be_ignored_and_ends_as_one(url: str) -> None:
    trials = opened(url)
    number = trials.ask().number

    steer_trial(url, "tiny", number, "ignore")
    trials.report(epoch(number, 1, 0.9))
    trials.tell(Outcome(number, 1, State.COMPLETE, (0.9,), 1))

    assert results(url).best is None
    assert results(url).records[number].state is State.COMPLETE


def test_what_cannot_be_done_is_refused_with_a_sentence(url: str) -> None:
    complete(opened(url), 0.9)

    with pytest.raises(UsageError, match="the action ignor: must be stop or ignore or retry"):
        steer_trial(url, "tiny", 0, "ignor")
    with pytest.raises(UsageError, match="--undo: stop cannot be undone, only ignore can"):
        steer_trial(url, "tiny", 0, "stop", undo=True)
    with pytest.raises(StudyError, match="trial 0 of study tiny is not ignored"):
        steer_trial(url, "tiny", 0, "ignore", undo=True)
    with pytest.raises(StudyError, match="study tiny has no trial 7"):
        steer_trial(url, "tiny", 7, "ignore")


def test_a_study_of_another_program_has_ignored_trials_too(url: str) -> None:
    study = optuna.create_study(study_name="theirs", storage=open_storage(url, create=True), direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    best = study.best_trial.number

    steer_trial(url, "theirs", best, "ignore")

    assert load_study(open_storage(url), "theirs").best_trial.number != best
