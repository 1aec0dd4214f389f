from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from tests.support.graphs import turned
from tuner.training import fast_linear

LANES = 3
"""How many lanes there are where there are several."""


def pair(width: int, outputs: int, bias: bool = True) -> tuple[nn.Linear, nn.Linear]:
    """Torch's layer and ours, of the same numbers."""
    torch.manual_seed(0)
    plain, quick = nn.Linear(width, outputs, bias), nn.Linear(width, outputs, bias)
    quick.load_state_dict(plain.state_dict())
    quick.__class__ = fast_linear.Linear
    return plain, quick


def pulled(layer: nn.Linear, inputs: Tensor) -> list[Tensor]:
    """What a layer gives, and the gradients of its parameters, and of its inputs where they have one."""
    outputs = layer(inputs)
    pulling = [*layer.parameters(), *([inputs] if inputs.requires_grad else [])]
    return [outputs, *torch.autograd.grad(outputs.square().sum(), pulling)]


def assert_close(found: list[Tensor], expected: list[Tensor]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("shape", "outputs"),
    [((256, 400), 93), ((256, 400), 96), ((8, 400), 93), ((4, 64, 400), 93), ((400,), 93), ((256, 9000), 1)],
)
def test_it_computes_and_learns_as_torch_does(shape: tuple[int, ...], outputs: int, is_first: bool, bias: bool) -> None:
    plain, quick = pair(shape[-1], outputs, bias)
    inputs = (torch.randn(shape) / shape[-1] ** 0.5).requires_grad_(not is_first)

    found = pulled(quick, inputs)

    assert_close(found, pulled(plain, inputs))
    assert found[0].is_contiguous()


