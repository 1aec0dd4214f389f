from __future__ import annotations

import pytest
import torch
from torch import nn

from tuner.config import Component
from tuner.errors import BuildError
from tuner.training import optimizers

PARAMETERS = list(nn.Linear(2, 2).parameters())


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "LBFGS", "Adafactor"])
def test_a_class_of_torch_is_found_by_its_name(name: str) -> None:
    assert type(optimizers.build(Component(name, {"lr": 0.1}), PARAMETERS)) is getattr(torch.optim, name)


def test_a_list_is_given_as_the_tuple_that_it_stands_for() -> None:
    built = optimizers.build(Component("Adam", {"betas": [0.8, 0.9]}), PARAMETERS)

    assert built.param_groups[0]["betas"] == (0.8, 0.9)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Adm", {}, "did you mean Adam?"),
        ("lr_scheduler", {}, "there is no lr_scheduler in torch.optim"),
        ("Optimizer", {}, "there is no Optimizer in torch.optim"),
        ("Adam", {"lr": -1}, "Adam refuses its arguments: Invalid learning rate: -1"),
        ("Adam", {"lr": "high"}, "Adam refuses its arguments"),
    ],
)
def test_what_cannot_be_built_is_refused(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BuildError) as caught:
        optimizers.build(Component(name, arguments), PARAMETERS)

    assert message in str(caught.value)


def test_unknown_and_reserved_arguments_are_named() -> None:
    faults = dict(optimizers.argument_faults(Component("SGD", {"momentun": 1, "params": 2})))

    assert "did you mean momentum" in faults["momentun"]
    assert "filled in by tuner" in faults["params"]


def test_frozen_parameters_are_left_out() -> None:
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(False)

    built = optimizers.build(Component("SGD", {"lr": 0.1}), layer.parameters())

    assert [p is layer.weight for p in built.param_groups[0]["params"]] == [True]


def test_a_model_with_nothing_to_train_is_refused() -> None:
    frozen = nn.Linear(2, 2).requires_grad_(False)

    with pytest.raises(BuildError, match="model: it has no parameter to train"):
        optimizers.build(Component("SGD", {"lr": 0.1}), frozen.parameters())
