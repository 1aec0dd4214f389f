"""Lanes go through layers that take several at once, and give what each model gives by itself."""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Mapping, Sequence

import pytest
import torch
from torch import Generator, Tensor, nn
from torchvision.models import ResNet
from torchvision.models.resnet import BasicBlock

from tuner.engines.fused import dropout_masks, forward
from tuner.engines.fused.forward import Forward
from tuner.models import CNN, MLP
from tuner.models import Linear as LinearModel
from tuner.models.adapt import FrozenBackbone
from tuner.training import dropout
from tuner.training.fast_linear import Linear

LANES, ROWS, SHAPE = 3, 5, (2, 4, 4)
CPU = torch.device("cpu")


def quick(model: nn.Module) -> nn.Module:
    """Its layers are ours, as those of a run are."""
    ours: Mapping[type[nn.Module], type[nn.Module]] = {nn.Linear: Linear, nn.Dropout: dropout.Dropout}
    for module in model.modules():
        module.__class__ = ours.get(type(module), type(module))
    return model


def scaled(outputs: Tensor) -> Tensor:
    """What hangs on all numbers that it is given: those of other lanes must not be among them."""
    return outputs / outputs.detach().abs().max()


class Own(nn.Module):
    """A class of one's own, which may do anything."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return scaled(self.linear(inputs.flatten(1)))


class Scaled(nn.Flatten):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name
        return scaled(super().forward(input))


def hooked() -> nn.Module:
    model = LinearModel(32, 3)
    model.linear.register_forward_hook(lambda layer, inputs, outputs: scaled(outputs))
    return model


def patched() -> nn.Module:
    def scaled_forward(layer: nn.Linear, inputs: Tensor) -> Tensor:
        return scaled(type(layer).forward(layer, inputs))

    model = LinearModel(32, 3)
    vars(model.linear)["forward"] = types.MethodType(scaled_forward, model.linear)
    return model


def patched_within() -> nn.Module:
    def scaled_forward(model: ResNet, images: Tensor) -> Tensor:
        return scaled(ResNet._forward_impl(model, images))

    model: nn.Module = small_resnet()
    vars(model)["_forward_impl"] = types.MethodType(scaled_forward, model)
    return model


def in_two_places() -> nn.Module:
    layer = nn.Linear(32, 32)
    return nn.Sequential(nn.Flatten(), layer, nn.ReLU(inplace=True), layer, nn.Linear(32, 3))


def partly_frozen() -> nn.Module:
    model = MLP(32, 3, hidden=[6])
    model.stack[1].requires_grad_(False)
    return model


def small_resnet() -> ResNet:
    """The first half of torchvision's smallest: its blocks, and a twentieth of the numbers that tests copy."""
    model = ResNet(BasicBlock, [1, 1, 1, 1])
    model.conv1 = nn.Conv2d(2, 64, 7, stride=2, padding=3, bias=False)
    model.layer3 = model.layer4 = nn.Sequential()
    model.fc = nn.Linear(128, 3)
    return model


def frozen_backbone() -> nn.Module:
    net = small_resnet()
    return FrozenBackbone(net, [net.fc]).train()


