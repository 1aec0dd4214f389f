from __future__ import annotations

import pytest
import sklearn.metrics as reference
import torch
from torch import Tensor

from tests.conftest import objective
from tuner.errors import BuildError
from tuner.goal import Direction, goal_of
from tuner.metrics import Scores
from tuner.task import Task

CHANCE = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(200, 4, generator=CHANCE)
CLASSES = torch.randint(0, 4, (200,), generator=CHANCE)
VALUES = torch.randn(200, 1, generator=CHANCE)


def scoring(task: Task, outputs: int, metric: str | None = None, direction: Direction | None = None) -> Scores:
    return Scores(task, outputs, goal_of(objective([metric] if metric else [], [direction] if direction else []), task))


def scores(
    task: Task, outputs: Tensor, targets: Tensor, metric: str | None = None, direction: Direction | None = None
) -> dict[str, float]:
    return scoring(task, outputs.shape[1], metric, direction)(outputs, targets)


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
    twice(OUTPUTS[:50], CLASSES[:50])

    assert twice(OUTPUTS, CLASSES) == scores(Task.CLASSIFICATION, OUTPUTS, CLASSES)


def test_the_objective_and_its_direction_follow_from_the_task() -> None:
    classification, regression = scoring(Task.CLASSIFICATION, 4), scoring(Task.REGRESSION, 1)

    assert (classification.objective, classification.direction) == ("accuracy", Direction.MAXIMIZE)
    assert (regression.objective, regression.direction) == ("rmse", Direction.MINIMIZE)


def test_another_metric_of_torchmetrics_needs_a_direction() -> None:
    found = scores(Task.CLASSIFICATION, OUTPUTS, CLASSES, "MulticlassCohenKappa", Direction.MAXIMIZE)

    expected = reference.cohen_kappa_score(CLASSES.numpy(), OUTPUTS.argmax(1).numpy())
    assert found["MulticlassCohenKappa"] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(BuildError, match="say whether to minimize or maximize MulticlassCohenKappa"):
        scoring(Task.CLASSIFICATION, 4, "MulticlassCohenKappa")


@pytest.mark.parametrize(
    ("task", "metric", "direction", "message"),
    [
        (Task.CLASSIFICATION, "rmse", None, "rmse does not fit classification"),
        (Task.REGRESSION, "accuracy", None, "accuracy does not fit regression"),
        (Task.CLASSIFICATION, "acuracy", Direction.MAXIMIZE, "did you mean accuracy?"),
        (Task.CLASSIFICATION, "accuracy", Direction.MINIMIZE, "accuracy is there to maximize"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused(
    task: Task, metric: str, direction: Direction | None, message: str
) -> None:
    with pytest.raises(BuildError) as caught:
        scoring(task, 4, metric, direction)

    assert message in str(caught.value)


def test_a_split_that_failed_half_way_leaves_nothing_in_the_next() -> None:
    found = scoring(Task.CLASSIFICATION, 4)
    expected = found(OUTPUTS, CLASSES)
    with pytest.raises((ValueError, RuntimeError, IndexError)):
        found(OUTPUTS, CLASSES.unsqueeze(1).repeat(1, 7).float())

    assert found(OUTPUTS, CLASSES) == expected
