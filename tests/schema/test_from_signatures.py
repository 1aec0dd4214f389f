from __future__ import annotations

from typing import Annotated, Any, Literal, Optional

import pytest
import torch
from torch import Tensor, nn

from tuner.runtime.kinds import Whole, Words
from tuner.schema import from_signatures
from tuner.training import losses, lr_schedulers, optimizers


@pytest.mark.parametrize(
    ("hint", "shape"),
    [
        (int, {"type": "integer"}),
        (float | None, {"type": ["null", "number"]}),
        (Optional[list[float]], {"type": ["array", "null"]}),  # noqa: UP045 as torch writes it
        (float | Tensor, {"type": "number"}),
        (Annotated[int, Whole(2)], {"type": "integer", "minimum": 2}),
        (Annotated[int, "of no kind"], {"type": "integer"}),
        (Annotated[str, Words(("max", "avg"))] | None, {"anyOf": [{"type": "null"}, {"enum": ["max", "avg"]}]}),
        (Tensor | None, {}),
        (Literal["cos", "linear"], {"enum": ["cos", "linear"]}),
        (torch.dtype | str, {}),
        (Any, {}),
    ],
)
def test_a_type_is_told_as_yaml_has_it(hint: Any, shape: dict[str, Any]) -> None:
    assert from_signatures.typed(hint) == shape


def test_an_argument_has_its_default_and_what_the_docstring_says_of_it() -> None:
    shape = from_signatures.shape_of("SGD", torch.optim.SGD, optimizers.argument_faults)

    momentum = shape["properties"]["momentum"]
    assert momentum["default"] == 0
    assert momentum["description"].startswith("momentum factor")
    assert "params" not in shape["properties"]


def test_an_argument_that_must_be_given_is_required_and_one_that_is_filled_in_is_not() -> None:
    step = from_signatures.shape_of("StepLR", torch.optim.lr_scheduler.StepLR, lr_schedulers.argument_faults)
    cosine = from_signatures.shape_of(
        "CosineAnnealingLR", torch.optim.lr_scheduler.CosineAnnealingLR, lr_schedulers.argument_faults
    )

    assert step["required"] == ["step_size"]
    assert "required" not in cosine


def test_an_argument_that_may_only_have_its_default_says_so() -> None:
    shape = from_signatures.shape_of("CrossEntropyLoss", nn.CrossEntropyLoss, losses.argument_faults)

    assert shape["properties"]["reduction"]["anyOf"][0] == {"enum": ["mean"]}
    assert "ignore_index" not in shape["properties"]
