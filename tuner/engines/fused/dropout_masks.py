"""Dropout of several models that train as one program, each with its own rate and random stream."""

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
"""Number of draws of 64 bits, each for four elements, that are made ahead for a lane."""


@dataclass(frozen=True, slots=True)
class Call:
    """A dropout call of a pass: its number in the model, and the shape of one lane's inputs."""

    dropout: int
    shape: torch.Size


class Noise:
    """The noise of all dropouts of one pass, in the order of the calls."""

    def __init__(self) -> None:
        self._recorded: list[Call] | None = None
        self.give([])

    @contextlib.contextmanager
    def recording(self) -> Iterator[list[Call]]:
        """Record the calls of a pass, which drops nothing."""
        self._recorded = []
        try:
            yield self._recorded
        finally:
            self._recorded = None

    def give(self, noise: list[Tensor]) -> None:
        """Set the noise of the next pass's calls, in order; `give([])` after the pass frees it."""
        self._given: Iterator[Tensor] = iter(noise)

    def applied(self, number: int, inputs: Tensor, inplace: bool) -> Tensor:
        """Return inputs after dropout `number`; lanes side by side in the channels have a dimension less."""
        if self._recorded is None:
            noise = next(self._given)
            return dropout.times(inputs, noise if noise.dim() == inputs.dim() else side_by_side(noise), inplace)
        self._recorded.append(Call(number, inputs.shape))
        return inputs


class Dropout(dropout.Dropout):
    """A dropout of a model that lanes share: its noise comes from outside. `number` is its place."""

    noise: Noise
    number: int

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name, by which it may be given
        """Map (N, ...), (K, N, ...) or (N, K C, ...) to the same shape."""
        return self.noise.applied(self.number, input, self.inplace) if self.training else input


def take_over(model: nn.Module) -> Noise:
    """Make the noise of every dropout of a model come from outside.

    A dropout of user code keeps its class, which that code may check. Only its own `forward` is replaced.
    """
    noise = Noise()
    for number, module in enumerate(_dropouts(model)):
        if isinstance(module, dropout.Dropout):
            module.__class__ = Dropout
            module.noise, module.number = noise, number  # type: ignore[assignment]  # it is one of ours now
        else:
            # one instance gets its own forward
            module.forward = functools.partial(_applied, module, noise, number)  # type: ignore[method-assign]
    return noise


def is_taken_over(module: nn.Module) -> bool:
    """Return whether `take_over` replaced the `forward` of a dropout of user code."""
    return getattr(vars(module).get("forward"), "func", None) is _applied


def _applied(module: nn.Dropout, noise: Noise, number: int, input: Tensor) -> Tensor:  # noqa: A002
    return noise.applied(number, input, module.inplace) if module.training else input


def rates(model: nn.Module) -> list[float]:
    """Return the rate of each dropout, in the order of `take_over`."""
    return [module.p for module in _dropouts(model)]


def draws_as_torch(model: nn.Module) -> bool:
    """Return whether a model's dropouts draw as torch does alone, as those of user code do."""
    return any(type(module) is nn.Dropout for module in _dropouts(model))


def is_dropout(module: nn.Module) -> bool:
    """Return whether lanes have their own rate for a module: built-in dropouts, and torch's with its own `forward`."""
    return isinstance(module, dropout.Dropout) or (type(module) is nn.Dropout and "forward" not in vars(module))


def _dropouts(model: nn.Module) -> list[nn.Dropout]:
    return [module for module in model.modules() if isinstance(module, nn.Dropout) and is_dropout(module)]


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of several lanes, and what follows from them.

    `values` are each lane's rates by the number of the dropout. `bounds` and `scales` are (D, K, 1), the scales on the
    device. `draws` says for each dropout which lanes draw. `by_torch` is whether torch draws.
    """

    values: Sequence[Sequence[float]]
    bounds: Tensor
    scales: Tensor
    draws: Sequence[Sequence[bool]]
    by_torch: bool

    @classmethod
    def of(cls, values: Sequence[Sequence[float]], device: torch.device, as_torch: bool = False) -> Rates:
        """Return the rates of K lanes with D dropouts each; a CPU draws them cheaply unless `as_torch`."""
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
    """A random stream for each of several lanes.

    On a CPU a lane gets the draws that it would make alone. They are made many at a time: a call of torch per dropout
    and lane takes longer than the draws.

    Args:
        generators: of each lane, used by this alone.
    """

    def __init__(self, generators: Sequence[Generator]) -> None:
        self._generators = generators
        self._drawn = torch.empty(len(generators), 0, dtype=torch.int64)
        self._next = [0] * len(generators)

    def noise(self, calls: Sequence[Call], rates: Rates) -> list[Tensor]:
        """Return the factors of each call of a pass, float32 (K, ...): 0 for dropped elements, else the scale."""
        of_call = self._by_torch if rates.by_torch else self._like_alone
        return [of_call(call, rates) for call in calls]

    def _like_alone(self, call: Call, rates: Rates) -> Tensor:
        elements, number = call.shape.numel(), call.dropout
        draws = self._taken((elements + 3) // 4, rates.draws[number]).view(torch.int16)
        noise = dropout.kept(draws, rates.bounds[number]).mul_(rates.scales[number])
        return noise[:, :elements].view(-1, *call.shape)

    def _taken(self, count: int, draws: Sequence[bool]) -> Tensor:
        """Return int64 (K, count): the next draws of drawing lanes, and anything for the others."""
        if max(self._next) + count > self._drawn.shape[1]:
            self._draw_ahead(max(count, AHEAD))
        first, places = self._next[0], self._next
        self._next = [place + count * drawn for place, drawn in zip(places, draws, strict=True)]
        if all(place == first for place in places):
            return self._drawn[:, first : first + count]
        return self._drawn.gather(1, torch.tensor(places)[:, None] + torch.arange(count))

    def _draw_ahead(self, more: int) -> None:
        """Refill the buffer so that every lane has at least `more` unused draws."""
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
