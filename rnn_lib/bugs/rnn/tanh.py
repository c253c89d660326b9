"""tanh', the factor from h_t back to z_t."""

import numpy as np

from rnn_lib.bugs.rnn.buggy import change, patient
from rnn_lib.bugs.rnn.healthy import walk_back, weight_gradients

__all__ = [
    "double_tanh", "tanh_derivative_missing", "tanh_derivative_missing_on_carry", "tanh_derivative_missing_on_output",
    "tanh_derivative_missing_in_weights", "tanh_derivative_missing_behind_carry", "tanh_derivative_wrong_side",
    "tanh_derivative_one_step_late", "shared_cache", "derivative_is_h", "derivative_of_sigmoid",
    "derivative_without_square", "derivative_of_relu", "derivative_with_plus", "derivative_upside_down",
    "carry_through_earlier_tanh", "carry_through_later_tanh",
]


@change("double_tanh")
def double_tanh(params, X, h, dY):
    """tanh' is computed from h_t as if that were z_t: tanh is applied twice."""
    return {"tanh_prime": 1 - np.tanh(h[1:]) ** 2}


@change("tanh_derivative_missing")
def tanh_derivative_missing(params, X, h, dY):
    """dL/dh_t is used as if it were dL/dz_t: the factor tanh' is nowhere."""
    return {"tanh_prime": np.ones_like(h[1:])}


@change("tanh_derivative_missing")
def tanh_derivative_missing_on_carry(params, X, h, dY):
    """Only the error through y_t gets its tanh'; the carry is added after it."""
    return {"walk": lambda dH, tanh_prime, W_hh: walk_back(dH * tanh_prime, np.ones_like(dH), W_hh)}


@change("tanh_derivative_missing")
def tanh_derivative_missing_on_output(params, X, h, dY):
    """Only the carry gets its tanh'; the error through y_t is added after it."""

    def walk(dH, tanh_prime, W_hh):
        dZ, carry = np.empty_like(dH), 0
        for t in reversed(range(len(dH))):
            dZ[t] = dH[t] + carry * tanh_prime[t]
            carry = dZ[t] @ W_hh
        return dZ

    return {"walk": walk}


@change("tanh_derivative_missing")
def tanh_derivative_missing_in_weights(params, X, h, dY):
    """The carry is right, but the weights' gradients are made from dL/dh_t instead of dL/dz_t."""

    def walk(dH, tanh_prime, W_hh):
        dH = dH.copy()
        for t in reversed(range(len(dH) - 1)):
            dH[t] += (dH[t + 1] * tanh_prime[t + 1]) @ W_hh
        return dH

    return {"walk": walk}


@change("tanh_derivative_missing")
def tanh_derivative_missing_behind_carry(params, X, h, dY):
    """The weights' gradients are right at each step, but the carry leaves without tanh'."""
    return {"walk": lambda dH, tanh_prime, W_hh: walk_back(dH, np.ones_like(dH), W_hh) * tanh_prime}


@change("tanh_derivative_wrong_side")
def tanh_derivative_wrong_side(params, X, h, dY):
    """The carry is multiplied by W_hh first and by tanh' after: right factors, wrong order."""

    def walk(dH, tanh_prime, W_hh):
        dZ, carry = np.empty_like(dH), 0
        for t in reversed(range(len(dH))):
            dH_t = dH[t] + carry
            dZ[t] = dH_t * tanh_prime[t]
            carry = (dH_t @ W_hh) * tanh_prime[t]
        return dZ

    return {"walk": walk}


@change("tanh_derivative_wrong_step")
def tanh_derivative_one_step_late(params, X, h, dY):
    """tanh' is taken at h_{t-1}, another step's activation."""
    return {"tanh_prime": 1 - h[:-1] ** 2}


@change("tanh_derivative_wrong_step")
def shared_cache(params, X, h, dY):
    """All steps share one cached activation, so that tanh' is that of the last step everywhere."""
    last = np.broadcast_to(h[-1], h[1:].shape)
    return {"tanh_prime": 1 - last**2}


@change("wrong_derivative")
def derivative_is_h(params, X, h, dY):
    """h_t itself stands where tanh' belongs."""
    return {"tanh_prime": h[1:]}


@change("wrong_derivative")
def derivative_of_sigmoid(params, X, h, dY):
    """The sigmoid's derivative, h (1 - h), stands where tanh' belongs."""
    return {"tanh_prime": h[1:] * (1 - h[1:])}


@change("wrong_derivative")
def derivative_without_square(params, X, h, dY):
    """1 - h_t stands where tanh' belongs."""
    return {"tanh_prime": 1 - h[1:]}


@change("wrong_derivative")
def derivative_of_relu(params, X, h, dY):
    """The derivative of ReLU, 1 where h_t > 0, stands where tanh' belongs."""
    return {"tanh_prime": (h[1:] > 0).astype(h.dtype)}


@change("wrong_derivative")
def derivative_with_plus(params, X, h, dY):
    """1 + h_t² stands where tanh' belongs."""
    return {"tanh_prime": 1 + h[1:] ** 2}


@change("wrong_derivative")
def derivative_upside_down(params, X, h, dY):
    """1 / (1 - h_t²) stands where tanh' belongs: the derivative of the inverse function."""
    return {"tanh_prime": 1 / (1 - h[1:] ** 2)}


@patient("tanh_derivative_wrong_step")
def carry_through_earlier_tanh(params, X, h, dY):
    """The carry leaves each step with tanh' of the step before."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h**2
    for t in reversed(range(1, len(dH))):
        dH[t - 1] += (dH[t] * tanh_prime[t]) @ params["W_hh"]
    return weight_gradients(X, h[:-1], h[1:], dH * tanh_prime[1:], dY)


@patient("tanh_derivative_wrong_step")
def carry_through_later_tanh(params, X, h, dY):
    """The carry is multiplied by tanh' of the step that it comes from, not of the step that it reaches."""
    dZ = (dY @ params["W_hy"]) * (1 - h[1:] ** 2)
    for t in reversed(range(len(dZ) - 1)):
        dZ[t] += (dZ[t + 1] @ params["W_hh"]) * (1 - h[t + 2] ** 2)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)
