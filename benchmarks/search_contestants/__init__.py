"""Those who search, one file each: a function `make(space, seed)` that returns a contestant."""
