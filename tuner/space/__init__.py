"""The language of spaces: a file parsed, checked and filled."""

from __future__ import annotations

from tuner.space.space import Space, find

__all__ = ["Space", "find"]
