"""Fused training: trials that are alike train as one program."""

from tuner.fused.engine import Fused
from tuner.fused.plan import MOST_LANES

__all__ = ["MOST_LANES", "Fused"]
