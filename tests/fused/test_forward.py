"""Lanes go straight through layers that take several at once, and give what each model gives by itself."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call

from tuner import dropout
from tuner.fused import forward, noise
from tuner.fused.forward import Forward
from tuner.linear import Linear
from tuner.models import MLP
from tuner.models import Linear as LinearModel

LANES, ROWS, SHAPE = 3, 5, (2, 4, 4)


def quick(model: nn.Module) -> nn.Module:
    """Its linear layers are ours, as those of a run are."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = Linear
    return model


class Own(nn.Module):
    """A class of one's own, which may do anything."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.linear(inputs.flatten(1))
        return outputs


def hooked() -> nn.Module:
    model = LinearModel(32, 3)
    model.linear.register_forward_hook(lambda layer, inputs, outputs: outputs * 2)
    return model


def normed(make: Callable[[], nn.Module]) -> nn.Module:
    return nn.Sequential(nn.Flatten(), make(), nn.Linear(32, 3))


STRAIGHT: dict[str, Callable[[], nn.Module]] = {
    "Linear": lambda: LinearModel(32, 3),
    "MLP": lambda: MLP(32, 3, hidden=[20, 6], activation="GELU"),
    "Sequential": lambda: nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(32, 7, bias=False), nn.Tanh()), nn.Linear(7, 3)
    ),
}
BY_VMAP: dict[str, Callable[[], nn.Module]] = {
    "batch norm": lambda: MLP(32, 3, hidden=[6], batch_norm=True),
    "own class": Own,
    "hook": hooked,
    "layer norm": lambda: normed(lambda: nn.LayerNorm(32)),
    "over lanes": lambda: normed(lambda: nn.Softmax(0)),
    "flattened less": lambda: nn.Sequential(nn.Flatten(1, 2), nn.Linear(4, 3), nn.Flatten()),
}


def lanes_of(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers of several lanes, no two alike."""
    named = [*model.named_parameters(), *model.named_buffers()]
    return {name: torch.stack([tensor.detach() * (i + 1) for i in range(LANES)]) for name, tensor in named}


@pytest.mark.parametrize("make", [*STRAIGHT.values(), *BY_VMAP.values()], ids=[*STRAIGHT, *BY_VMAP])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_lanes_are_scored_as_each_model_by_itself(
    make: Callable[[], nn.Module], memory_format: torch.memory_format
) -> None:
    torch.manual_seed(0)
    model = quick(make()).eval()
    tensors = lanes_of(model)
    inputs = torch.randn(ROWS, *SHAPE).to(memory_format=memory_format)

    found = Forward(copy.deepcopy(model)).scoring(tensors, inputs)

    for lane in range(LANES):
        alone = functional_call(model, {name: stack[lane] for name, stack in tensors.items()}, (inputs,))
        torch.testing.assert_close(found[lane], alone)


@pytest.mark.parametrize("make", STRAIGHT.values(), ids=STRAIGHT)
def test_layers_that_take_lanes_need_no_vmap(make: Callable[[], nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "vmap", None)
    model = quick(make())

    outputs = Forward(copy.deepcopy(model)).scoring(lanes_of(model), torch.randn(ROWS, *SHAPE))

    assert outputs.shape == (LANES, ROWS, 3)


@pytest.mark.parametrize("make", BY_VMAP.values(), ids=BY_VMAP)
def test_all_else_goes_by_vmap(make: Callable[[], nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "vmap", None)
    model = quick(make())

    with pytest.raises(TypeError, match="'NoneType' object is not callable"):
        Forward(copy.deepcopy(model)).scoring(lanes_of(model), torch.randn(ROWS, *SHAPE))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_lane_drops_what_it_would_alone_however_many_rows_it_is_given(batch_norm: bool) -> None:
    torch.manual_seed(0)
    rates = [0.5, 0.2, 0.0]
    models = [quick(MLP(32, 3, hidden=[16, 8], dropout=0.5, batch_norm=batch_norm)) for _ in rates]
    for model, rate in zip(models, rates, strict=True):
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.__class__, module.p = dropout.Dropout, rate
    named = [dict([*model.named_parameters(), *model.named_buffers()]) for model in models]
    tensors = {name: torch.stack([each[name].detach() for each in named]) for name in named[0]}
    together = Forward(copy.deepcopy(models[0]))
    chance = noise.Chance([Generator().manual_seed(seed) for seed in range(LANES)])

    batches = [torch.randn(LANES, rows, *SHAPE) for rows in (ROWS, ROWS - 1)]
    found = [
        together.training(tensors, batch, chance, noise.Rates.of([noise.rates(m) for m in models])) for batch in batches
    ]

    for lane, model in enumerate(models):
        torch.manual_seed(lane)
        for outputs, batch in zip(found, batches, strict=True):
            torch.testing.assert_close(outputs[lane], model(batch[lane]))
