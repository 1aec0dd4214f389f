"""Final training, the folder it leaves, the model in it."""
