"""The multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from tuner.errors import BuildError
from tuner.models.arguments import Rate, activation, check_rate, check_widths


class MLP(nn.Module):
    """Linear, batch norm, activation and dropout per hidden layer, and a linear layer at the end.

    Args:
        in_features: numbers in one flattened input.
        out_features: numbers given for one input.
        hidden: the width of each hidden layer; none is a linear model.
        layers: in place of `hidden`, a mapping per hidden layer with its `units` and its own `dropout`.
        dropout: the rate after each hidden layer that has none of its own, in [0, 1).
        batch_norm: whether each hidden layer normalises its batch.
        activation: a class of torch.nn.

    Raises:
        BuildError: a width, a rate or a name that is none.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: Sequence[int] | None = None,
        layers: Sequence[dict[str, float]] | None = None,
        dropout: Rate = 0.0,
        batch_norm: bool = False,
        activation: str = "ReLU",
    ) -> None:
        super().__init__()
        stack: list[nn.Module] = [nn.Flatten()]
        width = in_features
        for units, rate in _hidden_layers(hidden, layers, dropout):
            stack += _hidden_layer(width, units, rate, batch_norm, activation)
            width = units
        self.stack = nn.Sequential(*stack, nn.Linear(width, out_features))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map float32 (N, ...) to (N, out_features)."""
        outputs: Tensor = self.stack(inputs)
        return outputs


def _hidden_layers(
    hidden: Sequence[int] | None, layers: Sequence[dict[str, float]] | None, dropout: float
) -> list[tuple[int, float]]:
    """Return the width and the dropout rate of each hidden layer."""
    if hidden is not None and layers is not None:
        raise BuildError("model.layers", "give hidden or layers, not both")
    if layers is None:
        return [(units, check_rate(dropout)) for units in check_widths([64] if hidden is None else hidden, "hidden")]
    for layer in layers:
        if not isinstance(layer, dict) or not {"units"} <= set(layer) <= {"units", "dropout"}:
            raise BuildError("model.layers", f"a layer is a mapping of units and, if you like, dropout, not {layer}")
    units = check_widths([layer["units"] for layer in layers], "layers")
    return list(zip(units, (check_rate(layer.get("dropout", dropout)) for layer in layers), strict=True))


def _hidden_layer(width: int, units: int, dropout: float, batch_norm: bool, name: str) -> list[nn.Module]:
    layer: list[nn.Module] = [nn.Linear(width, units)]
    if batch_norm:
        layer.append(nn.BatchNorm1d(units))
    layer.append(activation(name)())
    if dropout:
        layer.append(nn.Dropout(dropout))
    return layer
