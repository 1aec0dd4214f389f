from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
from scipy import stats
from torch import Tensor

from tests.conftest import objective
from tuner.data.preprocessing.standardize import Scale
from tuner.errors import BuildError
from tuner.goal import Direction, Task, goal_of
from tuner.training.link import Link
from tuner.training.metrics import Scores
from tuner.training.torchmetrics import direction_of

CHANCE = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(200, 4, generator=CHANCE)
CLASSES = torch.randint(0, 4, (200,), generator=CHANCE)
VALUES = torch.randn(200, 1, generator=CHANCE).double()
PAIR = torch.randn(200, 2, generator=CHANCE)
YES = (PAIR[:, 1] - PAIR[:, 0] + torch.randn(200, generator=CHANCE) > 1).long()  # fewer than half


AS_IS = Scale(torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))


def scoring(
    task: Task,
    outputs: int,
    metric: str | None = None,
    direction: Direction | None = None,
    positive: str | None = None,
    classes: tuple[str, ...] | None = None,
) -> Scores:
    wanted = objective([metric] if metric else [], [direction] if direction else [])
    goal = goal_of(replace(wanted, positive=positive), task, lambda name: direction_of(name, task))
    return Scores(task, classes or tuple(map(str, range(outputs))), goal)


def scores(
    task: Task,
    outputs: Tensor,
    targets: Tensor,
    metric: str | None = None,
    positive: str | None = None,
    link: Link = Link.SOFTMAX,
    scale: Scale = AS_IS,
) -> dict[str, float]:
    found = scoring(task, outputs.shape[1], metric, positive=positive)
    return found(outputs, targets, scale if task is Task.REGRESSION else None, link)


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


def test_another_metric_of_torchmetrics_has_the_direction_that_it_gives_itself() -> None:
    found = scores(Task.CLASSIFICATION, OUTPUTS, CLASSES, "MulticlassCohenKappa")

    expected = reference.cohen_kappa_score(CLASSES.numpy(), OUTPUTS.argmax(1).numpy())
    assert found["MulticlassCohenKappa"] == pytest.approx(expected, rel=1e-5)
    assert scoring(Task.CLASSIFICATION, 4, "CalibrationError").direction is Direction.MINIMIZE
    assert scoring(Task.REGRESSION, 1, "R2Score").direction is Direction.MAXIMIZE
    with pytest.raises(BuildError, match="say whether to minimize or maximize PearsonCorrCoef"):
        scoring(Task.REGRESSION, 1, "PearsonCorrCoef")


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


def test_a_split_that_failed_half_way_leaves_nothing_in_the_next() -> None:
    found = scoring(Task.CLASSIFICATION, 4, "MulticlassCohenKappa")
    expected = found(OUTPUTS, CLASSES, None, Link.SOFTMAX)
    with pytest.raises((ValueError, RuntimeError, IndexError, BuildError)):
        found(OUTPUTS, CLASSES.unsqueeze(1).repeat(1, 7).float(), None, Link.SOFTMAX)

    assert found(OUTPUTS, CLASSES, None, Link.SOFTMAX) == expected


@pytest.mark.parametrize("positive", [0, 1])
def test_of_a_positive_class_precision_recall_and_f1_are_its_own(positive: int) -> None:
    found = scores(Task.CLASSIFICATION, PAIR, YES, positive=str(positive))

    truth, guessed = YES.numpy(), PAIR.argmax(1).numpy()
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        truth, guessed, average="binary", pos_label=positive
    )
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx((precision, recall, f1), rel=1e-5)


@pytest.mark.parametrize("name", ["auc", "roc_auc", "AUROC", "BinaryAUROC"])
@pytest.mark.parametrize("positive", [None, "0", "1"])
def test_the_area_under_the_roc_curve_is_scikit_learns(name: str, positive: str | None) -> None:
    found = scores(Task.CLASSIFICATION, PAIR, YES, name, positive)

    assert found[name] == pytest.approx(reference.roc_auc_score(YES, torch.softmax(PAIR.double(), 1)[:, 1]), rel=1e-6)


