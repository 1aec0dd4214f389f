"""The state of a model and its code outside of parameters and buffers."""
