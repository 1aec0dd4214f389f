from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.func import vmap

from tests.support.graphs import turned
from tuner.training import dropout
from tuner.training.dropout import Dropout
from tuner.training.training_run import QUICK


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("size", [(4000, 25), (3333, 31)])
def test_of_the_numbers_a_share_is_dropped_and_the_mean_is_kept(rate: float, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    outputs = Dropout(rate)(torch.ones(size))

    off = 4 * (rate * (1 - rate) / outputs.numel()) ** 0.5  # a chance in some ten thousands
    assert float((outputs == 0).float().mean()) == pytest.approx(rate, abs=off)
    assert float(outputs.mean()) == pytest.approx(1, abs=off / (1 - rate))
    assert len(outputs.unique()) == 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_numbers_keep_their_type_as_in_torch(dtype: torch.dtype) -> None:
    outputs = Dropout(0.3)(torch.ones(1000, dtype=dtype))

    assert outputs.dtype is dtype
    torchs = nn.Dropout(0.3)(torch.ones(1000, dtype=dtype))
    assert float(outputs.max()) == pytest.approx(float(torchs.max()), rel=1 / dropout.LEVELS)


def test_gradients_are_dropped_where_numbers_are() -> None:
    inputs = torch.ones(1000, requires_grad=True)
    outputs = Dropout(0.5)(inputs)

    (gradient,) = torch.autograd.grad(outputs.sum(), inputs)

    assert torch.equal(gradient, outputs.detach())


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_where_nothing_is_left_to_chance_nothing_is_drawn(rate: float) -> None:
    before = torch.get_rng_state()

    outputs = Dropout(rate)(torch.ones(10))

    assert torch.equal(outputs, torch.full((10,), 1 - rate))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_that_is_scored_drops_nothing() -> None:
    inputs = torch.randn(10)

    assert torch.equal(Dropout(0.5).eval()(inputs), inputs)


def test_in_place_it_drops_what_it_is_given_though_nobody_reads_the_result() -> None:
    for shape in [(4000,), (8, 3, 5, 5), ()]:
        torch.manual_seed(0)
        inputs = torch.ones(shape)
        outputs = Dropout(0.5, inplace=True)(inputs)
        torch.manual_seed(0)

        assert outputs.data_ptr() == inputs.data_ptr()
        assert torch.equal(inputs, Dropout(0.5)(torch.ones(shape)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0])
def test_in_place_it_writes_as_torch_does(rate: float, dtype: torch.dtype) -> None:
    ours, theirs = torch.ones(1000, dtype=dtype), torch.ones(1000, dtype=dtype)

    Dropout(rate, inplace=True)(ours)
    nn.Dropout(rate, inplace=True)(theirs)

    assert ours.dtype is dtype
    assert set(ours.tolist()) == set(theirs.tolist())


def test_in_place_gradients_are_as_torchs_and_a_leaf_is_refused_as_torch_refuses_it() -> None:
    leaf = torch.ones(1000, requires_grad=True)
    outputs = Dropout(0.5, inplace=True)(leaf * 1)

    (gradient,) = torch.autograd.grad(outputs.sum(), leaf)

    assert torch.equal(gradient, outputs.detach())
    for layer in (Dropout(0.5, inplace=True), nn.Dropout(0.5, inplace=True)):
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
            layer(leaf)


@pytest.mark.parametrize("randomness", ["different", "same"])
def test_under_vmap_it_drops_as_torch_does(randomness: str) -> None:
    found = []
    for layer in (Dropout(0.5), nn.Dropout(0.5)):
        torch.manual_seed(0)
        found.append(vmap(layer, randomness=randomness)(torch.ones(4, 1000)))

    assert torch.equal(*found)
    assert torch.equal(found[0][0], found[0][1]) is (randomness == "same")


def test_vmap_without_randomness_refuses_it_as_torchs() -> None:
    for layer in (Dropout(0.5), nn.Dropout(0.5)):
        with pytest.raises(RuntimeError, match="randomness"):
            vmap(layer)(torch.ones(4, 10))


def test_compiled_as_a_full_graph_it_is_torchs() -> None:
    found = []
    for layer in (Dropout(0.5), nn.Dropout(0.5)):
        compiled = torch.compile(layer, fullgraph=True, backend="eager", dynamic=True)
        torch.manual_seed(0)
        found.append(torch.cat([compiled(torch.ones(rows, 30)) for rows in (7, 9)]))

    assert torch.equal(*found)


def test_an_exported_one_takes_batches_of_any_size() -> None:
    dynamic = {0: torch.export.Dim("rows", min=2)}
    found = []
    for layer in (Dropout(0.5), nn.Dropout(0.5)):
        program = torch.export.export(nn.Sequential(layer), (torch.ones(4, 30),), dynamic_shapes=(dynamic,))
        torch.manual_seed(0)
        found.append(program.module()(torch.ones(11, 30)))

    assert torch.equal(*found)
    assert float((found[0] == 0).float().mean()) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("way", ["script", "trace", "fx"])
def test_turned_into_a_graph_it_is_torchs_for_batches_of_any_size(way: str) -> None:
    found = []
    for layer in (Dropout(0.5), nn.Dropout(0.5)):
        graph = turned(nn.Sequential(layer), torch.ones(4, 30), way)
        torch.manual_seed(0)
        found.append(graph(torch.ones(200, 30)))

    zeros = [float((outputs == 0).float().mean()) for outputs in found]
    assert zeros == [pytest.approx(0.5, abs=0.05)] * 2
    assert found[0].unique().tolist() == found[1].unique().tolist() == [0, 2]


@pytest.mark.parametrize("way", ["script", "fx"])
def test_a_graph_of_it_follows_a_later_change_of_mode_as_torchs_does(way: str) -> None:
    for layer in (Dropout(0.5), nn.Dropout(0.5)):
        graph = turned(nn.Sequential(layer), torch.ones(4, 30), way)

        assert torch.equal(graph.eval()(torch.ones(50)), torch.ones(50))
        assert not torch.equal(graph.train()(torch.ones(50)), torch.ones(50))


def test_what_torch_refuses_it_refuses() -> None:
    sparse, numbers = torch.eye(3).to_sparse(), torch.ones(4)
    for layer in (Dropout(0.5), nn.Dropout(0.5)):
        for inputs in (numbers.to(torch.int64), numbers.to(torch.complex64), sparse):
            with pytest.raises((RuntimeError, NotImplementedError)):
                layer(inputs)


def test_tensors_of_unlike_lengths_are_left_to_torch() -> None:
    several = torch.nested.nested_tensor([torch.ones(30, 4), torch.ones(50, 4)])

    shorter, longer = Dropout(0.5)(several).unbind()

    assert (shorter.shape, longer.shape) == ((30, 4), (50, 4))
    assert set(longer.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.Linear(3, 2)])
@pytest.mark.parametrize("given", [None, [1.0, 2.0, 3.0], np.ones(3)])
def test_what_is_no_tensor_is_refused_as_torch_refuses_it(layer: nn.Module, given: object) -> None:
    quick = copy.deepcopy(layer)
    quick.__class__ = QUICK[type(layer)]

    with pytest.raises(TypeError) as torchs:
        layer(given)
    with pytest.raises(TypeError) as ours:
        quick(given)

    assert str(ours.value) == str(torchs.value)


def test_tensors_that_only_stand_for_numbers_are_left_to_torch() -> None:
    with FakeTensorMode():
        assert Dropout(0.5)(torch.ones(4)).shape == (4,)
