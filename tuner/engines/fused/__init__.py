"""Fused training: similar trials train as one program."""

from tuner.engines.fused.engine import Fused

__all__ = ["Fused"]
