from __future__ import annotations

import pytest
import torch
from torchmetrics.functional import classification, regression

from tuner.data.preprocessing.standardize import Scale
from tuner.training.metrics import of_classes, of_values

CHANCE = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(3, 50, 6, generator=CHANCE)
CLASSES = torch.randint(0, 4, (50,), generator=CHANCE)  # two of the classes have no rows
VALUES = torch.randn(50, 6, generator=CHANCE)
AS_IS = Scale(torch.zeros(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64))


def test_classes_are_scored_as_torchmetrics_scores_each_model_alone() -> None:
    scored = of_classes(OUTPUTS, CLASSES)

    for model, outputs in enumerate(OUTPUTS):
        expected = {
            "accuracy": classification.multiclass_accuracy(outputs, CLASSES, 6, average="micro"),
            "precision": classification.multiclass_precision(outputs, CLASSES, 6),
            "recall": classification.multiclass_recall(outputs, CLASSES, 6),
            "f1": classification.multiclass_f1_score(outputs, CLASSES, 6),
            "loss": torch.nn.functional.cross_entropy(outputs, CLASSES),
        }
        found = {name: float(values[model]) for name, values in scored.items()}
        assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-5)


def test_a_class_that_is_neither_there_nor_guessed_does_not_count() -> None:
    outputs = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])

    scored = of_classes(outputs, torch.tensor([0, 1]))

    assert [float(scored[name]) for name in ("precision", "recall", "f1")] == [1.0, 1.0, 1.0]


def test_values_are_scored_as_torchmetrics_scores_each_model_alone() -> None:
    scored = of_values(OUTPUTS, VALUES.double(), AS_IS)

    for model, outputs in enumerate(OUTPUTS):
        mse = regression.mean_squared_error(outputs, VALUES)
        expected = {
            "mse": mse,
            "rmse": mse.sqrt(),
            "mae": regression.mean_absolute_error(outputs, VALUES),
            "r2": regression.r2_score(outputs, VALUES),
            "loss": mse,
        }
        found = {name: float(values[model]) for name, values in scored.items()}
        assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-5)
