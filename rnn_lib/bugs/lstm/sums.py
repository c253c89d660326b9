"""Summing: over time, over the batch, and not over calls."""

import numpy as np

from rnn_lib.bugs.lstm.buggy import patient
from rnn_lib.bugs.lstm.healthy import finish, parts, right, walk
from rnn_lib.bugs.rnn.healthy import weight_gradients

__all__ = [
    "not_zeroed", "carry_not_zeroed", "hidden_carry_not_zeroed", "cell_carry_not_zeroed", "not_summed",
    "not_summed_in_hidden_layer", "b_h_missing", "b_y_missing",
    "gradient_transposed", "scale", "shrunk_in_backward", "stale_cache", "weight_decay",
]


@patient("not_zeroed")
class not_zeroed:
    """The gradients of earlier calls are still in the sums."""

    def __init__(self):
        """Before the first call there is nothing to remember."""
        self.sums = None

    def __call__(self, params, X, states, dY):
        """Add this call's gradients to the sums."""
        grads = right(params, X, states, dY)
        if self.sums is not None:
            grads = {name: self.sums[name] + g for name, g in grads.items()}
        self.sums = grads
        return {name: g.copy() for name, g in grads.items()}


class Kept:
    """The walk back starts from the carries that the last call ended with, of the `roads` that a patient keeps."""

    roads = ("h", "c")

    def __init__(self):
        """Before the first call there is nothing to remember."""
        self.carries = {}

    def __call__(self, params, X, states, dY):
        """Walk back from the carries that were left."""
        part = parts(params, X, states, dY)
        part |= {f"d{road}_next": self.carries[road] for road in self.roads
                 if road in self.carries and self.carries[road].shape == states["h"][0].shape}
        dZ, _, dC = walk(part)
        self.carries = {"h": dZ[0] @ params["W_hh"], "c": dC[0] * part["keep"][0]}
        return finish(part, dZ)


@patient("not_zeroed")
class carry_not_zeroed(Kept):
    """The walk back starts from what the last call's walk ended with."""


@patient("not_zeroed")
class hidden_carry_not_zeroed(Kept):
    """The walk back starts from the dL/dh that the last call's walk ended with."""

    roads = ("h",)


@patient("not_zeroed")
class cell_carry_not_zeroed(Kept):
    """The walk back starts from the dL/dc that the last call's walk ended with."""

    roads = ("c",)


@patient("not_summed")
def not_summed(params, X, states, dY):
    """Each step's gradients replace those of the step before: only the loop's last step, t = 1, is left."""
    dZ, _, _ = walk(parts(params, X, states, dY))
    return weight_gradients(X[:1], states["h"][:1], states["h"][1:2], dZ[:1], dY[:1])


@patient("not_summed")
def not_summed_in_hidden_layer(params, X, states, dY):
    """The hidden layer's gradients are those of t = 1 alone; only the output layer's are summed over time."""
    part = parts(params, X, states, dY)
    dZ, _, _ = walk(part)
    dZ[1:] = 0
    return finish(part, dZ)


@patient("bias_missing")
def b_h_missing(params, X, states, dY):
    """The gradient of b_h stays zero, so that b_h is never trained."""
    return {**right(params, X, states, dY), "b_h": np.zeros_like(params["b_h"])}


@patient("bias_missing")
def b_y_missing(params, X, states, dY):
    """The gradient of b_y stays zero, so that b_y is never trained."""
    return {**right(params, X, states, dY), "b_y": np.zeros_like(params["b_y"])}


@patient("gradient_transposed")
def gradient_transposed(params, X, states, dY):
    """Each gate's square of the gradient of W_hh comes out transposed."""
    grads = right(params, X, states, dY)
    return {**grads, "W_hh": np.concatenate([square.T for square in np.split(grads["W_hh"], 4)])}


@patient("scale")
def scale(params, X, states, dY):
    """Every gradient is divided by the batch size once more than the loss is."""
    return {name: g / X.shape[1] for name, g in right(params, X, states, dY).items()}


@patient("params_changed")
def shrunk_in_backward(params, X, states, dY):
    """W_hh is made smaller by a hundredth before the walk back, which uses the new one."""
    params["W_hh"] *= 0.99
    return right(params, X, states, dY)


@patient("stale_cache")
class stale_cache:
    """The states of the first call are kept, and used again by every call whose states have the same shape."""

    def __init__(self):
        """Before the first call there is nothing to keep."""
        self.states = None

    def __call__(self, params, X, states, dY):
        """Walk back through the states that were kept."""
        if self.states is None or self.states["h"].shape != states["h"].shape:
            self.states = {name: a.copy() for name, a in states.items()}
        return right(params, X, self.states, dY)


@patient("weight_decay")
def weight_decay(params, X, states, dY):
    """A small share of every parameter, 0.0001, is added to its gradient."""
    return {name: g + 1e-4 * params[name] for name, g in right(params, X, states, dY).items()}
