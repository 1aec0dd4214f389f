"""What a model that was loaded lacks of the one that was saved: by the names of attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MACHINERY = frozenset(vars(nn.Module())) | {"forward"}
"""The attributes that every module has: parameters, buffers, layers, hooks, its mode."""

DEEPEST = 6
"""Lists and mappings are looked into so far."""


def differences(saved: nn.Module, loaded: nn.Module) -> Iterator[str]:
    """Yield what differs between two models of one kind, with what it is: `scale (a tensor that is no buffer)`."""
    others = dict(loaded.named_modules())
    for name, module in saved.named_modules():
        if name not in others:
            yield f"{name or 'the model'} (a layer)"
            continue
        yield from (f"{_join(name, key)} ({kind})" for key, kind in _of_module(module, others[name]))


def _of_module(saved: nn.Module, loaded: nn.Module) -> Iterator[tuple[str, str]]:
    """(attribute, kind) of what differs in one module, its layers apart."""
    volatile = saved._non_persistent_buffers_set
    for held, kind in (("_parameters", "a parameter"), ("_buffers", "a buffer")):
        there = vars(loaded)[held]
        for key, tensor in vars(saved)[held].items():
            if not _is_same(tensor, there.get(key), DEEPEST):
                yield key, "a buffer with persistent=False" if key in volatile else f"{kind} that does not load again"
    there = vars(loaded)
    for key, value in vars(saved).items():
        if key not in MACHINERY and not _is_same(value, there.get(key), DEEPEST):
            yield key, _kind(value)


def _kind(value: Any) -> str:
    match value:
        case Tensor():
            return "a tensor that is no buffer"
        case nn.Module():
            return "a layer outside the model's layers"
        case list() | tuple() | dict() if any(isinstance(each, nn.Module) for each in _each(value)):
            return f"layers in a plain {type(value).__name__}"
        case list() | tuple() | dict() if any(isinstance(each, Tensor) for each in _each(value)):
            return f"tensors in a plain {type(value).__name__}"
        case _:
            return f"an attribute, {type(value).__name__}"


def _each(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _is_same(one: Any, other: Any, deep: int) -> bool:
    """Whether two values are; of what cannot be compared, such as a generator, it is taken to be so."""
    match one:
        case Tensor():
            return isinstance(other, Tensor) and _is_same_tensor(one.detach(), other.detach())
        case nn.Module():
            return isinstance(other, nn.Module) and next(differences(one, other), None) is None
        case np.ndarray():
            return isinstance(other, np.ndarray) and np.array_equal(one, other)
        case dict():
            return isinstance(other, dict) and (deep == 0 or _is_same_mapping(one, other, deep - 1))
        case list() | tuple():
            if not isinstance(other, list | tuple) or len(one) != len(other):
                return False
            return deep == 0 or all(_is_same(a, b, deep - 1) for a, b in zip(one, other, strict=True))
        case bool() | int() | float() | complex() | str() | bytes() | None:
            return bool(one == other) or (one != one and other != other)
        case set() | frozenset():
            return bool(one == other)
    return True


def _is_same_tensor(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    dense = [tensor.cpu().dequantize() if tensor.is_quantized else tensor.cpu().to_dense() for tensor in (one, other)]
    if not (one.is_floating_point() or one.is_complex()):
        return torch.equal(*dense)
    first, second = (tensor.to(torch.complex128) for tensor in dense)
    return torch.equal(first.nan_to_num(), second.nan_to_num())


def _is_same_mapping(one: Mapping[Any, Any], other: Mapping[Any, Any], deep: int) -> bool:
    return one.keys() == other.keys() and all(_is_same(value, other[key], deep) for key, value in one.items())


def _join(module: str, attribute: str) -> str:
    return f"{module}.{attribute}" if module else attribute
