"""A real scikit-learn model, tuned and trained for good by functions of one's own."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path

import optuna
import pytest

import tuner
from tests.support.runs import run
from tuner.config import On
from tuner.errors import Interrupted, NoTrialSucceeded, TunerError, UsageError
from tuner.results.best_config import Format, filled_space
from tuner.results.results import Results
from tuner.search.events import Event, Started
from tuner.space import Space
from tuner.study import Record

CODE = """\
import json

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


def splits():
    inputs, targets = load_breast_cancer(return_X_y=True)
    train, valid, seen, unseen = train_test_split(inputs, targets, test_size=0.3, random_state=0, stratify=targets)
    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(valid), seen, unseen


def by_epochs(config, report, seed, folder):
    train, valid, seen, unseen = splits()
    model = SGDClassifier(loss="log_loss", random_state=seed, **config["model"])
    for epoch in range(1, config["training"]["epochs"] + 1):
        model.partial_fit(train, seen, classes=np.unique(seen))
        report(epoch, f1=f1_score(unseen, model.predict(valid)), weights=float(np.abs(model.coef_).sum()))
    if folder is not None:
        (folder / "weights.json").write_text(json.dumps(model.coef_.tolist()))


def at_once(config, report, seed):
    train, valid, seen, unseen = splits()
    model = RandomForestClassifier(random_state=seed, **config["forest"]).fit(train, seen)
    leaves = sum(tree.get_n_leaves() for tree in model.estimators_)
    return {"f1": f1_score(unseen, model.predict(valid)), "leaves": leaves}
"""
LINEAR = """\
study: {name: linear, seed: 1}
search: {trials: 6, pruner: {type: MedianPruner, n_startup_trials: 2}}
objective: {function: train.py:by_epochs, metric: f1, direction: maximize}   # any loop of one's own
model:
  alpha: {float: [1e-5, 10], log: true}
  penalty: {choice: [l1, l2]}
training: {epochs: 4}
"""
FOREST = """\
study: {name: forest}
search: {trials: 5}
objective:
  function: train.py:at_once
  metrics: [f1, leaves]
  directions: [maximize, minimize]
  constraints: {leaves: {max: 400}}
