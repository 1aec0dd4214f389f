"""A search: its plan, its session, its driver, and the race that confirms its best."""
