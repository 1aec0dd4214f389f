"""Pages of studies and of final runs."""
