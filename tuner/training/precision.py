"""The number format of a model. It is scored, tested and applied in the precision of its training."""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor

from tuner.config import Precision

DTYPES = {Precision.FP32: torch.float32, Precision.BF16: torch.bfloat16, Precision.FP16: torch.float16}


def autocast(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return the context of a forward pass; the weights stay float32."""
    dtype = DTYPES[precision]
    return contextlib.nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype)


def widened(outputs: Tensor) -> Tensor:
    """Return outputs as float32 if they have fewer bits, which metrics do not use."""
    return outputs.float() if outputs.dtype in (torch.bfloat16, torch.float16) else outputs
