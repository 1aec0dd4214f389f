"""Fused training: trials that are alike train as one program."""

from tuner.engines.fused.autotune import FEWEST, GAIN, MOST_LANES
from tuner.engines.fused.engine import Fused

__all__ = ["FEWEST", "GAIN", "MOST_LANES", "Fused"]
