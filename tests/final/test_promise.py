"""What `tuner train` says of its scores: how sure they are, what was promised, what the trivial predictor scores."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binomtest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_absolute_error, r2_score, root_mean_squared_error

import tuner
from tests.conftest import Cli
from tuner import preflight
from tuner.config import On
from tuner.final.score_intervals import RESAMPLES, _percentiles, doubted, intervals, wilson
from tuner.goal import Task
from tuner.results.mean_interval import Interval
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.storage import open_storage
from tuner.study import load_study
from tuner.study.study import noted
from tuner.training.baseline import baseline_of

TABLE = """\
study: {{name: rare, seed: 0}}
search: {{trials: 1, pruner: null}}
objective: {{metric: {metric}}}
data: {{type: csv, path: rare.csv, target: y, batch_size: 32}}
model: {{type: MLP, hidden: [4]}}
optimizer: {{type: SGD, lr: {{float: [{lr}, {lr}]}}}}
training: {{epochs: 1}}
"""


@pytest.fixture(autouse=True)
def _all_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the intervals are what is tested."""
    monkeypatch.setattr("tuner.final.score_intervals.RESAMPLES", RESAMPLES)


def rare(tmp_path: Path, metric: str = "accuracy", lr: float = 0.001, column: str = "y") -> Path:
    """A table in which one row of ten is a `yes` that nothing tells, or a number."""
    chance = np.random.default_rng(0)
    words = np.where(np.arange(400) % 10 == 0, "yes", "no")
    numbers = chance.exponential(size=400)
    table = {"a": chance.normal(size=400), "b": chance.normal(size=400), "y": words if column == "y" else numbers}
    pd.DataFrame(table).to_csv(tmp_path / "rare.csv", index=False)
    (tmp_path / "rare.yaml").write_text(TABLE.format(metric=metric, lr=lr))
    return tmp_path / "rare.yaml"


def splits_of(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """The targets of the training and the validation rows."""
    job = preflight.load_job(Space.load(file), torch.device("cpu"))
    assert job.splits.valid is not None
    return job.splits.train.targets.numpy(), job.splits.valid.targets.numpy()


def test_the_trivial_predictor_of_classes_is_scikit_learns_best(tmp_path: Path, url: str) -> None:
    file = rare(tmp_path)
    train, valid = splits_of(file)

    tuner.run(file, storage=url, device="cpu")

    found = noted(load_study(open_storage(url), "rare"), "baseline")
    majority = DummyClassifier(strategy="most_frequent").fit(train, train).predict(valid)
    priors = DummyClassifier(strategy="prior").fit(train, train).predict_proba(valid)
    assert found["valid"]["accuracy"] == pytest.approx(accuracy_score(valid, majority))
    assert found["valid"]["f1"] == pytest.approx(f1_score(valid, majority, average="macro"))
    assert found["valid"]["loss"] == pytest.approx(log_loss(valid, priors), rel=1e-5)
    assert found["says"]["accuracy"] == 'always "no"'
    assert found["says"]["loss"] == "the shares of the classes"


def test_the_trivial_predictor_of_numbers_is_the_mean_and_of_absolute_errors_the_median(tmp_path: Path) -> None:
    file = rare(tmp_path, metric="rmse", column="number")
    job = preflight.load_job(Space.load(file), torch.device("cpu"))
    train, valid = splits_of(file)
    rows = job.dataset(Space.load(file).resolve(Corner(False, {})).data)
    assert rows.valid is not None

    found = baseline_of(rows, rows.valid, job.scores)

    mean, median = (DummyRegressor(strategy=each).fit(train, train).predict(valid) for each in ("mean", "median"))
    assert found.values["rmse"] == pytest.approx(root_mean_squared_error(valid, mean), rel=1e-5)
    assert found.values["mae"] == pytest.approx(mean_absolute_error(valid, median), rel=1e-4)
    assert found.values["r2"] == pytest.approx(r2_score(valid, mean), abs=1e-5)
    assert found.says["mae"] == "always the training median"


def test_f1_of_a_positive_class_has_always_yes_as_its_trivial_predictor(tmp_path: Path) -> None:
    text = rare(tmp_path, metric="f1").read_text().replace("{metric: f1}", "{metric: f1, positive: yes}")
    space = Space.parse(text, base=tmp_path)
    job = preflight.load_job(space, torch.device("cpu"))
    rows = job.dataset(space.resolve(Corner(False, {})).data)
    assert rows.valid is not None

    found = baseline_of(rows, rows.valid, job.scores)

    valid = rows.valid.targets.numpy()
    assert found.values["f1"] == pytest.approx(f1_score(valid, np.ones_like(valid)))
    assert found.says["f1"] == 'always "yes"'


def test_the_trivial_predictor_of_many_rows_is_found_on_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    train = torch.arange(100).repeat_interleave(torch.arange(100) + 1)  # 5,050 rows, of class 0 one
    rows = SimpleNamespace(
        task=Task.CLASSIFICATION,
        classes=tuple(map(str, range(100))),
        outputs=100,
        target_scale=None,
        train=SimpleNamespace(targets=train),
    )
    scored: list[int] = []

    def scores(outputs: torch.Tensor, targets: torch.Tensor, *_: object) -> dict[str, float]:
        scored.append(len(targets))
        assert len(set(targets.tolist())) == 100
        return {"accuracy": float((outputs.argmax(1) == targets).float().mean())}

    scores.goal = SimpleNamespace(metrics=(), directions=())  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setattr("tuner.training.baseline.MOST_ROWS", 500)

    found = baseline_of(rows, rows.train, scores)  # type: ignore[arg-type]  # a stand-in

    assert found.values["accuracy"] == pytest.approx(100 / 5050)
    assert found.says["accuracy"] == 'always "99"'
    assert max(scored[:-1]) <= 600
    assert scored[-1] == 5050


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (torch.randn(20, 1, generator=torch.Generator().manual_seed(0)), "few rows (20)"),
        (torch.randn(500, 1, generator=torch.Generator().manual_seed(0)), ""),
        (torch.randn(500, 1, generator=torch.Generator().manual_seed(0)) ** 5, "a few large errors decide"),
    ],
)
def test_an_interval_that_may_be_too_narrow_is_said_to_be(errors: torch.Tensor, said: str) -> None:
    found = doubted(errors)

    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_wilsons_interval_is_his_formula() -> None:
    right, rows, z = 351, 360, 1.959963984540054
    share = right / rows
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)

    assert wilson(right, rows) == pytest.approx((centre - reach, centre + reach))


