from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference
import torch

from tests.support.scorings import CLASSES, OUTPUTS, PAIR, VALUES, YES, scores, scoring
from tuner.data.preprocessing.standardize import Scale
from tuner.errors import BuildError
from tuner.goal import Direction, Task
from tuner.training.link import Link


def test_classification_scores_agree_with_scikit_learn() -> None:
    guessed = OUTPUTS.argmax(1).numpy()

    found = scores(Task.CLASSIFICATION, OUTPUTS, CLASSES)

    truth = CLASSES.numpy()
    precision, recall, f1, _ = reference.precision_recall_fscore_support(truth, guessed, average="macro")
    expected = {
        "accuracy": reference.accuracy_score(truth, guessed),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }
    expected["loss"] = reference.log_loss(truth, torch.softmax(OUTPUTS, 1).numpy())
    assert found == pytest.approx(expected, rel=1e-5)


def test_regression_scores_agree_with_scikit_learn() -> None:
    guessed = VALUES + 0.1 * OUTPUTS[:, :1]

    found = scores(Task.REGRESSION, guessed, VALUES)

    truth = VALUES.numpy()
    expected = {
        "mse": reference.mean_squared_error(truth, guessed.numpy()),
        "rmse": reference.root_mean_squared_error(truth, guessed.numpy()),
        "mae": reference.mean_absolute_error(truth, guessed.numpy()),
        "r2": reference.r2_score(truth, guessed.numpy()),
        "loss": reference.mean_squared_error(truth, guessed.numpy()),
    }
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_split_is_scored_for_itself_and_not_with_the_one_before() -> None:
    twice = scoring(Task.CLASSIFICATION, 4)
    twice(OUTPUTS[:50], CLASSES[:50], None, Link.SOFTMAX)

    assert twice(OUTPUTS, CLASSES, None, Link.SOFTMAX) == scores(Task.CLASSIFICATION, OUTPUTS, CLASSES)


def test_the_objective_and_its_direction_follow_from_the_task() -> None:
    classification, regression = scoring(Task.CLASSIFICATION, 4), scoring(Task.REGRESSION, 1)

    assert (classification.objective, classification.direction) == ("accuracy", Direction.MAXIMIZE)
    assert (regression.objective, regression.direction) == ("rmse", Direction.MINIMIZE)


