"""The results of a study: importances, regions, confirmations, its best config."""
