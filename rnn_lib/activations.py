"""Functions of one number that squash, in a form that neither overflows nor loses small values."""

import numpy as np

__all__ = ["sigmoid"]


def sigmoid(z):
    """Return 1 / (1 + exp(-z)) for an array of real or complex numbers.

    exp is only taken of what has a negative real part: nothing overflows, and sigmoid(-700) is still exp(-700), not 0.
    """
    negative = z.real < 0
    e = np.exp(np.where(negative, z, -z))
    return np.where(negative, e, 1) / (1 + e)
