"""Executors: each runs an engine somewhere and gives it a port to the driver."""
