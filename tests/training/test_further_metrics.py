from __future__ import annotations

import pytest
import sklearn.metrics as reference
import torch

from tests.support.scorings import CLASSES, OUTPUTS, PAIR, VALUES, YES, scores, scoring
from tuner.errors import BuildError
from tuner.goal import Task
from tuner.training.link import Link


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
    sure = torch.stack([torch.zeros(200), 60 + 40 * torch.rand(200, generator=torch.Generator().manual_seed(0))], 1)
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


@pytest.mark.parametrize("name", ["MatthewsCorrCoef", "BinaryMatthewsCorrCoef", "MulticlassMatthewsCorrCoef"])
def test_the_matthews_coefficient_is_scikit_learns_and_0_of_one_class_always(name: str) -> None:
    always = torch.tensor([[1.0, 0.0]]).expand(200, 2)

    found = scores(Task.CLASSIFICATION, PAIR, YES, name)[name]

    assert found == pytest.approx(reference.matthews_corrcoef(YES, PAIR.argmax(1)), rel=1e-6)
    assert scores(Task.CLASSIFICATION, always, YES, name)[name] == 0


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


def test_an_area_over_rows_of_one_class_is_refused() -> None:
    for name in ("pr_auc", "AUROC"):
        with pytest.raises(BuildError, match=rf"^objective\.metric: {name} ranks rows of different classes"):
            scoring(Task.CLASSIFICATION, 2, name).refuse_unrankable(torch.zeros(5, dtype=torch.int64))
        scoring(Task.CLASSIFICATION, 2, name).refuse_unrankable(YES)
    scoring(Task.CLASSIFICATION, 2, "f1").refuse_unrankable(torch.zeros(5, dtype=torch.int64))