forest: {n_estimators: {int: [2, 40]}, max_depth: {int: [1, 6]}}
"""


@pytest.fixture
def linear(tmp_path: Path) -> Space:
    return space_in(tmp_path / "code", LINEAR)


def space_in(folder: Path, text: str) -> Space:
    folder.mkdir()
    (folder / "train.py").write_text(CODE)
    return Space.parse(text, file=str(folder / "own.yaml"), base=folder)


def test_a_scikit_learn_model_is_tuned_epoch_by_epoch_and_pruned(linear: Space, url: str) -> None:
    result, _ = run(linear, url)

    records = result.study.records()
    assert {record.state for record in records} == {"complete", "pruned"}
    assert result.best.values[0] > 0.95
    for record in records:
        assert record.reports == dict(enumerate(record.history["f1"], start=1))
    for record in (record for record in records if record.complete):
        assert (record.value, len(record.history["weights"])) == (max(record.history["f1"]), 4)
    pruned = next(record for record in records if record.state == "pruned")
    assert pruned.cause.startswith("MedianPruner at epoch")


def test_a_forest_that_reports_nothing_is_tuned_by_what_it_returns(tmp_path: Path, url: str) -> None:
    result, _ = run(space_in(tmp_path / "code", FOREST), url)

    for record in result.study.records():
        assert record.violations == {"leaves": record.values[1] - 400}
    assert all(record.values[1] <= 400 for record in result.front)
    found = optuna.load_study(study_name="forest", storage=url)
    assert {trial.number for trial in found.best_trials} == {record.number for record in result.front}


def test_the_same_seed_gives_the_same_study(linear: Space, tmp_path: Path) -> None:
    studies = [run(linear, f"sqlite:///{tmp_path}/{name}.db")[0].study.records() for name in ("a", "b")]

    def told(records: list[Record]) -> list[object]:
        return [(record.params, record.values, record.history["weights"]) for record in records]

    assert told(studies[0]) == told(studies[1])


def test_a_suspended_trial_begins_anew_under_its_own_number(linear: Space, url: str) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Started) and event.trial.number == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        tuner.run(linear, storage=url, observe=interrupt)
    result, _ = run(linear, url)

    second = result.study.record(1)
    assert second.attributes.attempt == 2
    assert len(second.history["f1"]) == len(second.reports)


@pytest.mark.parametrize("form", [Format.YAML, Format.JSON])
def test_the_exported_config_calls_the_function_again_with_the_trials_seed(
    linear: Space, url: str, tmp_path: Path, form: Format
) -> None:
    best = run(linear, url)[0].best
    tuner.export("linear", tmp_path / "out" / "best.yaml", form=form, storage=url)

    final = tuner.train(tmp_path / "out" / "best.yaml", tmp_path / "run")

    assert [epoch["f1"] for epoch in final.epochs] == best.history["f1"]
    assert [epoch["weights"] for epoch in final.epochs] == best.history["weights"]
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"config.yaml", "metrics.json", "report.html", "train.py", "weights.json"}
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert written == {"epochs": final.epochs, "test": {}, "values": {"f1": best.value}}


def test_a_run_folder_stands_alone(linear: Space, url: str, tmp_path: Path) -> None:
    run(linear, url, n_trials=1)
    tuner.export("linear", tmp_path / "best.yaml", storage=url)
    tuner.train(tmp_path / "best.yaml", tmp_path / "run")
    (tmp_path / "code" / "train.py").unlink()

    again = tuner.train(tmp_path / "run" / "config.yaml", tmp_path / "again")

    assert again.epochs == json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"]


def test_final_training_of_ones_own_leaves_nothing_behind_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def fit(config, report): raise ValueError('as asked')")
    space = Space.parse("objective: {function: train.py:fit, metric: f1}", base=tmp_path)

    with pytest.raises(TunerError) as caught:
        tuner.train(space, tmp_path / "run")
    with pytest.raises(UsageError, match=r"has no effect with objective\.function"):
        tuner.train(space, tmp_path / "run", on=On.TRAIN)

    assert str(caught.value) == "training ended as failed: ValueError: as asked"
    assert "train.py" in caught.value.__notes__[0]
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".py" and "cache" not in path.name] == []


def test_a_trial_of_several_metrics_is_trained_by_its_number(tmp_path: Path, url: str) -> None:
    result, _ = run(space_in(tmp_path / "code", FOREST), url)
    chosen = result.front[0]

    tuner.train(filled_space(Results(result.study), chosen.number), tmp_path / "run")

    values = json.loads((tmp_path / "run" / "metrics.json").read_text())["values"]
    assert tuple(values.values()) == chosen.values


def test_a_function_that_fails_keeps_its_traceback_and_the_study_goes_on(tmp_path: Path, url: str) -> None:
    (tmp_path / "train.py").write_text("def fit(config, report):\n    return 1 / config['x']\n")
    text = "objective: {function: train.py:fit, metric: f1}\nx: {choice: [0, 1]}\nsearch: {trials: 6}\n"

    result, _ = run(Space.parse(text, base=tmp_path), url)

    states = {record.params["x"]: record.state for record in result.study.records()}
    assert states == {0: "failed", 1: "complete"}
    failed = next(record for record in result.study.records() if record.state == "failed")
    assert "return 1 / config['x']" in failed.attributes.named["traceback"]


def test_a_value_that_is_no_number_is_told_as_diverged(tmp_path: Path, url: str) -> None:
    (tmp_path / "train.py").write_text("def fit(config, report):\n    return float('nan')\n")

    with pytest.raises(NoTrialSucceeded, match="most common cause: f1 is nan"):
        run(Space.parse("objective: {function: train.py:fit, metric: f1}\nx: 1", base=tmp_path), url, n_trials=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{function: trian.py:fit, metric: f1}", "own.yaml:1:13: objective.function: trian.py:fit: there is no file"),
        ("{function: train.py:by_epoch, metric: f1}", "train.py has no by_epoch (did you mean by_epochs?)"),
        ("{function: train.py:splits, metric: f1}", "train.py:splits cannot be called as fit(config, report)"),
        ("{function: train.py:at_once, metric: gain}", "objective.metric: say whether to minimize or maximize gain"),
    ],
)
def test_a_function_that_cannot_work_is_refused_before_anything_is_written(
    tmp_path: Path, url: str, text: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        run(space_in(tmp_path / "code", f"objective: {text}\n"), url)

    assert message in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["code"]


def test_an_optuna_script_of_ones_own_calls_it_too(linear: Space, tmp_path: Path) -> None:
    forest = space_in(tmp_path / "forest", FOREST)
    one, two = optuna.create_study(direction="maximize"), optuna.create_study(directions=["maximize", "minimize"])

    one.optimize(tuner.objective(linear), n_trials=1)
    two.optimize(tuner.objective(forest), n_trials=2)

    assert one.best_value == max(one.trials[0].intermediate_values.values())
    assert all(len(trial.values) == 2 and math.isfinite(trial.constraints["leaves"]) for trial in two.trials)
    with pytest.raises(UsageError, match=r"create_study\(directions=\['maximize', 'minimize'\]\)"):
        one.optimize(tuner.objective(forest), n_trials=1)


def test_a_run_given_up_says_how_a_function_steers_the_sampler_away(tmp_path: Path, url: str) -> None:
    (tmp_path / "train.py").write_text("def fit(config, report):\n    raise ValueError(f'{config} cannot work')\n")
    text = "objective: {function: train.py:fit, metric: f1}\nx: {float: [0, 1]}\nsearch: {trials: 6, max_failures: 3}\n"

    with pytest.raises(TunerError, match=r"learns nothing from failed trials: report NaN for a config that cannot"):
        run(Space.parse(text, base=tmp_path), url)
