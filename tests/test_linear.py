from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from tuner import linear

LANES = 3
"""How many lanes there are where there are several."""


def pair(width: int, outputs: int, bias: bool = True) -> tuple[nn.Linear, nn.Linear]:
    """Torch's layer and ours, of the same numbers."""
    torch.manual_seed(0)
    plain, quick = nn.Linear(width, outputs, bias), nn.Linear(width, outputs, bias)
    quick.load_state_dict(plain.state_dict())
    quick.__class__ = linear.Linear
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
