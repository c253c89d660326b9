"""Summing: over time, over the batch, and not over calls."""

import numpy as np

from rnn_lib.bugs.rnn.buggy import patient
from rnn_lib.bugs.rnn.healthy import right, sum_of_products, walk_back, weight_gradients

__all__ = [
    "not_zeroed", "carry_not_zeroed", "not_summed", "not_summed_in_hidden_layer", "b_h_missing", "b_y_missing",
    "both_biases_missing", "gradient_transposed", "scale", "updated_in_the_loop", "stale_cache", "weight_decay",
]


@patient("not_zeroed")
class not_zeroed:
    """The gradients of earlier calls are still in the sums."""

    def __init__(self):
        """Before the first call there is nothing to remember."""
        self.sums = None

    def __call__(self, params, X, h, dY):
        """Add this call's gradients to the sums."""
        grads = right(params, X, h, dY)
        if self.sums is not None:
            grads = {name: self.sums[name] + g for name, g in grads.items()}
        self.sums = grads
        return {name: g.copy() for name, g in grads.items()}


@patient("not_zeroed")
class carry_not_zeroed:
    """The walk back starts from the carry that the last call ended with."""

    def __init__(self):
        """Before the first call there is nothing to remember."""
        self.carry = 0

    def __call__(self, params, X, h, dY):
        """Walk back from the carry that was left."""
        dH = dY @ params["W_hy"]
        if np.shape(self.carry) == dH[-1].shape:
            dH[-1] += self.carry
        dZ = walk_back(dH, 1 - h[1:] ** 2, params["W_hh"])
        self.carry = dZ[0] @ params["W_hh"]
        return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("not_summed")
def not_summed(params, X, h, dY):
    """Each step's gradients replace those of the step before: only the loop's last step, t = 1, is left."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X[:1], h[:1], h[1:2], dZ[:1], dY[:1])


@patient("not_summed")
def not_summed_in_hidden_layer(params, X, h, dY):
    """The hidden layer's gradients are those of t = 1 alone; only the output layer's are summed over time."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    dZ[1:] = 0
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("bias_missing")
def b_h_missing(params, X, h, dY):
    """The gradient of b_h stays zero, so that b_h is never trained."""
    grads = right(params, X, h, dY)
    return {**grads, "b_h": np.zeros_like(params["b_h"])}


@patient("bias_missing")
def b_y_missing(params, X, h, dY):
    """The gradient of b_y stays zero, so that b_y is never trained."""
    grads = right(params, X, h, dY)
    return {**grads, "b_y": np.zeros_like(params["b_y"])}


@patient("bias_missing")
def both_biases_missing(params, X, h, dY):
    """The gradients of b_h and b_y stay zero, so that neither bias is ever trained."""
    return b_y_missing(params, X, h, dY) | {"b_h": np.zeros_like(params["b_h"])}


@patient("gradient_transposed")
def gradient_transposed(params, X, h, dY):
    """The gradient of W_hh comes out transposed."""
    grads = right(params, X, h, dY)
    return {**grads, "W_hh": grads["W_hh"].T}


@patient("scale")
def scale(params, X, h, dY):
    """Every gradient is divided by the batch size once more than the loss is."""
    return {name: g / X.shape[1] for name, g in right(params, X, h, dY).items()}


@patient("params_changed")
def updated_in_the_loop(params, X, h, dY):
    """W_hh is updated in the middle of the walk back, and the rest of the walk uses the new one."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dZ[t] = (dH[t] + carry) * tanh_prime[t]
        carry = dZ[t] @ params["W_hh"]
        params["W_hh"] -= 0.01 * sum_of_products(dZ[t], h[t])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("stale_cache")
class stale_cache:
    """The hidden states of the first call are kept, and used again by every call whose states have the same shape."""

    def __init__(self):
        """Before the first call there is nothing to keep."""
        self.h = None

    def __call__(self, params, X, h, dY):
        """Walk back through the states that were kept."""
        if self.h is None or self.h.shape != h.shape:
            self.h = h.copy()
        return right(params, X, self.h, dY)


@patient("weight_decay")
def weight_decay(params, X, h, dY):
    """A small share of every parameter, 0.0001, is added to its gradient."""
    return {name: g + 1e-4 * params[name] for name, g in right(params, X, h, dY).items()}