@pytest.mark.parametrize("name", ["average_precision", "pr_auc", "BinaryAveragePrecision"])
@pytest.mark.parametrize("positive", [0, 1])
def test_average_precision_is_that_of_the_positive_class(name: str, positive: int) -> None:
    found = scores(Task.CLASSIFICATION, PAIR, YES, name, str(positive))

    likely = torch.softmax(PAIR.double(), 1)[:, positive]
    assert found[name] == pytest.approx(reference.average_precision_score(positive == YES, likely), rel=1e-5)


def test_areas_of_more_classes_are_means_of_each_against_the_rest() -> None:
    likely = torch.softmax(OUTPUTS.double(), 1).numpy()

    area = scores(Task.CLASSIFICATION, OUTPUTS, CLASSES, "auc")["auc"]
    precision = scores(Task.CLASSIFICATION, OUTPUTS, CLASSES, "pr_auc")["pr_auc"]

    assert area == pytest.approx(reference.roc_auc_score(CLASSES, likely, multi_class="ovr"), rel=1e-6)
    assert precision == pytest.approx(reference.average_precision_score(CLASSES, likely, average="macro"), rel=1e-6)


def test_the_area_of_a_model_that_is_sure_is_not_that_of_rounded_probabilities() -> None:
    sure = torch.stack([torch.zeros(200), 60 + 40 * torch.rand(200, generator=CHANCE)], 1)
    assert len(set(torch.softmax(sure.double(), 1)[:, 1].tolist())) == 1

    found = scores(Task.CLASSIFICATION, sure, YES, "auc")

    assert found["auc"] == pytest.approx(reference.roc_auc_score(YES, sure[:, 1]), rel=1e-6)


def test_a_model_without_probabilities_is_ranked_by_the_margin_that_it_decides_by() -> None:
    margin = (PAIR[:, 1] - PAIR[:, 0]).double()

    for name in ("auc", "AUROC", "BinaryAUROC", "MulticlassAUROC"):
        found = scores(Task.CLASSIFICATION, 100 * PAIR, YES, name, link=Link.NONE)
        assert found[name] == pytest.approx(reference.roc_auc_score(YES, margin), rel=1e-6)
    likely = torch.sigmoid(PAIR[:, 1].double())
    found = scores(Task.CLASSIFICATION, PAIR, YES, "auc", "1", link=Link.SIGMOID)
    assert found["auc"] == pytest.approx(reference.roc_auc_score(YES, likely), rel=1e-6)


def test_margins_of_several_classes_are_to_the_best_other() -> None:
    ranks = Link.NONE.ranks(OUTPUTS)

    others = [[max(float(o) for j, o in enumerate(row) if j != i) for i in range(4)] for row in OUTPUTS]
    assert torch.allclose(ranks, OUTPUTS.double() - torch.tensor(others, dtype=torch.float64))
    likely = torch.softmax(OUTPUTS.double(), 1)
    assert torch.allclose(Link.SOFTMAX.ranks(OUTPUTS), torch.logit(likely))


@pytest.mark.parametrize("link", list(Link))
def test_a_binary_metric_with_a_threshold_is_of_the_classes_that_the_model_gives(link: Link) -> None:
    found = scores(Task.CLASSIFICATION, PAIR - 3, YES, "BinaryF1Score", link=link)

    assert found["BinaryF1Score"] == pytest.approx(reference.f1_score(YES, PAIR.argmax(1)), rel=1e-6)


@pytest.mark.parametrize("name", ["MatthewsCorrCoef", "BinaryMatthewsCorrCoef", "MulticlassMatthewsCorrCoef"])
def test_the_matthews_coefficient_is_scikit_learns_and_0_of_one_class_always(name: str) -> None:
    always = torch.tensor([[1.0, 0.0]]).expand(200, 2)

    found = scores(Task.CLASSIFICATION, PAIR, YES, name)[name]

    assert found == pytest.approx(reference.matthews_corrcoef(YES, PAIR.argmax(1)), rel=1e-6)
    assert scores(Task.CLASSIFICATION, always, YES, name)[name] == 0


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


