"""How weights are drawn: each function takes a shape and a random generator and returns a new array."""

import numpy as np

__all__ = ["order_one", "uniform"]


def uniform(shape, rng, fan_in):
    """Draw uniformly from +-1/sqrt(fan_in), `fan_in` inputs to each unit, as `torch.nn.Linear` and `RNN` do."""
    return rng.uniform(-1 / np.sqrt(fan_in), 1 / np.sqrt(fan_in), shape)


def order_one(shape, rng):
    """Draw weights, (out, in), with variance 1/in and biases, (out,), with deviation 0.5: mistakes hide near zero."""
    return rng.normal(0, 0.5 if len(shape) == 1 else 1 / np.sqrt(shape[-1]), shape)
