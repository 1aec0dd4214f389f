"""The worth of a config before it is evaluated: the logarithm of the expected improvement.

The formula is stable far from the best value. It is that of Ament et al., "Unexpected Improvements to Expected
Improvement" (NeurIPS 2023).
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx, ndtr

Floats: TypeAlias = npt.NDArray[np.float64]

NEAR = -1.0
"""Standard deviations from the best value beyond which the direct formula loses its digits."""

LEAST = 1e-300


def log_improvement(means: Floats, variances: Floats, best: float) -> Floats:
    """Return the logarithm of the expected improvement below `best`, (N,).

    Args:
        means: (N,), of a normal distribution each.
        variances: (N,), above 0.
        best: the value to improve on.
    """
    deviations = np.sqrt(variances)
    off = (best - means) / deviations
    near, far = np.maximum(off, NEAR), np.minimum(off, NEAR)
    density = np.exp(-(near**2) / 2) / math.sqrt(2 * math.pi)
    direct = np.log(np.maximum(near * ndtr(near) + density, LEAST))
    ratio = math.sqrt(math.pi / 2) * erfcx(-far / math.sqrt(2)) * -far  # below 1, and near it far away
    tail = -(far**2) / 2 - math.log(2 * math.pi) / 2 + np.log(np.maximum(1 - ratio, 1 / far**2 / 10))
    found: Floats = np.where(off > NEAR, direct, tail) + np.log(deviations)
    return found