def test_the_rest_of_the_names_are_scikit_learns() -> None:
    likely = torch.softmax(OUTPUTS.double(), 1).numpy()
    values = (VALUES + 3).float() + 0.1 * OUTPUTS[:, :1]

    balanced = scores(Task.CLASSIFICATION, OUTPUTS, CLASSES, "balanced_accuracy")["balanced_accuracy"]
    log_loss = scores(Task.CLASSIFICATION, OUTPUTS, CLASSES, "log_loss")["log_loss"]
    mape = scores(Task.REGRESSION, values, VALUES + 3, "mape")["mape"]

    assert balanced == pytest.approx(reference.balanced_accuracy_score(CLASSES, OUTPUTS.argmax(1)), rel=1e-6)
    assert log_loss == pytest.approx(reference.log_loss(CLASSES, likely), rel=1e-6)
    assert mape == pytest.approx(reference.mean_absolute_percentage_error(VALUES + 3, values.double()), rel=1e-6)


@pytest.mark.parametrize("name", ["log_loss", "CalibrationError"])
def test_a_metric_of_probabilities_is_refused_where_the_loss_gives_none(name: str) -> None:
    with pytest.raises(BuildError, match=rf"^objective\.metric: {name} needs (class )?probabilities"):
        scores(Task.CLASSIFICATION, PAIR, YES, name, link=Link.NONE)


def test_a_metric_of_several_numbers_is_refused() -> None:
    found = scoring(Task.CLASSIFICATION, 4, "MulticlassConfusionMatrix", Direction.MAXIMIZE)

    with pytest.raises(BuildError, match="MulticlassConfusionMatrix gives more than one number"):
        found(OUTPUTS, CLASSES, None, Link.SOFTMAX)


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


@pytest.mark.parametrize(
    ("metric", "same"),
    [
        ("KendallRankCorrCoef", stats.kendalltau),
        ("SpearmanCorrCoef", stats.spearmanr),
        ("PearsonCorrCoef", stats.pearsonr),
    ],
)
def test_a_correlation_with_one_target_is_scipys(metric: str, same: Callable[[object, object], Any]) -> None:
    outputs = VALUES.float() + OUTPUTS[:, :1]

    found = scoring(Task.REGRESSION, 1, metric, Direction.MAXIMIZE)(outputs, VALUES, AS_IS, Link.NONE)[metric]

    assert found == pytest.approx(same(outputs.numpy().ravel(), VALUES.numpy().ravel())[0], rel=1e-6)


def test_a_metric_that_keeps_a_split_is_made_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    scoring(Task.REGRESSION, 1, "SpearmanCorrCoef")
    scoring(Task.CLASSIFICATION, 2, "AUROC")

    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("metric", ["CosineSimilarity", "KLDivergence"])
def test_a_metric_of_vectors_is_refused_for_one_target(metric: str) -> None:
    with pytest.raises(BuildError, match=rf"^objective\.metric: {metric} cannot score these predictions: .*2D"):
        scores(Task.REGRESSION, VALUES.float(), VALUES, metric)


def test_a_target_without_spread_has_the_r2_that_scikit_learn_gives_it() -> None:
    constant = torch.full((200, 1), 0.1, dtype=torch.float64)

    right = scores(Task.REGRESSION, constant, constant)["r2"]
    wrong = scores(Task.REGRESSION, constant + VALUES, constant)["r2"]

    assert right == pytest.approx(1.0)
    assert wrong == reference.r2_score(constant, constant + VALUES) == 0.0


def test_an_area_over_rows_of_one_class_is_refused() -> None:
    for name in ("pr_auc", "AUROC"):
        with pytest.raises(BuildError, match=rf"^objective\.metric: {name} ranks rows of different classes"):
            scoring(Task.CLASSIFICATION, 2, name).refuse_unrankable(torch.zeros(5, dtype=torch.int64))
        scoring(Task.CLASSIFICATION, 2, name).refuse_unrankable(YES)
    scoring(Task.CLASSIFICATION, 2, "f1").refuse_unrankable(torch.zeros(5, dtype=torch.int64))
