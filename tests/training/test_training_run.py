from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.training.conftest import CPU, TEXT, config, train
from tuner.errors import BuildError
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run, dropout, epochs_of, fast_linear


@pytest.mark.parametrize(
    "settings",
    [
        {
            "scheduler": {"type": "OneCycleLR", "max_lr": 0.05},
            "optimizer": {"type": "SGD", "lr": 0.05, "momentum": 0.9},
        },
        {"scheduler": [{"type": "LinearLR", "epochs": 2}, {"type": "CosineAnnealingLR"}], "training.ema": 0.9},
        {"optimizer": {"type": "RMSprop", "lr": 0.001, "weight_decay": 0.01}},
        {"training.accumulate": 2, "training.early_stop": {"patience": 3}, "training.precision": "bf16"},
    ],
)
def test_a_training_goes_on_from_its_checkpoint_bit_for_bit(job: Job, settings: dict[str, Any]) -> None:
    whole = train(job, 7, stop=4, settings=settings)
    first = Run.build(job, config(settings), 7)
    list(epochs_of([first], job, 1, 2))
    second = Run.build(job, config(settings), 7)

    progress, best = second.restore(first.state({"trained": 2}, first.weights()))
    rest = [metrics for _, metrics, _ in epochs_of([second], job, 3, 4)]

    assert progress == {"trained": 2}
    assert best is not None
    assert best.keys() == first.scored.state_dict().keys()
    assert rest == whole[2:]


def test_patience_that_is_over_is_over_after_a_checkpoint_too(job: Job) -> None:
    settings = {
        "optimizer": {"type": "SGD", "lr": 0.0},
        "training.early_stop": {"patience": 1},
        "model": {"type": "MLP"},
    }
    first = Run.build(job, config(settings), 0)
    list(epochs_of([first], job, 1, 2))
    second = Run.build(job, config(settings), 0)
    second.restore(first.state({}))

    assert list(epochs_of([second], job, 3, 4)) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"data.batch_size": 5000},
            r"data\.batch_size: a batch of 5000 is larger than the training split of 1149 rows",
        ),
        (
            {"data.batch_size": 400, "training.accumulate": 3},
            r"data\.batch_size: a batch of 400 accumulated 3 times is larger",
        ),
        (
            {"optimizer": {"type": "LBFGS"}, "training.precision": "fp16"},
            r"training\.precision: LBFGS does not go with fp16",
        ),
        (
            {"loss": {"type": "MultiMarginLoss"}, "training.class_weights": "balanced"},
            r"training\.class_weights: they need a loss of CrossEntropyLoss and NLLLoss",
        ),
        (
            {"loss": {"type": "CrossEntropyLoss", "weight": [1.0] * 10}, "training.class_weights": "balanced"},
            r"training\.class_weights: they need a loss of .* without weights of its own",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(job: Job, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        Run.build(job, config(settings), 0)


def test_a_regression_has_no_classes_to_balance() -> None:
    text = (
        "{data: {type: diabetes}, model: {type: Linear}, optimizer: {type: SGD, lr: 0.1}, "
        "training: {class_weights: balanced}}"
    )
    plain = Space.parse(text).resolve(Corner(False, {}))
    job = Job.for_search(plain, 0, CPU)

    with pytest.raises(BuildError, match=r"training\.class_weights: a regression has no classes"):
        Run.build(job, plain, 0)


def test_weights_are_drawn_from_the_seed_alone(job: Job) -> None:
    first, again, other = (Run.build(job, config(), seed).model.state_dict() for seed in (0, 0, 1))

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


MADE_OF_TORCHS = """
from torch import nn

class Mine(nn.Linear): pass

class Net(nn.Sequential):
    def __init__(self, in_features, out_features):
        super().__init__(nn.Flatten(), Mine(in_features, 8), nn.Dropout(), nn.Linear(8, out_features))
"""


def test_layers_of_user_code_keep_their_classes(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MADE_OF_TORCHS)
    settings = {"model": {"type": "net.py:Net"}}
    own = Space.parse(TEXT, base=str(tmp_path), settings=list(settings.items())).resolve(Corner(False, {}))

    layers = list(Run.build(Job.for_search(own, 0, CPU), own, 0).model)  # type: ignore[call-overload]  # a Sequential

    assert type(layers[1]).__name__ == "Mine"
    assert [type(layer) for layer in (layers[2], layers[3])] == [nn.Dropout, nn.Linear]


def test_layers_of_built_in_and_torchvisions_models_are_quick_ones(job: Job) -> None:
    of_cnn = set(map(type, Run.build(job, config(), 0).model.modules()))
    vision = {"model": {"type": "mobilenet_v3_small", "weights": None}}
    of_vision = set(map(type, Run.build(job, config(vision), 0).model.modules()))

    for found in (of_cnn, of_vision):
        assert found >= {dropout.Dropout, fast_linear.Linear}
        assert not found & {nn.Dropout, nn.Linear}
