"""What a model and its code hold besides parameters and buffers."""
