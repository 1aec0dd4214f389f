"""Several objectives and constraints, from the file to the study."""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path

import optuna
import pytest
from optuna_dashboard._serializer import serialize_frozen_trial

import tuner
from tests.conftest import TINY
from tests.support.asking import opened
from tests.support.runs import run
from tuner.engines.outcomes import interrupted
from tuner.errors import NoTrialSucceeded, StudyError, UsageError
from tuner.goal import Task, goal_of
from tuner.protocol import Epoch, Outcome, State, Trial
from tuner.runtime.rounding import rounded
from tuner.search.events import Ended, Opened
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import AskTell, load_study
from tuner.study.record import undominated

TWO = TINY.replace(
    "search: {trials: 3, pruner: null}", "search: {trials: 4}\nobjective: {metrics: [accuracy, parameters]}"
)
BOUNDED = TINY + "objective: {metric: accuracy, constraints: {parameters: {max: 700}}}\n"


def told(trials: AskTell, *values: float, **violations: float) -> int:
    number = trials.ask().number
    trials.tell(Outcome(number, 1, State.COMPLETE, values, 1, violations=violations))
    return number


def test_a_study_of_two_metrics_ends_with_its_front(tmp_path: Path, url: str) -> None:
    result, events = run(Space.parse(TWO), url)

    records = result.study.records()
    front = {record.number for record in result.front}
    assert front == {trial.number for trial in optuna.load_study(study_name="tiny", storage=url).best_trials}
    for record in records:
        accuracies = record.history["accuracy"]
        assert record.values == (accuracies[-1], record.history["parameters"][-1])
        assert (record.epoch, record.reports) == (2, {})
    first = records[0]
    width = [first.params[f"model.hidden.{i}"] for i in range(first.params["model.hidden.length"])]
    sizes = [64, *width, 10]
    assert first.values[1] == sum(a * b + b for a, b in itertools.pairwise(sizes))
    assert [event.front for event in events if isinstance(event, Ended)][-1] == result.front
    assert next(event for event in events if isinstance(event, Opened)).front == []


def test_a_front_has_no_best_trial(url: str) -> None:
    result, _ = run(Space.parse(TWO), url, n_trials=1)

    assert result.study.best() is None
    with pytest.raises(StudyError, match="study tiny has several objectives: it has a front, and no best trial"):
        _ = result.best
    with pytest.raises(StudyError, match=r"name a trial of its front with --trial: 0$"):
        tuner.export("tiny", storage=url)
    assert "values: {accuracy:" in tuner.export("tiny", trial=0, storage=url)


def test_the_front_is_what_no_other_beats_in_every_objective(url: str) -> None:
    trials = opened(url, TWO)
    for values in [(0.9, 50), (0.9, 40), (0.5, 10), (0.4, 20), (0.95, 90), (0.5, 10)]:
        told(trials, *values)
    told(trials, 0.99, 5, recall=0.25)

    front = trials.study.front()

    assert [record.values for record in front] == [(0.95, 90), (0.9, 40), (0.5, 10), (0.5, 10)]
    assert undominated([], trials.study.goal.directions) == []


