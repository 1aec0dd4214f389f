from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sklearn.metrics as reference
from scipy import stats

from tests.support.scorings import AS_IS, CLASSES, OUTPUTS, PAIR, VALUES, YES, scores, scoring
from tuner.errors import BuildError
from tuner.goal import Direction, Task
from tuner.training.link import Link


def test_another_metric_of_torchmetrics_has_the_direction_that_it_gives_itself() -> None:
    found = scores(Task.CLASSIFICATION, OUTPUTS, CLASSES, "MulticlassCohenKappa")

    expected = reference.cohen_kappa_score(CLASSES.numpy(), OUTPUTS.argmax(1).numpy())
    assert found["MulticlassCohenKappa"] == pytest.approx(expected, rel=1e-5)
    assert scoring(Task.CLASSIFICATION, 4, "CalibrationError").direction is Direction.MINIMIZE
    assert scoring(Task.REGRESSION, 1, "R2Score").direction is Direction.MAXIMIZE
    with pytest.raises(BuildError, match="say whether to minimize or maximize PearsonCorrCoef"):
        scoring(Task.REGRESSION, 1, "PearsonCorrCoef")


def test_a_split_that_failed_half_way_leaves_nothing_in_the_next() -> None:
    found = scoring(Task.CLASSIFICATION, 4, "MulticlassCohenKappa")
    expected = found(OUTPUTS, CLASSES, None, Link.SOFTMAX)
    with pytest.raises((ValueError, RuntimeError, IndexError, BuildError)):
        found(OUTPUTS, CLASSES.unsqueeze(1).repeat(1, 7).float(), None, Link.SOFTMAX)

    assert found(OUTPUTS, CLASSES, None, Link.SOFTMAX) == expected


@pytest.mark.parametrize("link", list(Link))
def test_a_binary_metric_with_a_threshold_is_of_the_classes_that_the_model_gives(link: Link) -> None:
    found = scores(Task.CLASSIFICATION, PAIR - 3, YES, "BinaryF1Score", link=link)

    assert found["BinaryF1Score"] == pytest.approx(reference.f1_score(YES, PAIR.argmax(1)), rel=1e-6)


def test_a_metric_of_several_numbers_is_refused() -> None:
    found = scoring(Task.CLASSIFICATION, 4, "MulticlassConfusionMatrix", Direction.MAXIMIZE)

    with pytest.raises(BuildError, match="MulticlassConfusionMatrix gives more than one number"):
        found(OUTPUTS, CLASSES, None, Link.SOFTMAX)


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
