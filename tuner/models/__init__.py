"""Models: from a section of the space to an nn.Module."""

from __future__ import annotations

from tuner.models.build import MODELS, argument_faults, build, check_fit, count_parameters, sizes
from tuner.models.cnn import CNN
from tuner.models.linear import Linear
from tuner.models.mlp import MLP

__all__ = ["CNN", "MLP", "MODELS", "Linear", "argument_faults", "build", "check_fit", "count_parameters", "sizes"]
