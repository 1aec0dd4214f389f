"""Remote trials: a study whose workers come over HTTP."""
