from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from tuner.errors import TunerError
from tuner.training import weights


class Tied(nn.Module):
    """Two names of one matrix, and a buffer that is a part of another."""

    whole: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 6), nn.Linear(6, 6, bias=False)
        self.other.weight = self.one.weight
        self.register_buffer("whole", torch.randn(8))
        self.register_buffer("part", self.whole[:4])


class Mixed(nn.Module):
    """Numbers of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.short = nn.Parameter(torch.randn(3).half())
        self.complex = nn.Parameter(torch.randn(3, dtype=torch.complex64))
        self.register_buffer("exact", torch.randn(2, dtype=torch.complex128))
        self.register_buffer("eighths", torch.quantize_per_tensor(torch.randn(5), 0.1, 3, torch.qint8))
        self.register_buffer("sparse", torch.eye(3).mul(float(torch.randn(()))).to_sparse())
        self.register_buffer("small", torch.randn(4).to(torch.float8_e4m3fn))
        self.register_buffer("flags", torch.randn(4) > 0)
        self.register_buffer("none", torch.zeros(0, 3))
        self.register_buffer("turned", torch.randn(4, 5).t())


class Versioned(nn.Linear):
    """State that is no tensor, two levels deep."""

    def __init__(self) -> None:
        super().__init__(2, 2)
        self.extra: dict[str, Any] = {"names": ["a", float(torch.rand(()))], "seen": torch.randn(3)}

    def get_extra_state(self) -> Any:
        return self.extra

    def set_extra_state(self, state: Any) -> None:
        self.extra = state


class Renamed(nn.Linear):
    """Its state has names that its parameters do not have."""

    def __init__(self) -> None:
        super().__init__(3, 3)
        self._register_state_dict_hook(self._renamed)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.register_load_state_dict_pre_hook(self._named)  # type: ignore[no-untyped-call]  # torch leaves it untyped

    @staticmethod
    def _renamed(module: nn.Module, state: dict[str, Any], prefix: str, facts: Any) -> None:
        state[f"{prefix}kernel"] = state.pop(f"{prefix}weight")

    @staticmethod
    def _named(module: nn.Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        state[f"{prefix}weight"] = state.pop(f"{prefix}kernel")


def normed() -> nn.Module:
    found: nn.Module = parametrizations.weight_norm(nn.Linear(3, 3))
    return found


def hooked() -> nn.Module:
    found: nn.Module = nn.utils.weight_norm(nn.Linear(3, 3))
    return found


def constrained() -> nn.Module:
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", nn.Softplus(), unsafe=True)
    return nn.Sequential(layer, parametrizations.orthogonal(nn.Linear(3, 3)), nn.utils.spectral_norm(nn.Linear(3, 3)))


MODELS: list[Callable[[], nn.Module]] = [
    *(Tied, Mixed, Versioned, Renamed, normed, hooked, constrained),
    lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).to(memory_format=torch.channels_last),
]


def assert_same(found: Any, expected: Any) -> None:
    """The same numbers of the same type, in a list or a dict too."""
    if isinstance(expected, Tensor):
        assert (found.dtype, found.layout, found.shape) == (expected.dtype, expected.layout, expected.shape)
        dense = [tensor.to_dense() if tensor.is_sparse else tensor for tensor in (found, expected)]
        plain = [tensor.dequantize() if tensor.is_quantized else tensor for tensor in dense]
        assert torch.equal(*(tensor.float() if tensor.dtype.itemsize == 1 else tensor for tensor in plain))
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(found[key], value)
    else:
        assert found == expected


@pytest.mark.parametrize("make", MODELS)
def test_what_is_written_is_read_back(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, other = make(), make()

    weights.write(model, tmp_path)
    weights.read(other, tmp_path)

    assert_same(dict(other.state_dict()), dict(model.state_dict()))


@pytest.mark.parametrize("make", MODELS)
def test_a_copy_stays_what_it_was_when_the_model_goes_on(make: Callable[[], nn.Module]) -> None:
    model = make()
    copied = weights.copied(model)
    again = weights.copied(model)

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)

    assert_same(copied, again)


def test_tied_weights_are_stored_once_and_stay_tied(tmp_path: Path) -> None:
    model = Tied()

    weights.write(model, tmp_path)
    other = Tied()
    weights.read(other, tmp_path)

    assert len(load_file(tmp_path / "model.safetensors")) == len(model.state_dict()) - 1
    assert other.one.weight is other.other.weight


def test_the_file_is_as_readable_as_its_neighbours(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        weights.write(Versioned(), tmp_path)
        (tmp_path / "neighbour").touch()
    finally:
        os.umask(before)

    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(["model.safetensors", "extra_state.pt", "neighbour"], 0o640)


class Opaque:
    """An object that only a pickle brings back."""


@pytest.mark.parametrize("value", [Opaque(), {"at": [Opaque()]}, lambda: 1, np.zeros(3)])
def test_extra_state_that_only_a_pickle_brings_back_is_refused_by_name(value: object, tmp_path: Path) -> None:
    layer = Versioned()
    layer.set_extra_state(value)
    model = nn.Sequential(OrderedDict(head=layer))

    for keep in (weights.copied, lambda model: weights.write(model, tmp_path)):
        with pytest.raises(TunerError, match=r"the model's state has head\._extra_state, a \w+ that only a pickle"):
            keep(model)
