"""Measurements and trials by fire, each run as `python -m benchmarks.NAME`; what they print is what README says."""
