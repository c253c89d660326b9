"""Random generators: one for each use of a seed, so that equal seeds tie nothing together."""

import numpy as np

from rnn_lib.ground.validation import check_int

__all__ = ["generator"]


def generator(seed, use, number=0):
    """Return a random generator for `seed` (a whole number >= 0) and `use`, a word such as "weights".

    The same seed gives unrelated numbers to another use: weights drawn from seed 0 know nothing of data drawn from
    seed 0. `number` tells further generators of one use apart, such as those of each epoch.
    """
    return np.random.default_rng([check_int("seed", seed, minimum=0), number, *use.encode()])
