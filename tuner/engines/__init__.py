"""Engines: they train the trials that a port hands out."""