def test_a_large_product_of_odd_width_is_computed_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the comparison above would be one of torch with itself."""
    _, quick = pair(400, 93)
    monkeypatch.setattr(nn.functional, "linear", None)

    assert quick(torch.zeros(256, 400)).shape == (256, 93)


def stacked(layer: nn.Linear) -> dict[str, Tensor]:
    """Parameters of several lanes, no two alike."""
    return {name: torch.stack([p.detach() * (i + 1) for i in range(LANES)]) for name, p in layer.named_parameters()}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("outputs", [5, 16])
@pytest.mark.parametrize("shape", [(LANES, 8, 7), (LANES, 2, 4, 7), (LANES, 7), (LANES, 1000, 50)])
def test_lanes_compute_and_learn_as_under_vmap_alone(shape: tuple[int, ...], outputs: int, bias: bool) -> None:
    layers, inputs = pair(shape[-1], outputs, bias), torch.randn(shape) / shape[1]
    weights = stacked(layers[0])

    def pulled_by(layer: nn.Linear) -> list[Tensor]:
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
        given = inputs.clone().requires_grad_()
        outputs = vmap(lambda own, rows: functional_call(layer, own, (rows,)))(leaves, given)
        return [outputs, *torch.autograd.grad(outputs.square().sum(), [given, *leaves.values()])]

    plain, quick = map(pulled_by, layers)

    assert_close(quick, plain)


def test_lanes_are_computed_without_torchs_way_through_vmap(monkeypatch: pytest.MonkeyPatch) -> None:
    _, quick = pair(7, 5)
    weights = stacked(quick)
    monkeypatch.setattr(nn.functional, "linear", None)

    outputs = vmap(lambda own, rows: functional_call(quick, own, (rows,)))(weights, torch.zeros(LANES, 8, 7))

    assert outputs.shape == (LANES, 8, 5)


def test_lanes_may_be_stacked_along_any_dimension() -> None:
    plain, quick = pair(7, 5, bias=False)
    weight, rows = torch.randn(5, LANES, 7), torch.randn(8, LANES, 7)

    found, expected = (
        vmap(lambda own, given, layer=layer: functional_call(layer, {"weight": own}, (given,)), (1, 1))(weight, rows)
        for layer in (quick, plain)
    )

    assert_close([found], [expected])


def test_lanes_give_what_can_be_viewed_in_another_shape() -> None:
    _, quick = pair(7, 5)

    found = vmap(lambda own, rows: functional_call(quick, own, (rows,)).view(2, 20))(
        stacked(quick), torch.randn(LANES, 2, 4, 7)
    )

    assert found.shape == (LANES, 2, 20)


def test_its_input_may_be_given_by_name() -> None:
    _, quick = pair(7, 5)

    assert quick(input=torch.zeros(2, 7)).shape == (2, 5)


def test_lanes_may_share_their_rows() -> None:
    plain, quick = pair(7, 5)
    rows = torch.randn(8, 7)

    found = [
        vmap(lambda own, given, layer=layer: functional_call(layer, own, (given,)), (0, None))(stacked(plain), rows)
        for layer in (quick, plain)
    ]

    assert_close([found[0]], [found[1]])


def test_lanes_of_a_model_that_uses_torch_func_itself() -> None:
    plain, quick = pair(7, 5)
    rows = torch.randn(LANES, 8, 7)

    def slopes(layer: nn.Linear) -> Tensor:
        def of_lane(own: dict[str, Tensor], given: Tensor) -> Tensor:
            slope: Tensor = grad(lambda inputs: functional_call(layer, own, (inputs,)).square().sum())(given)
            return slope

        found: Tensor = vmap(of_lane)(stacked(plain), rows)
        return found

    assert_close([slopes(quick)], [slopes(plain)])


def test_it_follows_the_precision_of_its_context() -> None:
    plain, quick = pair(400, 93)
    rows = torch.randn(256, 400)

    with torch.autocast("cpu", torch.bfloat16):
        found, expected = quick(rows), plain(rows)
        lanes = vmap(lambda own: functional_call(quick, own, (rows,)))(stacked(plain))

    assert found.dtype is lanes.dtype is torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.05)
    torch.testing.assert_close(lanes[0], expected, rtol=0.02, atol=0.05)


WIDE = (400, 93)
"""The shape of a layer whose product of 256 rows is computed as its transpose."""

ROWS = 256


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", ["coo", "csr", "csc", "bsr"])
def test_sparse_inputs_are_computed_or_refused_as_torch_does(layout: str, bias: bool) -> None:
    dense = torch.eye(ROWS, WIDE[0]) * 2
    layouts = {"coo": torch.sparse_coo, "csr": torch.sparse_csr, "csc": torch.sparse_csc, "bsr": torch.sparse_bsr}
    inputs = dense.to_sparse(layout=layouts[layout], blocksize=(4, 4) if layout == "bsr" else None)
    plain, quick = pair(*WIDE, bias)

    found, expected = (outcome(layer, inputs) for layer in (quick, plain))

    # both are tensors here
    assert found == expected if isinstance(expected, str) else torch.equal(found, expected)  # type: ignore[arg-type]


def outcome(layer: nn.Linear, inputs: Tensor) -> Tensor | str:
    """What a layer gives, dense, or the error that it raises."""
    try:
        outputs: Tensor = layer(inputs).detach()
    except (RuntimeError, NotImplementedError) as error:
        return str(error).splitlines()[0]
    return outputs if outputs.layout is torch.strided else outputs.to_dense()


@pytest.mark.parametrize("randomness", ["different", "same", "error"])
def test_rows_of_lanes_with_one_layer_are_computed_as_torch_does(randomness: str) -> None:
    plain, quick = pair(*WIDE)
    inputs = torch.randn(LANES, ROWS, WIDE[0])

    found, expected = (vmap(layer, randomness=randomness)(inputs) for layer in (quick, plain))

    assert_close([found], [expected])


@pytest.mark.parametrize("lanes", [True, False])
def test_compiled_as_a_full_graph_it_is_torchs(lanes: bool) -> None:
    plain, quick = pair(*WIDE)
    inputs = torch.randn(LANES, ROWS, WIDE[0]) if lanes else torch.randn(ROWS, WIDE[0])

    def computed(layer: nn.Linear) -> Tensor:
        def several(rows: Tensor) -> Tensor:
            outputs: Tensor = vmap(layer)(rows)
            return outputs

        compiled = torch.compile(several if lanes else layer, fullgraph=True, backend="eager")
        outputs: Tensor = compiled(inputs)
        return outputs

    assert torch.equal(computed(quick), computed(plain))


def test_an_exported_one_takes_batches_of_any_size() -> None:
    dynamic = {0: torch.export.Dim("rows", min=2)}
    for layer in pair(*WIDE):
        exported = torch.export.export(nn.Sequential(layer), (torch.randn(ROWS, WIDE[0]),), dynamic_shapes=(dynamic,))
        rows = torch.randn(3, WIDE[0])

        assert_close([exported.module()(rows)], [layer(rows)])


@pytest.mark.parametrize("way", ["script", "trace", "fx"])
def test_turned_into_a_graph_it_is_torchs_for_batches_of_any_size(way: str) -> None:
    plain, quick = pair(*WIDE)
    graph = turned(nn.Sequential(quick), torch.randn(ROWS, WIDE[0]), way)

    for rows in (1, 3, 2 * ROWS):
        inputs = torch.randn(rows, WIDE[0])
        assert_close([graph(inputs)], [plain(inputs)])
    if way == "fx":
        operations = [node.op for node in graph.graph.nodes]
        assert operations == ["placeholder", "call_module", "output"]
