"""The state of a model: parameters, buffers and extra state by name, copied, written and read without a pickle.

Tensors of the usual types are in `model.safetensors`. The rest is in `extra_state.pt`, read with `weights_only=True`:
values of `get_extra_state`, and complex, quantised and sparse tensors.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tuner.errors import TunerError

FILE = "model.safetensors"
EXTRA = "extra_state.pt"

Weights: TypeAlias = dict[str, Any]
"""By the names of `state_dict`: tensors, and the values of `get_extra_state`."""

STORED = frozenset(
    {
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8),
    }
)
"""The types of numbers that safetensors holds in each of its versions."""


def copied(model: nn.Module) -> Weights:
    """Return a copy of a model's state, on the CPU.

    Raises:
        TunerError: an extra state is of objects that only a pickle brings back.
        Exception: whatever a `state_dict` of user code raises.
    """
    return {name: _copy(name, value) for name, value in model.state_dict().items()}


def write(model: nn.Module, folder: Path) -> None:
    """Write a model's state into a run folder; tensors that are one, such as tied weights, are written once.

    Raises:
        TunerError: an extra state is of objects that only a pickle brings back.
    """
    state = model.state_dict()
    names: dict[tuple[Any, ...], str] = {}
    aliases = {"format": "pt"}
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        if not _is_stored(value):
            continue
        first = names.setdefault(_place(value), name)
        if first == name:
            tensors[name] = value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        else:
            aliases[name] = first
    file = folder / FILE
    file.touch()
    mode = file.stat().st_mode
    save_file(tensors, file, metadata=aliases)
    file.chmod(mode)  # safetensors makes a file that its owner alone may read
    extra = {name: _copy(name, value) for name, value in state.items() if not _is_stored(value)}
    if extra:
        (folder / EXTRA).write_bytes(saved(extra))


def read(model: nn.Module, folder: Path) -> None:
    """Put the state that `write` wrote into a model of the same kind.

    Raises:
        OSError: a file is not there.
        Exception: whatever `load_state_dict` raises for a state that is not the model's.
    """
    with safe_open(folder / FILE, framework="pt") as opened:
        state: Weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        metadata: Mapping[str, str] = opened.metadata() or {}
    state |= {name: state[first] for name, first in metadata.items() if first in state}
    if (folder / EXTRA).exists():
        state |= torch.load(folder / EXTRA, map_location="cpu", weights_only=True)
    model.load_state_dict(state)


def saved(parts: Mapping[str, Any]) -> bytes:
    """Return what `torch.load` reads back with `weights_only=True`."""
    buffer = io.BytesIO()
    torch.save(dict(parts), buffer)
    return buffer.getvalue()


def _copy(name: str, value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    try:
        return torch.load(io.BytesIO(saved({name: value})), weights_only=True)[name]
    except Exception as error:  # pickle raises many things for what it cannot take apart
        raise TunerError(
            f"the model's state has {name}, a {type(value).__name__} that only a pickle brings back. "
            f"Return numbers, text, tensors, and lists or dicts of them ({_first_line(error)})"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _is_stored(value: Any) -> bool:
    """Return whether safetensors can hold a value."""
    if type(value) not in (Tensor, nn.Parameter) or value.is_quantized:
        return False
    return value.layout is torch.strided and value.dtype in STORED


def _place(tensor: Tensor) -> tuple[Any, ...]:
    """Return a key that is equal for tensors of the same numbers in the same memory; unique for empty ones."""
    if not tensor.numel():
        return (id(tensor),)
    shape, strides = tuple(tensor.shape), tensor.stride()
    return tensor.device, tensor.data_ptr(), tensor.dtype, shape, strides