@pytest.mark.parametrize("sampler", ["TPESampler", "NSGAIISampler", "RandomSampler", "GPSampler"])
def test_trials_that_go_wrong_leave_the_sampler_able_to_go_on(url: str, sampler: str) -> None:
    trials = opened(url, TWO.replace("trials: 4", f"trials: 4, sampler: {{type: {sampler}}}"))
    states = [State.DIVERGED, State.OUT_OF_MEMORY, State.FAILED]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(16):
            number = trials.ask().number
            if i % 2:
                trials.tell(Outcome(number, 1, states[i // 2 % 3], epoch=1, cause="so it was"))
            else:
                violations = {"parameters": i - 4.0}
                trials.tell(Outcome(number, 1, State.COMPLETE, (0.1 * i, 5.0), 1, violations=violations))

    assert len(trials.study.records()) == 16
    assert [record.number for record in trials.study.front()] == [4]


def test_tpe_samples_several_objectives_without_a_word(url: str) -> None:
    trials = opened(url, TWO)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(13):
            told(trials, 0.1 * i, 5.0)

    assert trials.study.finished() == 13


def test_constraints_are_optunas_own_and_the_dashboards(url: str) -> None:
    trials = opened(url, TWO)
    told(trials, 0.9, 50, recall=0.25, parameters=-3)

    trial = optuna.load_study(study_name="tiny", storage=url).trials[0]

    assert {name: trial.constraints[name] for name in ("recall", "parameters")} == {"recall": 0.25, "parameters": -3}
    assert serialize_frozen_trial(1, trial, {})["constraints"] == [0.25, -3]
    record = trials.study.record(0)
    assert (record.violations, record.feasible, record.sound) == ({"recall": 0.25, "parameters": -3}, False, False)
    assert record.why == "out of bounds: recall by 0.25"
    assert optuna.load_study(study_name="tiny", storage=url).best_trials == []


def test_with_one_objective_a_trial_out_of_bounds_is_never_the_best(url: str) -> None:
    trials = opened(url, BOUNDED)
    for value, violation in ((0.6, -1.0), (0.99, 5.0), (0.7, 0.0), (0.1, 2.0)):
        told(trials, value, parameters=violation)

    best = trials.study.best()

    assert best is not None
    assert best.number == 2
    assert [record.number for record in trials.study.ranked(trials.study.records())] == [2, 0, 1, 3]
    assert optuna.load_study(study_name="tiny", storage=url).best_trial.number == 2


def test_the_epoch_that_counts_keeps_to_the_bounds_where_one_does(url: str) -> None:
    space = Space.parse(TINY, settings=[("objective", {"constraints": {"loss": {"max": 0.6}}}), ("training.epochs", 6)])

    result, _ = run(space, url)

    fits = [[loss <= 0.6 for loss in record.history["loss"]] for record in result.study.records()]
    assert any(any(fit) and not all(fit) for fit in fits)  # or the test tells nothing
    for record, fit in zip(result.study.records(), fits, strict=True):
        assert record.feasible == any(fit)
        allowed = [a for a, fits in zip(record.history["accuracy"], fit, strict=True) if fits or not any(fit)]
        assert record.value == max(allowed)


def test_a_study_in_which_nothing_keeps_the_bounds_says_so(url: str) -> None:
    space = Space.parse(BOUNDED, settings=[("objective.constraints.parameters.max", 10)])

    with pytest.raises(
        NoTrialSucceeded,
        match=r"none of 3 trials is complete; the most common cause: not trained: parameters \d+ breaks the constraint "
        "parameters at most 10",
    ):
        run(space, url)

    with pytest.raises(StudyError, match="has no complete trial that keeps parameters at most 10; name one with"):
        tuner.export("tiny", storage=url)
    assert "provenance" in tuner.export("tiny", trial=1, storage=url)


def test_latency_alone_may_be_the_objective_and_pruned_by(url: str) -> None:
    result, _ = run(Space.parse(TINY, settings=[("objective.metric", "latency")]), url)

    assert math.isfinite(result.best.values[0])
    assert result.study.goal.direction.value == "minimize"
    assert result.best.value == min(record.values[0] for record in result.study.records())


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (
            {"metrics": ["accuracy", "paramters"]},
            "given beside space: objective.metrics.1: say whether to minimize or maximize",
        ),
        (
            {"metrics": ["accuracy", "rmse"]},
            "given beside space: objective.metrics.1: rmse does not fit classification",
        ),
        ({"constraints": {"recal": {"min": 1}}}, "objective.constraints.recal: recal does not fit classification (did"),
    ],
)
def test_a_metric_that_is_none_is_refused_at_its_place(url: str, objective: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(Space.parse(TINY, settings=[("objective", objective)]), url)

    assert message in str(caught.value)


def test_a_study_goes_on_however_its_metric_is_written(url: str) -> None:
    run(Space.parse(TINY), url, n_trials=1)

    result, _ = run(Space.parse(TINY + "objective: {metrics: [accuracy], direction: null}\n"), url, n_trials=2)

    assert len(result.study.records()) == 2
    with pytest.raises(StudyError, match=r"objective.metrics: \[accuracy\] in the study, \[accuracy, f1\] now"):
        run(Space.parse(TINY + "objective: {metrics: [accuracy, f1]}\n"), url)


def test_a_suspended_trial_of_two_metrics_goes_on(url: str) -> None:
    trials = opened(url, TWO)
    first = trials.ask()
    trials.leave(first.number)

    again = opened(url, TWO).ask()

    assert (again.number, again.values) == (first.number, first.values)
    assert load_study(open_storage(url), "tiny").goal.metrics == ("accuracy", "parameters")


def test_an_epoch_that_breaks_a_bound_is_no_measure_for_other_trials(url: str) -> None:
    trials = opened(url, BOUNDED.replace("pruner: null", "pruner: {type: MedianPruner, n_startup_trials: 0}"))
    wide, narrow = trials.ask().number, trials.ask().number
    told(trials, 0.5)

    pruned = [
        trials.report(Epoch(wide, 1, 1, {"accuracy": 0.9, "parameters": 5000.0}, 0.1)),
        trials.report(Epoch(narrow, 1, 1, {"accuracy": 0.6, "parameters": 600.0}, 0.1)),
    ]

    assert pruned == [False, False]
    assert [dict(trials.study.record(number).reports) for number in (wide, narrow)] == [{}, {1: 0.6}]
    assert trials.study.record(wide).history["accuracy"] == [0.9]


def test_a_trial_that_is_cut_short_tells_which_bounds_it_broke() -> None:
    goal = goal_of(Space.parse(BOUNDED).objective, Task.CLASSIFICATION)

    ended = interrupted(Trial(0, 1, {}, 0), State.PRUNED, goal, {"accuracy": 0.9, "parameters": 5000.0}, 1)

    assert ended.violations == {"parameters": 4300.0}
    assert goal.violations({"accuracy": 0.9, "parameters": math.nan}) == {}


def test_a_cost_alone_trains_to_the_last_epoch(tmp_path: Path, url: str) -> None:
    (tmp_path / "small.yaml").write_text(TINY + "objective: {metric: parameters}\n")

    result = tuner.run(tmp_path / "small.yaml", storage=url)

    assert {record.epoch for record in result.study.records()} == {2}


def test_a_model_that_cannot_keep_its_bound_is_not_trained(url: str) -> None:
    space = Space.parse(BOUNDED, settings=[("objective.constraints.parameters.max", 800), ("search.trials", 6)])

    result, _ = run(space, url)

    out = [record for record in result.study.records() if not record.feasible]
    assert out
    for record in out:
        assert (record.state, record.history, record.epoch) == ("pruned", {}, None)
        own = rounded(record.violations["parameters"] + 800)
        assert record.why == f"not trained: parameters {own} breaks the constraint parameters at most 800"
        assert record.violations["parameters"] > 0
    assert {record.state for record in result.study.records() if record.feasible} == {"complete"}
