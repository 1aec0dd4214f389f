"""Running jobs: the drivers of their studies, and what users do with them."""
