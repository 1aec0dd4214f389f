"""Models of the kinds that people write, as user code: each test imports a copy of a file of its own."""
