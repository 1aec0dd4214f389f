"""From raw rows to tensors, fitted on the training split."""
