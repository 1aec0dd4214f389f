"""The code of own_code.yaml: a function that gives data, and a model."""

import torch
from sklearn.datasets import load_wine
from torch import Tensor, nn


def wine(noise: float = 0.0) -> dict[str, object]:
    """Three kinds of wine by thirteen chemical measurements (178 rows), which scikit-learn carries."""
    bundle = load_wine()
    inputs = torch.tensor(bundle.data, dtype=torch.float32)
    inputs += noise * torch.randn(inputs.shape, generator=torch.Generator().manual_seed(0)) * inputs.std(0)
    return {"train": (inputs, torch.tensor(bundle.target)), "classes": bundle.target_names.tolist()}


class Residual(nn.Module):
    """A multilayer perceptron with shortcuts; `in_features` and `out_features` are filled in from the data."""

    def __init__(self, in_features: int, out_features: int, width: int, depth: int) -> None:
        super().__init__()
        self.enter = nn.Linear(in_features, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.ReLU(), nn.Linear(width, width)) for _ in range(depth))
        self.leave = nn.Linear(width, out_features)

    def forward(self, inputs: Tensor) -> Tensor:
        """float32 (N, in_features) -> (N, out_features)."""
        hidden = self.enter(inputs)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.leave(hidden)
