"""Dropout of several models that train as one program, each with a rate and a stream of chance of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from tuner import dropout


@dataclass(frozen=True, slots=True)
class Call:
    """A dropout that a pass calls: its number among the model's, and the shape of what it is given."""

    dropout: int
    shape: torch.Size


class Noise:
    """The noise of all dropouts of one pass, in the order in which they are called."""

    def __init__(self) -> None:
        self._recorded: list[Call] | None = None
        self._given: Iterator[Tensor] = iter(())

    @contextlib.contextmanager
    def recording(self) -> Iterator[list[Call]]:
        """Take down the calls of a pass of one model, which drops nothing."""
        self._recorded = []
        try:
            yield self._recorded
        finally:
            self._recorded = None

    def give(self, noise: Sequence[Tensor]) -> None:
        """What the calls of the next pass multiply by, in their order."""
        self._given = iter(noise)

    def applied(self, number: int, inputs: Tensor) -> Tensor:
        """Inputs of one model after its dropout of that number."""
        if self._recorded is None:
            return inputs * next(self._given)
        self._recorded.append(Call(number, inputs.shape))
        return inputs


class Dropout(nn.Module):
    """Stands where a dropout stood.

    Args:
        noise: of the model.
        number: this one's among the model's dropouts.
    """

    def __init__(self, noise: Noise, number: int) -> None:
        super().__init__()
        self._noise = noise
        self._number = number

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, ...) -> (N, ...)."""
        return self._noise.applied(self._number, inputs) if self.training else inputs


def take_over(model: nn.Module) -> Noise:
    """Put a `Dropout` in the place of every dropout of a model."""
    noise = Noise()
    places = [name for name, module in model.named_modules() if isinstance(module, dropout.Dropout)]
    for number, name in enumerate(places):
        model.set_submodule(name, Dropout(noise, number))
    return noise


def rates(model: nn.Module) -> list[float]:
    """The rate of each dropout, in the order of `take_over`."""
    return [module.p for module in model.modules() if isinstance(module, dropout.Dropout)]


def drawn(calls: Sequence[Call], rates: Sequence[Sequence[float]], chance: Sequence[Generator]) -> list[Tensor]:
    """What each call multiplies by, float32 (K, ...): 0 where it drops, what makes up for it elsewhere.

    Args:
        calls: of one pass.
        rates: of each of K lanes, by the number of the dropout.
        chance: of each lane; on a CPU it draws what the lane would draw alone.
    """
    draw = _like_alone if chance[0].device.type == "cpu" else _by_torch
    return [draw(call, [lane[call.dropout] for lane in rates], chance) for call in calls]


def _like_alone(call: Call, rates: Sequence[float], chance: Sequence[Generator]) -> Tensor:
    elements = call.shape.numel()
    draws = torch.zeros((len(rates), (elements + 3) // 4), dtype=torch.int64)
    for lane, rate, generator in zip(draws, rates, chance, strict=True):
        if dropout.is_random(rate):
            dropout.draw(lane, generator)
    bounds = torch.tensor([dropout.bound(rate) for rate in rates], dtype=torch.int16)
    scales = torch.tensor([dropout.scale(rate) for rate in rates])
    noise = dropout.kept(draws.view(torch.int16), bounds[:, None]).mul_(scales[:, None])
    return noise[:, :elements].view(len(rates), *call.shape)


def _by_torch(call: Call, rates: Sequence[float], chance: Sequence[Generator]) -> Tensor:
    noise = torch.empty((len(rates), *call.shape), device=chance[0].device)
    for lane, rate, generator in zip(noise, rates, chance, strict=True):
        lane.bernoulli_(1.0 - rate, generator=generator).div_(max(1.0 - rate, 1e-12))
    return noise
