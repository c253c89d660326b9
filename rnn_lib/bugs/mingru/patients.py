"""The right backward pass of MinGRU, made of named parts, and the wrong ones."""

import numpy as np

from rnn_lib.activations import sigmoid
from rnn_lib.bugs.patient import Bugs

__all__ = ["MINGRU_BUGS", "assemble", "right"]


def assemble(params, X, h, dY, changes):
    """The right pass with these changes, {part: what stands in its place}."""
    z, c = sigmoid(X @ params["W_z"].T + params["b_z"]), X @ params["W_c"].T + params["b_c"]
    part = {
        "first": 0,                                # the carry before the last step
        "steps": range(len(X) - 1, -1, -1),        # from the last step to the first
        "carried": lambda dh, a, t: dh * a[t],     # from dL/dh_t to what arrives at step t - 1
        "gate": c - h[:-1],                        # from dL/dh_t to dL/dz_t
        "slope": z * (1 - z),                      # from dL/dz_t back through the sigmoid
        "candidate": z,                            # from dL/dh_t to dL/dc_t
        "shown": h[1:],                            # from dL/dy_t to dL/dW_hy
    } | changes
    dH, carry = dY @ params["W_hy"], part["first"]
    for t in part["steps"]:
        dH[t] += carry
        carry = part["carried"](dH[t], 1 - z, t)
    return weight_gradients(dH * part["gate"] * part["slope"], dH * part["candidate"], X, part["shown"], dY)


def weight_gradients(d_gate, d_candidate, X, shown, dY):
    """Return the gradients from dL/d(W_z x_t + b_z), dL/dc_t and dL/dy_t, summed over time and batch."""
    def product(d, x):
        return d.reshape(-1, d.shape[-1]).T @ x.reshape(-1, x.shape[-1])

    return {"W_z": product(d_gate, X), "b_z": d_gate.sum(axis=(0, 1)), "W_c": product(d_candidate, X),
            "b_c": d_candidate.sum(axis=(0, 1)), "W_hy": product(dY, shown), "b_y": dY.sum(axis=(0, 1))}


def right(params, X, h, dY):
    """No mistake."""
    return assemble(params, X, h, dY, {})


MINGRU_BUGS = Bugs(assemble)
patient, change = MINGRU_BUGS.patient, MINGRU_BUGS.change


@change("carry_missing")
def carry_missing(params, X, h, dY):
    """Nothing is passed back through time: each step sees only its own error."""
    return {"carried": lambda dh, a, t: 0}


@change("multiplier_missing")
def multiplier_missing(params, X, h, dY):
    """The carry is handed on without the multiplier."""
    return {"carried": lambda dh, a, t: dh}


@change("multiplier_missing")
def gate_for_multiplier(params, X, h, dY):
    """The carry is multiplied by z_t, the part that is let in, where 1 - z_t belongs, the part that is kept."""
    return {"carried": lambda dh, a, t: dh * (1 - a[t])}


@change("multiplier_off_by_one")
def multiplier_of_the_step_reached(params, X, h, dY):
    """The carry from step t to step t - 1 is multiplied by the multiplier of step t - 1."""
    return {"carried": lambda dh, a, t: dh * a[t - 1]}


@change("multiplier_off_by_one")
def multiplier_of_the_step_after(params, X, h, dY):
    """The carry from step t to step t - 1 is multiplied by the multiplier of step t + 1."""
    return {"carried": lambda dh, a, t: dh * a[min(t + 1, len(a) - 1)]}


@change("gate_derivative_missing")
def gate_derivative_missing(params, X, h, dY):
    """The gate's error goes to W_z and b_z without the slope of the sigmoid."""
    return {"slope": 1}


@change("gate_derivative_missing")
def slope_of_tanh(params, X, h, dY):
    """The slope of tanh, 1 - z², stands where the sigmoid's belongs."""
    return {"slope": 1 - sigmoid(X @ params["W_z"].T + params["b_z"]) ** 2}


@change("old_state_missing")
def old_state_missing(params, X, h, dY):
    """The gate's error is made with c_t alone, as if z_t did not also decide how much of h_{t-1} is lost."""
    return {"gate": X @ params["W_c"].T + params["b_c"]}


@change("old_state_missing")
def old_state_added(params, X, h, dY):
    """The gate's error is made with c_t + h_{t-1}: a larger z_t lets more of c_t in, and keeps less of h_{t-1}."""
    return {"gate": X @ params["W_c"].T + params["b_c"] + h[:-1]}


@change("bracket_turned")
def bracket_turned(params, X, h, dY):
    """The gate's error is made with h_{t-1} - c_t, as if a larger z_t kept more of the old state."""
    return {"gate": h[:-1] - (X @ params["W_c"].T + params["b_c"])}


@change("state_off_by_one")
def new_state_for_old(params, X, h, dY):
    """The gate's error is made with h_t where h_{t-1} belongs."""
    return {"gate": X @ params["W_c"].T + params["b_c"] - h[1:]}


@change("state_off_by_one")
def old_state_for_new(params, X, h, dY):
    """The gradient of W_hy is made with h_{t-1} where h_t belongs."""
    return {"shown": h[:-1]}


@change("candidate_gate_missing")
def candidate_gate_missing(params, X, h, dY):
    """The candidate's error is dL/dh_t itself: the gate that let it in is missing."""
    return {"candidate": 1}


@change("candidate_gate_missing")
def multiplier_for_gate(params, X, h, dY):
    """The candidate's error is multiplied by 1 - z_t, the part that is kept, where z_t belongs."""
    return {"candidate": 1 - sigmoid(X @ params["W_z"].T + params["b_z"])}


@change("wrong_direction")
def wrong_direction(params, X, h, dY):
    """The loop runs forward in time, so the carry comes from the past."""
    return {"steps": range(len(X))}


@patient("scale")
def scale(params, X, h, dY):
    """Every gradient is divided by the batch size once more than the loss is."""
    return {name: g / X.shape[1] for name, g in right(params, X, h, dY).items()}


@patient("not_zeroed")
class not_zeroed:
    """The gradients of earlier calls are still in the sums."""

    def __init__(self):
        """Before the first call there is nothing to remember."""
        self.sums = {}

    def __call__(self, params, X, h, dY):
        """Add this call's gradients to the sums."""
        self.sums = {name: self.sums.get(name, 0) + g for name, g in right(params, X, h, dY).items()}
        return {name: g.copy() for name, g in self.sums.items()}


@patient("not_zeroed")
class carry_not_zeroed:
    """The walk back starts from the carry that the last call ended with."""

    def __init__(self):
        """Before the first call there is nothing to remember."""
        self.carry = 0

    def __call__(self, params, X, h, dY):
        """Walk back from the carry that was left."""
        first = self.carry if np.shape(self.carry) == h[0].shape else 0

        def kept(dh, a, t):
            self.carry = dh * a[t]
            return self.carry

        return assemble(params, X, h, dY, {"carried": kept, "first": first})
