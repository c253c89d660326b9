"""How many threads matrix products take."""

import contextlib
import functools
import sys

__all__ = ["PAYS", "one_thread"]

PAYS = 2**24  # multiplications in a product from which on a second thread saves half of its time, in float32


def one_thread(size):
    """Return a context in which BLAS keeps to one thread, if products of `size` multiplications are too small for two.

    On two idle cores a second thread saves a quarter to two fifths of a product in float32 from 2^20 multiplications
    on, half from 2^24 on, and in float64 a tenth at best (fastest of 25 runs). On smaller products it costs time, and
    on a busy machine it waits for its turn: a step of training then takes 4 to 12 times as long. The limit itself costs
    7 microseconds. The numbers do not depend on it. The former setting comes back at the end, also after an error. In a
    browser there is one thread anyway.
    """
    if size >= PAYS or sys.platform == "emscripten":
        return contextlib.nullcontext()
    return blas().limit(limits=1, user_api="blas")


@functools.cache
def blas():
    """Return the controller of the libraries that NumPy has loaded: looking for them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
