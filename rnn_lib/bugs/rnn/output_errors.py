"""The output errors that enter from above."""

import numpy as np

from rnn_lib.bugs.rnn.buggy import change

__all__ = [
    "error_reinjected", "error_reinjected_everywhere", "error_reinjected_on_top",
    "error_reinjected_on_top_and_at_the_end", "error_reinjected_alone", "error_entered_twice", "only_last_error",
    "only_last_error_everywhere",
]


@change("error_reinjected")
def error_reinjected(params, X, h, dY):
    """The last step's output error is injected again at every step, in place of each step's own."""
    dH = np.broadcast_to(dY[-1] @ params["W_hy"], h[1:].shape)
    return {"dH": dH}


@change("error_reinjected")
def error_reinjected_everywhere(params, X, h, dY):
    """The last step's output error is used at every step, for the output layer's gradients too."""
    dY = np.broadcast_to(dY[-1], dY.shape)
    return {"dH": dY @ params["W_hy"], "dY": dY}


@change("error_reinjected")
def error_reinjected_on_top(params, X, h, dY):
    """The last step's output error is added at every earlier step, on top of each step's own."""
    dH = dY @ params["W_hy"]
    dH[:-1] += dH[-1]
    return {"dH": dH}


@change("error_reinjected")
def error_reinjected_on_top_and_at_the_end(params, X, h, dY):
    """The last step's output error is added at every step, the last one included, on top of each step's own."""
    return {"dH": (dY + dY[-1]) @ params["W_hy"]}


@change("error_reinjected")
def error_reinjected_alone(params, X, h, dY):
    """The last step's output error is injected at every step, while the output layer's gradients see it once."""
    last = np.concatenate([0 * dY[:-1], dY[-1:]])
    dH = np.broadcast_to(dY[-1] @ params["W_hy"], h[1:].shape)
    return {"dH": dH, "dY": last}


@change("error_reinjected")
def error_entered_twice(params, X, h, dY):
    """The carry starts with the last step's output error instead of zero, so that this error enters twice."""
    dH = dY @ params["W_hy"]
    dH[-1] *= 2
    return {"dH": dH}


@change("errors_dropped")
def only_last_error(params, X, h, dY):
    """Only the last step's error enters the walk back; the other steps' errors never reach the hidden layer."""
    dH = np.concatenate([0 * dY[:-1], dY[-1:]]) @ params["W_hy"]
    return {"dH": dH}


@change("errors_dropped")
def only_last_error_everywhere(params, X, h, dY):
    """Only the last step's error is used; the other steps' errors are ignored."""
    dY = np.concatenate([0 * dY[:-1], dY[-1:]])
    return {"dH": dY @ params["W_hy"], "dY": dY}