def still(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.Module:
    """It trains by the batch, and is scored by what it was built with."""
    norm.track_running_stats = False
    return norm


def frozen_features() -> nn.Module:
    model = CNN(SHAPE, 3, channels=[4])
    model.features.requires_grad_(False)
    return model


LANES_FIRST: dict[str, Callable[[], nn.Module]] = {
    "Linear": lambda: LinearModel(32, 3),
    "MLP": lambda: MLP(32, 3, hidden=[20, 6], activation="GELU"),
    "MLP with batch norm": lambda: MLP(32, 3, hidden=[6], batch_norm=True),
    "statistics of an MLP that stand still": lambda: nn.Sequential(
        nn.Flatten(), still(nn.BatchNorm1d(32)), nn.Linear(32, 3)
    ),
    "Sequential": lambda: nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(32, 7, bias=False), nn.Tanh()), nn.Linear(7, 3)
    ),
    "a layer in two places": in_two_places,
    "partly frozen": partly_frozen,
}
SIDE_BY_SIDE: dict[str, Callable[[], nn.Module]] = {
    "CNN": lambda: CNN(SHAPE, 3, channels=[5, 4], hidden=[6], pooling="avg"),
    "CNN without batch norm": lambda: CNN(SHAPE, 3, channels=[5], batch_norm=False, activation="GELU"),
    "resnet": small_resnet,
    "groups": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, groups=2), nn.BatchNorm2d(4, affine=False), nn.Flatten(), nn.Linear(4, 3)
    ),
    "pooled to the end": lambda: nn.Sequential(
        nn.BatchNorm2d(2, track_running_stats=False), nn.Conv2d(2, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ),
    "partly frozen": frozen_features,
    "a frozen backbone": frozen_backbone,
    "flattened again": lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 3), nn.Flatten()),
    "statistics that stand still": lambda: nn.Sequential(still(nn.BatchNorm2d(2)), nn.Flatten(), nn.Linear(32, 3)),
}
BY_VMAP: dict[str, Callable[[], nn.Module]] = {
    "own class": Own,
    "own flatten": lambda: nn.Sequential(Scaled(), nn.Linear(32, 3)),
    "own forward": patched,
    "own code within a network": patched_within,
    "hook": hooked,
    "layer norm": lambda: nn.Sequential(nn.Flatten(), nn.LayerNorm(32), nn.Linear(32, 3)),
    "over rows": lambda: nn.Sequential(nn.Flatten(), nn.Softmax(0), nn.Linear(32, 3)),
    "channels that are looked at": lambda: nn.Sequential(nn.PixelShuffle(1), nn.Conv2d(2, 3, 4), nn.Flatten()),
    "flattened less": lambda: nn.Sequential(nn.Flatten(1, 2), nn.Linear(4, 3), nn.Flatten()),
}
MODELS = {**LANES_FIRST, **SIDE_BY_SIDE, **BY_VMAP}


def lanes_of(models: Sequence[nn.Module]) -> dict[str, Tensor]:
    """Their parameters and buffers; those that train have gradients."""
    named = [dict([*model.named_parameters(), *model.named_buffers()]) for model in models]
    stacked = {name: torch.stack([each[name].detach() for each in named]) for name in named[0]}
    return {name: stack.requires_grad_(named[0][name].requires_grad) for name, stack in stacked.items()}


def several(make: Callable[[], nn.Module]) -> list[nn.Module]:
    torch.manual_seed(0)
    return [quick(make()) for _ in range(LANES)]


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_lanes_are_scored_as_each_model_by_itself(
    make: Callable[[], nn.Module], memory_format: torch.memory_format
) -> None:
    models = several(make)
    inputs = torch.randn(ROWS, *SHAPE).to(memory_format=memory_format)

    found = Forward(copy.deepcopy(models[0]), SHAPE).scoring(lanes_of(models), inputs)

    for outputs, model in zip(found, models, strict=True):
        torch.testing.assert_close(outputs, model.eval()(inputs))


@pytest.mark.parametrize(("name", "rows"), [*((name, ROWS) for name in MODELS), ("MLP", 1), ("Linear", 1)])
def test_lanes_learn_as_each_model_by_itself(name: str, rows: int) -> None:
    models = [model.double() for model in several(MODELS[name])]  # a batch norm of few numbers makes errors large
    inputs = torch.randn(LANES, rows, *SHAPE, dtype=torch.float64)
    tensors, chance = lanes_of(models), dropout_masks.Chance([Generator() for _ in range(LANES)])

    outputs = Forward(copy.deepcopy(models[0]), SHAPE).training(
        tensors, inputs, chance, dropout_masks.Rates.of([[]] * LANES, CPU)
    )
    gradients = torch.autograd.grad(outputs.square().sum(), [each for each in tensors.values() if each.requires_grad])

    for lane, model in enumerate(models):
        alone = model(inputs[lane])
        expected = torch.autograd.grad(alone.square().sum(), [p for p in model.parameters() if p.requires_grad])
        torch.testing.assert_close([outputs[lane], *(each[lane] for each in gradients)], [alone, *expected])


