"""How many calculations an answer takes, so that a loop over time shows."""

import numpy as np

from rnn_lib.exercises.verdict import attempt

__all__ = ["calculations"]


class Counted(np.ndarray):
    """An array that counts how often NumPy calculates with it, or with what comes of it."""

    calls = 0

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        """Count the call, and hand it on."""
        Counted.calls += 1
        plain = [x.view(np.ndarray) if isinstance(x, Counted) else x for x in inputs]
        if out is not None:
            options["out"] = tuple(x.view(np.ndarray) if isinstance(x, Counted) else x for x in out)
        value = getattr(ufunc, method)(*plain, **options)
        return value.view(Counted) if isinstance(value, np.ndarray) else value


def calculations(answer, *shapes):
    """Call the learner's function with arrays of ones of these shapes; return how many calculations that took."""
    Counted.calls = 0
    attempt(answer, *(np.ones(shape).view(Counted) for shape in shapes))
    return Counted.calls
