"""One step of the optimizers of torch.optim for many models at once, each with its own numbers.

Values are (K, P): a row has all parameters of one model. Numbers are (K, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from tuner.training import optimizers
from tuner.training.optimizers import Group

Numbers: TypeAlias = Mapping[str, Tensor]
"""float64 (K, 1) by name: the settings of each model's optimizer, and `step`, counted from 1."""

OPTIONAL = frozenset({"weight_decay", "momentum"})
"""Numbers that are missing if all are 0. Checking a tensor for that would make a GPU wait."""

State: TypeAlias = dict[str, Tensor]
"""float32 (K, P) by the name that torch has for it; zeros before the first step."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One class of torch.optim.

    `numbers` reads the settings that may differ between models, `flags` those that must not. `keeps` names the state of
    an optimizer with these settings. `step` changes values and state in place, and also gradients, which are not read
    afterwards.
    """

    numbers: Callable[[Group], dict[str, float]]
    flags: Sequence[str]
    keeps: Callable[[Group], list[str]]
    step: Callable[[Tensor, Tensor, State, Numbers, Group], None]


def numbers_of(rule: Rule, groups: Sequence[Group], device: torch.device) -> dict[str, Tensor]:
    """Return the numbers of several optimizers, by name."""
    read = [rule.numbers(group) for group in groups]
    table = torch.tensor([list(each.values()) for each in read], dtype=torch.float64, device=device)
    there = [name not in OPTIONAL or any(each[name] for each in read) for name in read[0]]
    return {name: table[:, i : i + 1] for i, name in enumerate(read[0]) if there[i]}


def _scaled(number: Tensor, like: Tensor) -> Tensor:
    """Return a coefficient in the type of what it multiplies, as exact as torch's."""
    return number.to(like.dtype)


def _common(gradients: Tensor, values: Tensor, numbers: Numbers, group: Group, decays: bool = True) -> Tensor:
    """Return the gradients to descend, with weight decay in them."""
    gradients = gradients.neg_() if group["maximize"] else gradients
    if not decays or "weight_decay" not in numbers:
        return gradients
    return gradients.addcmul_(values, _scaled(numbers["weight_decay"], values))


def _sgd(values: Tensor, gradients: Tensor, state: State, numbers: Numbers, group: Group) -> None:
    gradients = _common(gradients, values, numbers, group)
    if "momentum" in numbers:
        momentum, damped = numbers["momentum"], numbers["dampening"]
        first_or_plain = (numbers["step"] == 1) | (momentum == 0)  # torch damps neither
        share = _scaled(torch.where(first_or_plain, 1.0, 1 - damped), values)
        buffer = state["momentum_buffer"].mul_(_scaled(momentum, values)).addcmul_(gradients, share)
        gradients = gradients.addcmul_(buffer, _scaled(momentum, values)) if group["nesterov"] else buffer
    values.addcmul_(gradients, _scaled(-numbers["lr"], values))


def _adam(values: Tensor, gradients: Tensor, state: State, numbers: Numbers, group: Group) -> None:
    decoupled = group["decoupled_weight_decay"]
    gradients = _common(gradients, values, numbers, group, decays=not decoupled)
    if decoupled and "weight_decay" in numbers:
        values.mul_(_scaled(1 - numbers["lr"] * numbers["weight_decay"], values))
    beta1, beta2, step = numbers["beta1"], numbers["beta2"], numbers["step"]
    mean = state["exp_avg"].lerp_(gradients, _scaled(1 - beta1, values))
    squares = state["exp_avg_sq"].mul_(_scaled(beta2, values))
    squares.addcmul_(gradients * _scaled(1 - beta2, values), gradients)
    if group["amsgrad"]:
        squares = torch.maximum(state["max_exp_avg_sq"], squares, out=state["max_exp_avg_sq"])
    spread = squares.sqrt().mul_(_scaled((1 - beta2**step).rsqrt(), values)).add_(_scaled(numbers["eps"], values))
    values.sub_(mean.div(spread).mul_(_scaled(numbers["lr"] / (1 - beta1**step), values)))


def _rmsprop(values: Tensor, gradients: Tensor, state: State, numbers: Numbers, group: Group) -> None:
    gradients = _common(gradients, values, numbers, group)
    alpha = numbers["alpha"]
    squares = state["square_avg"].mul_(_scaled(alpha, values))
    squares.addcmul_(gradients * _scaled(1 - alpha, values), gradients)
    if group["centered"]:
        mean = state["grad_avg"].lerp_(gradients, _scaled(1 - alpha, values))
        squares = squares.addcmul(mean, mean, value=-1)
    move = gradients / squares.sqrt().add_(_scaled(numbers["eps"], values))
    if "momentum" in numbers:
        move = state["momentum_buffer"].mul_(_scaled(numbers["momentum"], values)).add_(move)
    values.addcmul_(move, _scaled(-numbers["lr"], values))


def _adam_numbers(group: Group) -> dict[str, float]:
    beta1, beta2 = map(float, group["betas"])
    return {"beta1": beta1, "beta2": beta2, **_named(group, "lr", "eps", "weight_decay")}


def _named(group: Group, *names: str) -> dict[str, float]:
    return {name: float(group[name]) for name in names}


_ADAM = Rule(_adam_numbers, ("amsgrad", "maximize", "decoupled_weight_decay"), optimizers.adam_state, _adam)

RULES: Mapping[type[torch.optim.Optimizer], Rule] = {
    torch.optim.SGD: Rule(
        lambda group: _named(group, "lr", "momentum", "dampening", "weight_decay"),
        ("nesterov", "maximize"),
        optimizers.sgd_state,
        _sgd,
    ),
    torch.optim.Adam: _ADAM,
    torch.optim.AdamW: _ADAM,
    torch.optim.RMSprop: Rule(
        lambda group: _named(group, "lr", "alpha", "eps", "weight_decay", "momentum"),
        ("centered", "maximize"),
        optimizers.rmsprop_state,
        _rmsprop,
    ),
}
"""The rules by class. A new one is a new step and a line here."""
