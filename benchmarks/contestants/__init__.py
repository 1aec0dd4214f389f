"""Contestants: each trains the trials of a `Work` in its own way, as `python -m benchmarks.contestants.NAME`."""
