"""The tuning service: it queues the studies of a team, runs them, and shows them over HTTP."""
