"""Engines: what trains the trials that a port hands out."""
