"""What a study found: importances, regions, confirmations, its best config."""
