"""Dropout of several models that train as one program, each with a rate and a stream of chance of its own."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from tuner.engines.fused.layout import side_by_side
from tuner.training import dropout

AHEAD = 2**13
"""How many draws of 64 bits, each for four elements, are made ahead for a lane."""


@dataclass(frozen=True, slots=True)
class Call:
    """A dropout that a pass calls: its number among the model's, and the shape of what a lane gives it."""

    dropout: int
    shape: torch.Size


class Noise:
    """The noise of all dropouts of one pass, in the order in which they are called."""

    def __init__(self) -> None:
        self._recorded: list[Call] | None = None
        self.give([])

    @contextlib.contextmanager
    def recording(self) -> Iterator[list[Call]]:
        """Take down the calls of a pass, which drops nothing."""
        self._recorded = []
        try:
            yield self._recorded
        finally:
            self._recorded = None

    def give(self, noise: list[Tensor]) -> None:
        """Set what the calls of the next pass multiply by, in their order; nothing after it, as nothing is to stay."""
        self._given: Iterator[Tensor] = iter(noise)

    def applied(self, number: int, inputs: Tensor, inplace: bool) -> Tensor:
        """Inputs after the dropout of that number; lanes side by side in the channels have a dimension less."""
        if self._recorded is None:
            noise = next(self._given)
            return dropout.times(inputs, noise if noise.dim() == inputs.dim() else side_by_side(noise), inplace)
        self._recorded.append(Call(number, inputs.shape))
        return inputs


class Dropout(dropout.Dropout):
    """What a dropout of a model becomes that lanes share: its noise comes from outside. `number` is its place."""

    noise: Noise
    number: int

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name, by which it may be given
        """(N, ...) -> (N, ...), (K, N, ...) -> (K, N, ...), or (N, K C, ...) -> (N, K C, ...)."""
        return self.noise.applied(self.number, input, self.inplace) if self.training else input


def take_over(model: nn.Module) -> Noise:
    """Have the noise of every dropout of a model come from outside, wherever it stands.

    One of user code keeps its class, which that code may look at: its own `forward` alone is another.
    """
    noise = Noise()
    for number, module in enumerate(_dropouts(model)):
        if isinstance(module, dropout.Dropout):
            module.__class__ = Dropout
            module.noise, module.number = noise, number  # type: ignore[assignment]  # it is one of ours now
        else:
            module.forward = functools.partial(_applied, module, noise, number)  # type: ignore[method-assign]
    return noise


def is_taken_over(module: nn.Module) -> bool:
    """Whether the `forward` of a dropout of user code is one of `take_over`."""
    return getattr(vars(module).get("forward"), "func", None) is _applied


def _applied(module: nn.Dropout, noise: Noise, number: int, input: Tensor) -> Tensor:  # noqa: A002
    return noise.applied(number, input, module.inplace) if module.training else input


def rates(model: nn.Module) -> list[float]:
    """The rate of each dropout, in the order of `take_over`."""
    return [module.p for module in _dropouts(model)]


def draws_as_torch(model: nn.Module) -> bool:
    """Whether the dropouts of a model draw as torch does when it trains alone, as those of user code do."""
    return any(type(module) is nn.Dropout for module in _dropouts(model))


def is_dropout(module: nn.Module) -> bool:
    """Whether lanes have a rate of their own for a module: ours, and torch's own without another `forward`."""
    return isinstance(module, dropout.Dropout) or (type(module) is nn.Dropout and "forward" not in vars(module))


def _dropouts(model: nn.Module) -> list[nn.Dropout]:
    return [module for module in model.modules() if isinstance(module, nn.Dropout) and is_dropout(module)]


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of several lanes, and what they come to.

    `values` are those of each lane by the number of the dropout; `bounds` and `scales` are (D, K, 1), the scales on
    the device; `draws` says of each dropout for which lanes anything is drawn, `by_torch` that it is drawn by torch.
    """

    values: Sequence[Sequence[float]]
    bounds: Tensor
    scales: Tensor
    draws: Sequence[Sequence[bool]]
    by_torch: bool

    @classmethod
    def of(cls, values: Sequence[Sequence[float]], device: torch.device, as_torch: bool = False) -> Rates:
        """Those of K lanes with D dropouts each; on a CPU they are drawn cheaply, or `as_torch` draws."""
        columns = list(zip(*values, strict=True))
        by_torch = as_torch or device.type != "cpu"
        scale = dropout.exact_scale if by_torch else dropout.scale
        return cls(
            values,
            torch.tensor([[[dropout.bound(rate)] for rate in column] for column in columns], dtype=torch.int16),
            torch.tensor([[[scale(rate)] for rate in column] for column in columns], device=device),
            [[dropout.is_random(rate) for rate in column] for column in columns],
            by_torch,
        )


class Chance:
    """A stream of chance for each of several lanes.

    On a CPU a lane gets what it would draw alone, from draws that are made many at a time: a call of torch for each
    dropout of each lane takes longer than what it draws.

    Args:
        generators: of each lane, used by this alone.
    """

    def __init__(self, generators: Sequence[Generator]) -> None:
        self._generators = generators
        self._drawn = torch.empty(len(generators), 0, dtype=torch.int64)
        self._next = [0] * len(generators)

    def noise(self, calls: Sequence[Call], rates: Rates) -> list[Tensor]:
        """What each call of a pass multiplies by, float32 (K, ...): 0 where it drops, elsewhere the scale."""
        of_call = self._by_torch if rates.by_torch else self._like_alone
        return [of_call(call, rates) for call in calls]

    def _like_alone(self, call: Call, rates: Rates) -> Tensor:
        elements, number = call.shape.numel(), call.dropout
        draws = self._taken((elements + 3) // 4, rates.draws[number]).view(torch.int16)
        noise = dropout.kept(draws, rates.bounds[number]).mul_(rates.scales[number])
        return noise[:, :elements].view(-1, *call.shape)

    def _taken(self, count: int, draws: Sequence[bool]) -> Tensor:
        """int64 (K, count): the next draws of those that draw, and for the others anything."""
        if max(self._next) + count > self._drawn.shape[1]:
            self._draw_ahead(max(count, AHEAD))
        first, places = self._next[0], self._next
        self._next = [place + count * drawn for place, drawn in zip(places, draws, strict=True)]
        if all(place == first for place in places):
            return self._drawn[:, first : first + count]
        return self._drawn.gather(1, torch.tensor(places)[:, None] + torch.arange(count))

    def _draw_ahead(self, more: int) -> None:
        """Have so many draws more than the lane that has most of them left."""
        left = [lane[first:] for lane, first in zip(self._drawn, self._next, strict=True)]
        self._drawn = torch.empty(len(left), max(map(len, left)) + more, dtype=torch.int64)
        for lane, kept, generator in zip(self._drawn, left, self._generators, strict=True):
            lane[: len(kept)] = kept
            dropout.draw(lane[len(kept) :], generator)
        self._next = [0] * len(left)

    def _by_torch(self, call: Call, rates: Rates) -> Tensor:
        kept = torch.empty((len(rates.values), *call.shape), dtype=torch.bool, device=rates.scales.device)
        for lane, own, generator in zip(kept, rates.values, self._generators, strict=True):
            rate = own[call.dropout]
            if dropout.is_random(rate):
                dropout.draw_kept(lane, rate, generator)
            else:
                lane.fill_(rate < 1.0)
        return (kept.flatten(1) * rates.scales[call.dropout]).view(kept.shape)
