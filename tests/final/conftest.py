from tests.support.final_runs import runs

__all__ = ["runs"]
