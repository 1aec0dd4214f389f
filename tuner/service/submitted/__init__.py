"""What users submit: spaces with their code, and data."""
