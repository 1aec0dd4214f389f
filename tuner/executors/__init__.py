"""Where engines run: each executor runs an engine somewhere and gives it a port to the driver."""