@pytest.mark.parametrize(
    ("task", "metric", "direction", "message"),
    [
        (Task.CLASSIFICATION, "rmse", None, "rmse does not fit classification"),
        (Task.REGRESSION, "accuracy", None, "accuracy does not fit regression"),
        (Task.CLASSIFICATION, "acuracy", Direction.MAXIMIZE, "did you mean accuracy?"),
        (Task.CLASSIFICATION, "accuracy", Direction.MINIMIZE, "accuracy is there to maximize"),
        (Task.CLASSIFICATION, "auc", Direction.MINIMIZE, "auc is there to maximize"),
        (Task.CLASSIFICATION, "AUROC", Direction.MINIMIZE, "AUROC is there to maximize"),
        (Task.REGRESSION, "MeanAbsoluteError", Direction.MAXIMIZE, "MeanAbsoluteError is there to minimize"),
        (Task.CLASSIFICATION, "mape", None, "mape does not fit classification"),
        (Task.CLASSIFICATION, "BinaryF1Score", None, "is for two classes, and the data have 4: use MulticlassF1Score"),
        (Task.CLASSIFICATION, "roc_acu", Direction.MAXIMIZE, "did you mean roc_auc?"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(
    task: Task, metric: str, direction: Direction | None, message: str
) -> None:
    with pytest.raises(BuildError) as caught:
        scoring(task, 4, metric, direction)

    assert message in str(caught.value)


@pytest.mark.parametrize("positive", [0, 1])
def test_of_a_positive_class_precision_recall_and_f1_are_its_own(positive: int) -> None:
    found = scores(Task.CLASSIFICATION, PAIR, YES, positive=str(positive))

    truth, guessed = YES.numpy(), PAIR.argmax(1).numpy()
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        truth, guessed, average="binary", pos_label=positive
    )
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx((precision, recall, f1), rel=1e-5)


@pytest.mark.parametrize(
    ("task", "name", "meant"),
    [
        (Task.CLASSIFICATION, "acc", "accuracy"),
        (Task.CLASSIFICATION, "F1_score", "f1"),
        (Task.CLASSIFICATION, "ap", "average_precision"),
        (Task.CLASSIFICATION, "mcc", "MatthewsCorrCoef"),
        (Task.REGRESSION, "mean_squared_error", "mse"),
        (Task.REGRESSION, "pearson", "PearsonCorrCoef"),
    ],
)
@pytest.mark.parametrize("direction", [None, Direction.MAXIMIZE])
def test_another_name_of_a_metric_is_understood(task: Task, name: str, meant: str, direction: Direction | None) -> None:
    with pytest.raises(BuildError, match=rf"\(did you mean {meant}\?\)"):
        scoring(task, 2, name, direction)


@pytest.mark.parametrize(
    ("positive", "classes", "message"),
    [
        ("yse", ("no", "yes"), r"there is no class yse \(did you mean yes\?\): the classes are no and yes"),
        ("b", ("a", "b", "c"), "it is for two classes, and the data have 3"),
    ],
)
def test_a_positive_class_that_is_none_is_refused(positive: str, classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(BuildError, match=rf"^objective\.positive: {message}"):
        scoring(Task.CLASSIFICATION, 0, "f1", positive=positive, classes=classes)


def test_a_regression_has_no_positive_class() -> None:
    with pytest.raises(BuildError, match=r"^objective\.positive: a regression has no classes"):
        scoring(Task.REGRESSION, 1, positive="1")


@pytest.mark.parametrize(
    ("metric", "positive", "title"),
    [
        ("f1", None, "f1 (macro)"),
        ("f1", "yes", "f1 (positive: yes)"),
        ("pr_auc", "no", "pr_auc (positive: no)"),
        ("accuracy", "yes", "accuracy"),
        ("balanced_accuracy", None, "balanced_accuracy"),
        ("AUROC", "no", "AUROC (positive: no)"),
        ("BinaryF1Score", None, "BinaryF1Score (positive: yes)"),
        ("MulticlassF1Score", None, "MulticlassF1Score (macro)"),
    ],
)
def test_a_title_states_the_average(metric: str, positive: str | None, title: str) -> None:
    found = scoring(Task.CLASSIFICATION, 2, metric, positive=positive, classes=("no", "yes"))

    assert (found.goal.metric, found.goal.title) == (metric, title)
    assert str(found.goal) == f"{title}, to maximize"


UNIX, TINY, HUGE = (1.7e9, 10.0), (0.0, 1e-30), (-3e30, 1e30)


@pytest.mark.parametrize(("shift", "factor"), [UNIX, TINY, HUGE], ids=["unix", "tiny", "huge"])
@pytest.mark.parametrize("metric", [None, "R2Score", "MeanAbsoluteError", "ExplainedVariance", "mape"])
def test_a_regression_far_from_0_and_1_is_scored_as_numpy_scores_it(
    shift: float, factor: float, metric: str | None
) -> None:
    truth = VALUES * factor + shift
    scale = Scale.fit([truth])
    outputs = (scale.exact(truth) + 0.05 * OUTPUTS[:, :1]).float()

    found = scores(Task.REGRESSION, outputs, truth, metric, scale=scale)

    spread = VALUES.numpy().std() * factor
    off = (outputs.double().numpy() - ((VALUES - VALUES.mean()) / VALUES.std(correction=0)).numpy()) * spread
    r2 = 1 - (off**2).sum() / ((VALUES.numpy() - VALUES.numpy().mean()) ** 2 * factor**2).sum()
    expected = {
        "mse": (off**2).mean(),
        "rmse": np.sqrt((off**2).mean()),
        "mae": np.abs(off).mean(),
        "r2": r2,
        "loss": (off**2).mean(),
    }
    further = {
        "R2Score": r2,
        "MeanAbsoluteError": expected["mae"],
        "ExplainedVariance": 1 - off.var() / spread**2,
        "mape": np.abs(off / truth.numpy()).mean(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-6)
    assert metric is None or found[metric] == pytest.approx(further[metric], rel=1e-5)


def test_a_target_without_spread_has_the_r2_that_scikit_learn_gives_it() -> None:
    constant = torch.full((200, 1), 0.1, dtype=torch.float64)

    right = scores(Task.REGRESSION, constant, constant)["r2"]
    wrong = scores(Task.REGRESSION, constant + VALUES, constant)["r2"]

    assert right == pytest.approx(1.0)
    assert wrong == reference.r2_score(constant, constant + VALUES) == 0.0
