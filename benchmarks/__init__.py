"""Measurements and trials by fire, each run as `python -m benchmarks.NAME`; README.md here has what they found."""
