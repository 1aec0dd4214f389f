from __future__ import annotations

from tests.support.final_runs import runs

__all__ = ["runs"]