@pytest.mark.parametrize("make", [*LANES_FIRST.values(), *SIDE_BY_SIDE.values()], ids=[*LANES_FIRST, *SIDE_BY_SIDE])
def test_layers_that_take_lanes_need_no_vmap(make: Callable[[], nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(forward, "vmap")
    models = several(make)

    outputs = Forward(copy.deepcopy(models[0]), SHAPE).scoring(lanes_of(models), torch.randn(ROWS, *SHAPE))

    assert outputs.shape == (LANES, ROWS, 3)


class Frozen(nn.Module):
    """Keeps its batch norm still, and switches its dropout, as fine-tuning does."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.dropout, self.linear = nn.BatchNorm1d(32), nn.Dropout(0.5), nn.Linear(32, 3)
        self.switched = [self.dropout]

    def train(self, mode: bool = True) -> Frozen:
        super().train(False)
        self.training = mode
        for module in self.switched:
            module.train(mode)
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.linear(self.dropout(self.norm(inputs.flatten(1))))
        return outputs


class Adapted(nn.Module):
    """Scores by the statistics of what it scores."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(32), nn.Linear(32, 3)

    def eval(self) -> Adapted:
        super().eval()
        self.norm.train()
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.linear(self.norm(inputs.flatten(1)))
        return outputs


PASSES: dict[str, Callable[[], nn.Module]] = {
    "MLP": lambda: MLP(32, 3, hidden=[16, 8], dropout=0.5),
    "MLP with batch norm": lambda: MLP(32, 3, hidden=[16, 8], dropout=0.5, batch_norm=True),
    "CNN": lambda: CNN(SHAPE, 3, channels=[4, 6], hidden=[5], dropout=0.5),
    "dropout of images": lambda: nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.Dropout(0.5), nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 3)
    ),
    "still statistics of images": lambda: nn.Sequential(
        still(nn.BatchNorm2d(2)), nn.Conv2d(2, 3, 4), nn.Flatten(), still(nn.BatchNorm1d(3))
    ),
    "still statistics": lambda: nn.Sequential(nn.Flatten(), still(nn.BatchNorm1d(32)), nn.Linear(32, 3)),
    "a train of one's own": Frozen,
    "an eval of one's own": Adapted,
}


@pytest.mark.parametrize("make", PASSES.values(), ids=PASSES)
def test_epochs_and_scores_take_turns_as_for_a_model_alone(make: Callable[[], nn.Module]) -> None:
    """With noise and rates of each lane's own, and a last batch of fewer rows."""
    models = several(make)
    for model, rate in zip(models, [0.5, 0.2, 0.0], strict=True):
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = rate
    tensors = {name: tensor.detach() for name, tensor in lanes_of(models).items()}
    together, rates = (
        Forward(copy.deepcopy(models[0]), SHAPE),
        dropout_masks.Rates.of([dropout_masks.rates(model) for model in models], CPU),
    )
    chance = dropout_masks.Chance([Generator().manual_seed(seed) for seed in range(LANES)])
    epoch = [torch.randn(LANES, rows, *SHAPE) for rows in (ROWS, ROWS - 1)]
    scored = torch.randn(ROWS, *SHAPE)

    found: list[Tensor] = []
    for _ in range(2):
        found += [together.training(tensors, batch, chance, rates) for batch in epoch]
        found.append(together.scoring(tensors, scored))

    for lane, model in enumerate(models):
        torch.manual_seed(lane)
        alone: list[Tensor] = []
        for _ in range(2):
            alone += [model.train()(batch[lane]) for batch in epoch]
            alone.append(model.eval()(scored))
        torch.testing.assert_close([outputs[lane] for outputs in found], alone)
