from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from tuner.config import Component
from tuner.errors import BuildError
from tuner.goal import Task
from tuner.training import losses

OUTPUTS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
CLASSES = torch.tensor([0, 1, 2, 2, 1, 0])
CPU = torch.device("cpu")


def value(component: Component | None, task: Task = Task.CLASSIFICATION) -> float:
    targets = CLASSES if task is Task.CLASSIFICATION else OUTPUTS * 2
    return float(losses.build(component, task, CPU)(OUTPUTS, targets))


def test_the_usual_loss_follows_from_the_task() -> None:
    assert value(None) == float(functional.cross_entropy(OUTPUTS, CLASSES))
    assert value(None, Task.REGRESSION) == float(functional.mse_loss(OUTPUTS, OUTPUTS * 2))


def test_arguments_reach_the_class_of_torch() -> None:
    weight = torch.tensor([1.0, 2.0, 3.0])
    expected = nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1)(OUTPUTS, CLASSES)

    assert value(Component("CrossEntropyLoss", {"weight": [1.0, 2.0, 3.0], "label_smoothing": 0.1})) == float(expected)


def test_nll_takes_the_logits_that_models_give() -> None:
    assert value(Component("NLLLoss")) == pytest.approx(value(None))


def test_an_elementwise_loss_sees_classes_one_hot() -> None:
    expected = functional.binary_cross_entropy_with_logits(OUTPUTS, functional.one_hot(CLASSES, 3).float())

    assert value(Component("BCEWithLogitsLoss")) == float(expected)


@pytest.mark.parametrize(
    ("component", "task", "message"),
    [
        (Component("CrossEntropy"), Task.CLASSIFICATION, "did you mean CrossEntropyLoss?"),
        (Component("CrossEntropyLoss"), Task.REGRESSION, "CrossEntropyLoss does not fit regression: use MSELoss"),
        (Component("CTCLoss"), Task.CLASSIFICATION, "CTCLoss does not fit classification"),
        (Component("HuberLoss", {"delta": "x"}), Task.REGRESSION, "HuberLoss refuses its arguments"),
    ],
)
def test_what_does_not_fit_is_refused(component: Component, task: Task, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        value(component, task)

    assert message in str(caught.value)


def test_balanced_weights_give_every_class_the_same_say() -> None:
    targets = torch.tensor([0] * 6 + [1] * 3 + [2])

    weights = losses.balanced(targets, 3)

    assert weights.tolist() == pytest.approx([10 / 18, 10 / 9, 10 / 3])
    assert [float(weights[i] * (targets == i).sum()) for i in range(3)] == pytest.approx([10 / 3] * 3)


def test_a_class_without_rows_weighs_nothing() -> None:
    assert losses.balanced(torch.tensor([0, 0, 2]), 3).tolist() == [0.5, 0.0, 1.0]


def test_a_loss_says_by_what_its_mean_is_divided() -> None:
    plain = losses.build(None, Task.CLASSIFICATION, CPU)
    weighted = losses.build(None, Task.CLASSIFICATION, CPU, balance=torch.tensor([1.0, 2.0, 4.0]))

    assert plain.weight(CLASSES) == 6
    assert float(weighted.weight(CLASSES)) == 14.0


def test_class_weights_are_the_loops_to_give() -> None:
    faults = dict(losses.argument_faults(Component("CrossEntropyLoss", {"class_weights": "balanced"})))

    assert "training.class_weights" in faults["class_weights"]


def test_another_reduction_than_the_mean_is_refused() -> None:
    assert (
        "the mean over a batch" in dict(losses.argument_faults(Component("MSELoss", {"reduction": "sum"})))["reduction"]
    )


@pytest.mark.parametrize(
    ("component", "task"),
    [
        (None, Task.CLASSIFICATION),
        (Component("CrossEntropyLoss", {"label_smoothing": 0.3}), Task.CLASSIFICATION),
        (Component("CrossEntropyLoss", {"weight": [1.0, 2.0, 3.0]}), Task.CLASSIFICATION),
        (Component("CrossEntropyLoss", {"weight": [1.0, 2.0, 3.0], "label_smoothing": 0.3}), Task.CLASSIFICATION),
        (Component("NLLLoss", {"weight": [1.0, 2.0, 3.0]}), Task.CLASSIFICATION),
        (Component("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": [1.0, 2.0, 3.0]}), Task.CLASSIFICATION),
        (Component("MultiLabelSoftMarginLoss"), Task.CLASSIFICATION),
        (Component("HuberLoss", {"delta": 0.5}), Task.REGRESSION),
    ],
)
@pytest.mark.filterwarnings("error")
def test_the_losses_of_several_models_are_those_of_each(component: Component | None, task: Task) -> None:
    outputs = torch.stack([OUTPUTS, 3 * OUTPUTS.flip(0)])
    targets = torch.stack([CLASSES, CLASSES.roll(1)]) if task is Task.CLASSIFICATION else 2 * outputs.roll(1, 1)
    built = losses.build(component, task, CPU)

    torch.testing.assert_close(
        built.of_several(outputs, targets),
        torch.stack([built(*each) for each in zip(outputs, targets, strict=True)]),
        rtol=1e-6,
        atol=1e-6,
    )
