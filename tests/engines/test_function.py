from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch

from tests.conftest import objective
from tests.support.ports import FakePort
from tuner.engines.function import FunctionEngine, Report, load, run_fit
from tuner.errors import BuildError, Interrupted, TrialStopped
from tuner.goal import Bound, Direction, Goal, Scope, goal_of
from tuner.protocol import Epoch, Outcome, State, Trial, Verdict

GOAL = goal_of(objective(["f1"]), None)
DOCUMENT = {
    "study": {"seed": 0}, "search": {}, "objective": {}, "provenance": None,
    "model": {"depth": 3}, "training": {"epochs": 4},
}  # fmt: skip
Fit = Callable[..., Any]


def run(function: Fit, port: FakePort | None = None, goal: Goal = GOAL, folder: Path | None = None) -> Outcome:
    return run_fit(function, goal, "cpu", folder, Trial(7, 1, DOCUMENT, 5), port or FakePort())


def reporting(*values: float) -> Fit:
    def fit(config: dict[str, Any], report: Report) -> None:
        for epoch, value in enumerate(values, start=1):
            report(epoch, f1=value)

    return fit


def test_the_function_gets_the_plain_config_and_what_it_asks_for_by_name(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def fit(config: dict[str, Any], report: Report, seed: int, device: str, folder: Path) -> float:
        seen.update(config=config, seed=seed, device=device, folder=folder)
        config["model"]["depth"] = 9
        return 0.5

    run(fit, folder=tmp_path)

    assert seen["config"].keys() == {"model", "training"}
    assert (seen["seed"], seen["device"], seen["folder"]) == (5, "cpu", tmp_path)
    assert DOCUMENT["model"] == {"depth": 3}  # what it does to its config is its own affair


def test_the_value_is_the_best_reported_epochs() -> None:
    port = FakePort()

    outcome = run(reporting(0.5, 0.9, 0.7), port)

    assert (outcome.state, outcome.values, outcome.epoch) == (State.COMPLETE, (0.9,), 2)
    assert [(epoch.trial, epoch.epoch, epoch.metrics) for epoch in port.epochs][1] == (7, 2, {"f1": 0.9})


def test_what_it_returns_counts_before_what_it_reported() -> None:
    def fit(config: dict[str, Any], report: Report) -> np.float32:
        report(1, f1=0.9)
        return np.float32(0.25)

    outcome = run(fit)

    assert (outcome.values, outcome.epoch) == ((0.25,), 1)


def test_a_mapping_gives_several_values_and_what_is_bounded() -> None:
    given = objective(["f1", "size"], [Direction.MAXIMIZE, Direction.MINIMIZE], [Bound("size", None, 10)], Scope.LAST)

    outcome = run(lambda config, report: {"f1": torch.tensor(0.5), "size": 12}, goal=goal_of(given, None))

    assert (outcome.values, outcome.violations) == ((0.5, 12.0), {"size": 2.0})


@pytest.mark.parametrize(
    ("returned", "cause"),
    [
        (None, "neither reported nor returned f1"),
        ("good", "gives 'good' for f1: a metric is a number"),
        (True, "gives True for f1: a metric is a number"),
        ({"acc": 1.0}, "the function gives acc, where f1 must be among the metrics"),
    ],
)
def test_a_return_value_that_is_no_metric_fails_the_trial_and_says_so(returned: object, cause: str) -> None:
    outcome = run(lambda config, report: returned)

    assert outcome.state is State.FAILED
    assert cause in outcome.cause


@pytest.mark.parametrize(
    ("calls", "cause"),
    [
        ([(1, {"loss": 0.5})], "gives loss, where f1 must be among the metrics"),
        ([(1, {"f1": "high"})], "gives 'high' for f1"),
        ([(0, {"f1": 1.0})], "report(0): epochs are whole numbers from 1 that rise"),
        ([(1.0, {"f1": 1.0})], "report(1.0): epochs are whole numbers"),
        ([(1, {"f1": 1.0}), (2, {"f1": 1.0, "loss": 1.0})], "report(2) gives f1 and loss, after f1 before"),
        ([(2, {"f1": 1.0}), (2, {"f1": 1.0})], "report(2): epochs are whole numbers from 1 that rise; the last was 2"),
    ],
)
def test_a_report_that_is_none_fails_the_trial_and_says_so(calls: list[tuple[int, Any]], cause: str) -> None:
    def fit(config: dict[str, Any], report: Report) -> None:
        for epoch, metrics in calls:
            report(epoch, **metrics)

    outcome = run(fit)

    assert outcome.state is State.FAILED
    assert cause in outcome.cause


@pytest.mark.parametrize(("verdict", "state"), [(Verdict.STOP, State.PRUNED), (Verdict.SUSPEND, State.SUSPENDED)])
def test_a_verdict_ends_the_function_even_where_it_catches_every_exception(verdict: Verdict, state: State) -> None:
    reached: list[object] = []

    def fit(config: dict[str, Any], report: Report) -> float:
        for epoch in (1, 2, 3):
            try:
                report(epoch, f1=0.1)
            except Exception:
                reached.append("swallowed")
            reached.append(epoch)
        return 1.0

    outcome = run(fit, FakePort(verdicts={2: verdict}))

    assert (outcome.state, outcome.epoch, outcome.values) == (state, 2, ())
    assert reached == [1]


def test_a_function_that_swallows_the_end_itself_has_ended_all_the_same() -> None:
    def fit(config: dict[str, Any], report: Report) -> float:
        for epoch in (1, 2):
            try:
                report(epoch, f1=0.1)
            except BaseException:
                continue
        return 1.0

    port = FakePort(verdicts={1: Verdict.STOP})
    outcome = run(fit, port)

    assert (outcome.state, outcome.epoch, len(port.epochs)) == (State.PRUNED, 1, 1)


def crash(config: dict[str, Any], report: Report) -> None:
    raise KeyError("of my own")


def run_out(config: dict[str, Any], report: Report) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


def leave(config: dict[str, Any], report: Report) -> None:
    raise SystemExit("no data")


def stop_alone(config: dict[str, Any], report: Report) -> None:
    raise TrialStopped("of my own")


@pytest.mark.parametrize(
    ("function", "state", "cause"),
    [
        (crash, State.FAILED, "KeyError: 'of my own'"),
        (leave, State.FAILED, "SystemExit: no data"),
        (stop_alone, State.FAILED, "TrialStopped: of my own"),
        (run_out, State.OUT_OF_MEMORY, "CUDA out of memory"),
        (reporting(0.5, float("nan")), State.DIVERGED, "f1 is nan"),
        (lambda config, report: float("inf"), State.DIVERGED, "f1 is inf"),
    ],
)
def test_a_trial_ends_by_its_cause(function: Fit, state: State, cause: str) -> None:
    outcome = run(function)

    assert outcome.state is state
    assert cause in outcome.cause
    assert ("test_function.py" in outcome.traceback) == (state is State.FAILED)


def test_every_generator_is_seeded_from_the_trial() -> None:
    def fit(config: dict[str, Any], report: Report) -> float:
        return float(torch.rand(())) + np.random.rand() + random.random()

    assert run(fit).values == run(fit).values


def test_what_the_port_raises_ends_the_run_whatever_the_function_catches() -> None:
    class Broken(FakePort):
        def report(self, epoch: Epoch) -> Verdict:
            raise RuntimeError("the driver's own")

    class Interrupting(FakePort):
        def report(self, epoch: Epoch) -> Verdict:
            raise Interrupted(2)

    def fit(config: dict[str, Any], report: Report) -> float:
        try:
            report(1, f1=0.1)
        except Exception:
            return 1.0
        return 0.0

    with pytest.raises(RuntimeError, match="the driver's own"):
        run(fit, Broken())
    with pytest.raises(Interrupted):
        run(fit, Interrupting())


def test_the_engine_runs_all_that_the_port_has(tmp_path: Path) -> None:
    port = FakePort(Trial(0, 1, DOCUMENT, 0), Trial(1, 1, DOCUMENT, 1))
    (tmp_path / "train.py").write_text("def fit(config, report):\n    report(1, f1=0.5)\n")

    FunctionEngine("train.py:fit", str(tmp_path), GOAL, "cpu")(port)

    assert [(outcome.trial, outcome.state) for outcome in port.outcomes] == [(0, State.COMPLETE), (1, State.COMPLETE)]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def train(config, report): ...", "train.py has no fit"),
        ("fit = 3", "train.py:fit is a int, not a function"),
        ("def fit(config): ...", "cannot be called as fit(config, report): too many positional arguments"),
        ("def fit(config, report, rate): ...", "cannot be called as fit(config, report): missing a required argument"),
        ("import nothing_of_the_kind", "there is no module nothing_of_the_kind"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused(tmp_path: Path, code: str, message: str) -> None:
    (tmp_path / "train.py").write_text(code)

    with pytest.raises(BuildError) as caught:
        load("train.py:fit", str(tmp_path))

    assert message in str(caught.value)


def test_a_function_may_ask_for_more_by_name(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def fit(config, report, *, seed, folder=None): return 0.5")

    assert run(load("train.py:fit", str(tmp_path))).values == (0.5,)


def test_a_function_that_raises_trial_pruned_has_pruned_its_trial() -> None:
    def fit(config: dict[str, Any], report: Report) -> None:
        report(1, f1=0.5)
        raise optuna.TrialPruned("no hope")

    outcome = run(fit)

    assert (outcome.state, outcome.traceback) == (State.PRUNED, "")
    assert outcome.cause == "its own code raised TrialPruned: no hope"
