"""The linear model: the first to try, and the baseline that any other model must beat."""

from __future__ import annotations

from torch import Tensor, nn


class Linear(nn.Module):
    """One linear layer over the flattened input: linear regression, or logistic regression before its softmax.

    Args:
        in_features: numbers in one flattened input.
        out_features: numbers given for one input.
        bias: whether an output has a constant of its own.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(in_features, out_features, bias=bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map float32 (N, ...) to (N, out_features)."""
        outputs: Tensor = self.linear(self.flatten(inputs))
        return outputs
