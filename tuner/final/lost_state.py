"""State that a loaded model lacks of the saved one, named by attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tuner.torch_internals import buffers_in, parameters_in, volatile_buffers

MACHINERY = frozenset(vars(nn.Module())) | {"forward"}
"""Attributes of every module: parameters, buffers, layers, hooks, mode."""


def differences(saved: nn.Module, loaded: nn.Module) -> Iterator[str]:
    """Yield each difference between two models of one class: `scale (a tensor that is no buffer)`."""
    return _differences(saved, loaded, set())


def _differences(saved: nn.Module, loaded: nn.Module, seen: set[int]) -> Iterator[str]:
    """Yield the differences of modules that are not in `seen`: a layer may have its parent in a list."""
    others = dict(loaded.named_modules())
    for name, module in saved.named_modules():
        if id(module) in seen:
            continue
        seen.add(id(module))
        if name in others:
            yield from (f"{_join(name, key)} ({kind})" for key, kind in _of_module(module, others[name], seen))
        else:
            yield f"{name or 'the model'} (a layer)"


def _of_module(saved: nn.Module, loaded: nn.Module, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Yield (attribute, kind) for each difference in one module, without its layers."""
    volatile = volatile_buffers(saved)
    for held, kind in ((parameters_in, "a parameter"), (buffers_in, "a buffer")):
        known = held(loaded)
        for key, tensor in held(saved).items():
            if not _is_same(tensor, known.get(key), seen):
                yield key, "a buffer with persistent=False" if key in volatile else f"{kind} that does not load again"
    there = vars(loaded)
    for key, value in vars(saved).items():
        if key not in MACHINERY and not _is_same(value, there.get(key), seen):
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


def _is_same(one: Any, other: Any, seen: set[int]) -> bool:
    """Return whether two values are equal; incomparable values, such as generators, count as equal."""
    if isinstance(one, nn.Module | dict | list | tuple):
        if id(one) in seen:
            return True
        return _is_same_whole(one, other, seen)
    match one:
        case Tensor():
            return isinstance(other, Tensor) and _is_same_tensor(one.detach(), other.detach())
        case np.ndarray():
            return isinstance(other, np.ndarray) and np.array_equal(one, other)
        case bool() | int() | float() | complex() | str() | bytes() | None:
            return bool(one == other) or (one != one and other != other)
        case set() | frozenset():
            return bool(one == other)
    return True


def _is_same_whole(one: Any, other: Any, seen: set[int]) -> bool:
    """Return whether two containers are equal; each container is compared once."""
    if isinstance(one, nn.Module):
        return isinstance(other, nn.Module) and next(_differences(one, other, seen), None) is None
    seen.add(id(one))
    if not isinstance(other, type(one)) or len(one) != len(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(value, other[key], seen) for key, value in one.items())
    return all(_is_same(a, b, seen) for a, b in zip(one, other, strict=True))


def _is_same_tensor(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    dense = [tensor.cpu().dequantize() if tensor.is_quantized else tensor.cpu().to_dense() for tensor in (one, other)]
    if not (one.is_floating_point() or one.is_complex()):
        return torch.equal(*dense)
    first, second = (tensor.to(torch.complex128) for tensor in dense)
    return torch.equal(first.nan_to_num(), second.nan_to_num())


def _join(module: str, attribute: str) -> str:
    return f"{module}.{attribute}" if module else attribute
