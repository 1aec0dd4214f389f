"""The search benchmark: which sampler finds good configs of recorded trainings soonest."""
