"""Final training, its run folder, and the model in it."""
