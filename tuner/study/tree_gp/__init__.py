"""A sampler by a Gaussian process that knows which parameters a config has."""

from tuner.study.tree_gp.tree_gp_sampler import TreeGPSampler

__all__ = ["TreeGPSampler"]
