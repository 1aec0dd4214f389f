"""Costs of a model that do not depend on the data's values: trained numbers, and time per row."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from tuner.goal import COSTS
from tuner.models import count_parameters

WARM_UP = 5
"""The first passes choose kernels and fill caches."""
PASSES = 30


def measure(names: Iterable[str], model: nn.Module, row: Tensor) -> dict[str, float]:
    """Return the requested costs.

    Args:
        names: metrics; those that are no costs are left out.
        model: on the device of `row`; left in the mode in which it was found.
        row: float32 (1, ...), one input.
    """
    measures = {"parameters": lambda: float(count_parameters(model)), "latency": lambda: latency(model, row)}
    return {name: measures[name]() for name in names if name in COSTS}


@torch.no_grad()
def latency(model: nn.Module, row: Tensor) -> float:
    """Return the milliseconds of one pass of one row in evaluation mode: the median after a warm-up."""
    training = model.training
    model.eval()
    try:
        return statistics.median([_pass(model, row) for _ in range(WARM_UP + PASSES)][WARM_UP:])
    finally:
        model.train(training)


def _pass(model: nn.Module, row: Tensor) -> float:
    began = time.perf_counter()
    model(row)
    if row.device.type == "cuda":  # a GPU answers before it has computed
        torch.cuda.synchronize(row.device)
    return 1000 * (time.perf_counter() - began)