def test_the_bootstraps_interval_of_a_mean_is_about_students(tmp_path: Path) -> None:
    values = torch.randn(500, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    found = intervals(lambda rows: {"mean": float(values[rows].mean())}, values, {"mean": float(values.mean())})

    reach = 1.96 * float(values.std()) / math.sqrt(500)
    assert found["mean"].high - found["mean"].mean == pytest.approx(reach, rel=0.2)
    assert found["mean"].mean - found["mean"].low == pytest.approx(reach, rel=0.2)


@pytest.mark.parametrize("samples", [100, pytest.param(300, marks=pytest.mark.slow)])
def test_the_bootstraps_interval_of_few_rows_holds_as_often_as_it_says(samples: int) -> None:
    drawn = torch.randn(samples, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    held = sum(interval.low <= 0 <= interval.high for interval in map(mean_of, drawn))

    assert binomtest(held, len(drawn), 0.95).pvalue > 0.01


def test_the_ends_of_few_resamples_leave_out_as_many_as_they_say() -> None:
    """Of the values 1 to 99 a new one lies below the place 0.025 x 100 in 2.5 % of cases; numpy's default is 3.45."""
    values = iter(random.Random(0).sample(range(1, 100), 99))

    found = _percentiles("score", 50.0, [{"score": float(value)} for value in values], 0.025)

    assert found is not None
    assert (found.low, found.high) == pytest.approx((2.5, 97.5))


def mean_of(values: torch.Tensor) -> Interval:
    return intervals(lambda rows: {"mean": float(values[rows].mean())}, values, {"mean": float(values.mean())})["mean"]


def test_a_perfect_score_of_few_rows_is_not_called_sure() -> None:
    def score(rows: torch.Tensor) -> dict[str, float]:
        return {"f1": 1.0, "loss": float(rows.float().mean())}

    assert set(intervals(score, torch.zeros(10), {"f1": 1.0, "loss": 4.5})) == {"loss"}


def test_training_on_the_training_rows_leaves_the_test_rows_alone(tmp_path: Path, url: str) -> None:
    """A test file that does not fit is not opened, or it would be refused."""
    file = rare(tmp_path)
    (tmp_path / "held.csv").write_text("nothing,that,fits\n")
    space = Space.load(file, [("data.test_path", "held.csv")])
    tuner.run(space, storage=url, device="cpu")
    tuner.export("rare", tmp_path / "best.yaml", storage=url)

    final = tuner.train(tmp_path / "best.yaml", tmp_path / "run", on=On.TRAIN, storage=url, device="cpu")

    assert final.test == {}
    assert final.valid["accuracy"] == final.epochs[-1]["accuracy"]
    assert "Validation split" in (tmp_path / "run" / "report.html").read_text()
    assert not list(tmp_path.rglob("test-scores.jsonl"))
    with pytest.raises(tuner.TunerError, match=r"held\.csv"):
        tuner.train(tmp_path / "best.yaml", tmp_path / "all", storage=url, device="cpu")


def test_the_test_split_is_counted_for_its_study_and_that_is_said(tmp_path: Path, url: str) -> None:
    file = rare(tmp_path)
    tuner.run(file, storage=url, device="cpu", n_trials=2, settings=[("optimizer.lr", {"float": [0.001, 0.1]})])
    for number in (0, 1):
        tuner.export("rare", tmp_path / f"{number}.yaml", trial=number, storage=url)

    first, second = (
        tuner.train(tmp_path / f"{number}.yaml", tmp_path / f"run{number}", storage=url, device="cpu")
        for number in (0, 1)
    )

    assert not any("has been scored" in each for each in first.sentences)
    told = "the test split has been scored 2 times for study rare (trials 0 and 1): the best of several test scores is"
    assert any(told in each for each in second.sentences)
    assert json.loads((tmp_path / "run1" / "metrics.json").read_text())["sentences"] == second.sentences


def test_a_model_worse_than_always_no_is_said_to_be(tmp_path: Path, url: str, cli: Cli) -> None:
    rare(tmp_path, lr=0.0001)
    space = Space.load(tmp_path / "rare.yaml", [("training.class_weights", "balanced"), ("training.epochs", 2)])
    tuner.run(space, storage=url, device="cpu")
    tuner.export("rare", tmp_path / "best.yaml", storage=url)

    done = cli("train", "best.yaml", "-o", "run")

    assert done.returncode == 0, done.stderr
    assert 'WORSE than the trivial predictor (always "no"), whose test accuracy is 0.9' in done.stdout
    score = float(done.stdout.split("test accuracy")[1].split()[0])
    low, high = wilson(round(score * 80), 80)
    assert f"(95 % interval {low:.3g} to {high:.3g})" in done.stdout
    assert "which is not confirmed, the best of 2 epochs of one run" in done.stdout
