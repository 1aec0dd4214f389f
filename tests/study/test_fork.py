from __future__ import annotations

from typing import Any

import pytest

from tests.support.asking import PRUNING, complete, epoch, opened
from tuner.errors import StudyError
from tuner.goal import Goal, Task, goal_of
from tuner.protocol import Outcome, State
from tuner.runtime.seeds import derive
from tuner.space import Space
from tuner.storage import Sole, open_storage, tables
from tuner.study import AskTell, Study, delete_study, load_study
from tuner.study.fork import Fork, Forked, begin_fork, fork_of
from tuner.study.provenance import Origin, Way

SGD = {"model.hidden.length": 1, "model.hidden.0": 8, "optimizer": "SGD", "optimizer.SGD.momentum": 0.5}
KNOWN = [{**SGD, "optimizer.SGD.lr": 0.05}, {**SGD, "optimizer.SGD.lr": 0.5}, {**SGD, "optimizer.SGD.lr": 0.9}]
NARROW = ("optimizer.SGD.lr", {"float": [0.01, 0.6], "log": True})
ALONE = ("optimizer", {"type": "SGD", "lr": {"float": [0.01, 1.0]}, "momentum": {"float": [0.0, 0.9]}})


@pytest.fixture
def old(url: str) -> AskTell:
    """Trials of lr 0.05 and 0.5 complete, of 0.9 pruned, one failed, one running."""
    trials = opened(url, Space.parse(PRUNING, settings=[("search.enqueue", KNOWN)]).text)
    complete(trials, 0.7)
    complete(trials, 0.9)
    pruned = trials.ask().number
    trials.report(epoch(pruned, 1, 0.4))
    trials.tell(Outcome(pruned, 1, State.PRUNED, epoch=1))
    trials.tell(Outcome(trials.ask().number, 1, State.FAILED, cause="as asked"))
    trials.ask()
    return trials


def changed(*settings: tuple[str, Any], name: str = "new") -> tuple[Space, Goal]:
    space = Space.parse(PRUNING, settings=[("study.name", name), *settings])
    return space, goal_of(space.objective, Task.CLASSIFICATION)


def planned(url: str, *settings: tuple[str, Any], of: str = "tiny", name: str = "new") -> Forked:
    return fork_of(open_storage(url), of, *changed(*settings, name=name))


def forked(url: str, *settings: tuple[str, Any], of: str = "tiny", name: str = "new") -> Study:
    plan = planned(url, *settings, of=of, name=name)
    begin_fork(open_storage(url), plan, *changed(*settings, name=name), None, Sole())
    return load_study(open_storage(url), name)


def test_trials_that_fit_are_kept_with_all_that_is_known_of_them(old: AskTell, url: str) -> None:
    new = forked(url, NARROW)

    before, kept = old.study.records()[:2], new.records()
    assert [record.params for record in kept] == KNOWN[:2]
    for was, now in zip(before, kept, strict=True):
        same = ("state", "values", "epoch", "reports", "history", "started", "ended", "seconds")
        assert [getattr(now, name) for name in same] == [getattr(was, name) for name in same]
        assert {**now.attributes.named, **was.attributes.named} == now.attributes.named
        assert now.attributes.origin == Origin(Way.KEPT, "tiny", was.number)


def test_it_is_said_how_many_are_kept_and_why_the_rest_is_not(old: AskTell, url: str) -> None:
    assert Fork.read(forked(url, NARROW)) == planned(url, NARROW).fork
    assert planned(url, NARROW).fork.notes == (
        "fork of study tiny: 2 of its 5 trials kept",
        "1 left out: optimizer.SGD.lr is outside {float: [0.01, 0.6], log: true}",
        "1 left out: they have failed",
        "1 left out: they have not ended",
    )


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        (("model.dropout", {"float": [0.0, 0.5]}), "model.dropout has no value there"),
        (("training.epochs", 3), "training.epochs is 3 now"),
        (("optimizer.SGD.momentum", 0.4), "optimizer.SGD.momentum is 0.4 now"),
        (("optimizer.SGD", {"type": "SGD", "lr": {"float": [0.01, 1.0]}}), "optimizer.momentum is no more"),
        (("model.hidden", {"list": {"ref": "data.batch_size"}, "length": 1}), "model.hidden.0 is 128 now"),
        (("optimizer", {"type": "Adam"}), "optimizer.type is Adam now"),
    ],
)
def test_a_trial_fits_only_if_the_new_space_gives_the_very_config(
    old: AskTell, url: str, setting: tuple[str, Any], reason: str
) -> None:
    with pytest.raises(StudyError) as caught:
        planned(url, setting)

    assert f"3 left out: {reason}" in str(caught.value)
    assert "begins a study of its own" in str(caught.value)


