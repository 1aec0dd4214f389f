"""Fused training: trials that are alike train as one program."""

from tuner.fused.engine import Fused
from tuner.fused.plan import FEWEST, GAIN, MOST_LANES

__all__ = ["FEWEST", "GAIN", "MOST_LANES", "Fused"]