def test_kept_trials_are_the_new_spaces_in_names_and_distributions_and_the_sampler_goes_on(
    old: AskTell, url: str
) -> None:
    forked(url, ALONE)

    trials = opened(url, changed(ALONE)[0].text)
    asked = trials.ask()

    assert asked.number == 3
    assert [record.state for record in trials.study.records()] == ["complete", "complete", "pruned", "running"]
    assert trials.study.record(2).reports == {1: 0.4}
    assert trials.study.record(2).params["optimizer.lr"] == 0.9
    kinds = [trial.distributions for trial in trials.optuna.get_trials()]
    assert all(kind["optimizer.lr"] == kinds[3]["optimizer.lr"] for kind in kinds)
    assert all(
        kind.keys() == trial.params.keys() for kind, trial in zip(kinds, trials.optuna.get_trials(), strict=True)
    )


def test_the_chance_of_new_trials_is_not_that_of_trials_of_the_old_study(old: AskTell, url: str) -> None:
    forked(url, NARROW)

    asked = opened(url, changed(NARROW)[0].text).ask()

    assert asked.number == 2
    assert asked.seed == derive(0, "trial", 5)


def test_a_fork_of_a_fork_keeps_on(old: AskTell, url: str) -> None:
    forked(url, NARROW)

    newer = forked(url, NARROW, ("model.hidden", {"list": {"int": [8, 9]}, "length": 1}), of="new", name="newer")

    assert [record.attributes.origin for record in newer.records()] == [
        Origin(Way.KEPT, "new", 0),
        Origin(Way.KEPT, "new", 1),
    ]
    assert newer.beyond == 3


def test_the_old_study_stays_as_it_was(old: AskTell, url: str) -> None:
    before, facts = old.study.records(), dict(old.optuna.user_attrs)

    forked(url, NARROW)

    there = load_study(open_storage(url), "tiny")
    assert (there.records(), there.optuna.user_attrs) == (before, facts)


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        (("study.seed", 1), "study.seed: 0 in the study, 1 now"),
        (("data.valid", 0.3), "data.valid: 0.2 in the study, 0.3 now"),
        (("objective", {"metric": "loss"}), "objective.metrics: [accuracy] in the study, [loss] now"),
        (("objective", {"scope": "last"}), "objective.scope: best in the study, last now"),
    ],
)
def test_what_changes_the_meaning_of_values_is_refused(
    old: AskTell, url: str, setting: tuple[str, Any], line: str
) -> None:
    with pytest.raises(StudyError) as caught:
        planned(url, setting)

    assert line in str(caught.value)
    assert "values of its trials would mean something else here; give a --study-name" in str(caught.value)
    with pytest.raises(StudyError) as refused:
        opened(url, changed(setting, name="tiny")[0].text)
    assert "--fork" not in str(refused.value)


def test_the_refusal_of_a_changed_space_names_the_fork(old: AskTell, url: str) -> None:
    with pytest.raises(StudyError, match="or with --fork NEW to begin one with all trials of tiny that still fit:"):
        opened(url, changed(NARROW, name="tiny")[0].text)


def test_the_same_fork_is_gone_on_with_even_if_the_old_study_is_gone(old: AskTell, url: str) -> None:
    first = forked(url, NARROW)
    complete(opened(url, changed(NARROW)[0].text), 0.8)

    delete_study(open_storage(url), "tiny")

    again = forked(url, NARROW)

    assert planned(url, NARROW).trials == ()
    assert (again.uid, len(again.records())) == (first.uid, 3)


def test_a_name_that_is_taken_is_refused(old: AskTell, url: str) -> None:
    opened(url, changed(name="taken")[0].text)
    forked(url, NARROW)

    with pytest.raises(StudyError, match="study taken is there already, and is no fork of study tiny"):
        planned(url, NARROW, name="taken")
    with pytest.raises(StudyError, match="study new is there already, and is no fork of study taken"):
        planned(url, NARROW, of="taken")
    with pytest.raises(StudyError, match=r"no study tny \(did you mean tiny\?\)"):
        planned(url, NARROW, of="tny", name="other")


def test_a_fork_that_was_cut_short_is_made_by_the_next_run(
    old: AskTell, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tables, "replace_rows", die)
        with pytest.raises(KeyboardInterrupt):
            forked(url, NARROW)
    left = load_study(open_storage(url), "new")

    assert (left.records(), left.made_here) == ([], False)
    assert len(forked(url, NARROW).records()) == 2
