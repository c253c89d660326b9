"""The carry: the road through z_{t+1}."""

import numpy as np

from rnn_lib.bugs.rnn.buggy import change, patient
from rnn_lib.bugs.rnn.healthy import walk_back, weight_gradients

__all__ = [
    "carry_missing", "W_hh_untransposed", "W_hh_missing", "wrong_direction", "truncated", "windowed",
    "truncated_in_blocks", "in_blocks", "clipped", "carry_negated", "carry_starts_at_one",
    "carry_starts_at_last_state", "small_carry_dropped",
]


@change("carry_missing")
def carry_missing(params, X, h, dY):
    """Nothing is passed back through time: each step sees only its own error."""
    return {"W_hh": 0 * params["W_hh"]}


@change("W_hh_untransposed")
def W_hh_untransposed(params, X, h, dY):
    """The carry goes back through W_hh the way the forward pass came, not through its transpose."""
    return {"W_hh": params["W_hh"].T}


@change("W_hh_missing")
def W_hh_missing(params, X, h, dY):
    """The carry is handed on without going through W_hh at all."""
    return {"W_hh": np.eye(h.shape[-1])}


@change("wrong_direction")
def wrong_direction(params, X, h, dY):
    """The loop runs forward in time, so the carry comes from the past."""
    return {"walk": lambda dH, tanh_prime, W_hh: walk_back(dH[::-1], tanh_prime[::-1], W_hh)[::-1]}


@patient("truncated")
def truncated(params, X, h, dY):
    """An error travels over at most 4 steps: its own and the 3 before it."""
    dZ = windowed(4, params, h, dY)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


def windowed(steps, params, h, dY):
    """Return dL/dz_t when every error travels over at most so many steps, its own among them."""
    tanh_prime = 1 - h[1:] ** 2
    arriving = (dY @ params["W_hy"]) * tanh_prime
    dZ = arriving.copy()
    for lag in range(1, min(steps, len(dY))):
        arriving = (arriving[1:] @ params["W_hh"]) * tanh_prime[:-lag]  # every error moves one step back
        dZ[:-lag] += arriving
    return dZ


@patient("truncated")
def truncated_in_blocks(params, X, h, dY):
    """The carry starts again from zero every 4 steps."""
    dZ = in_blocks(4, params, h, dY)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


def in_blocks(steps, params, h, dY, first=0):
    """Return dL/dz_t when no error crosses the borders first, first + steps, first + 2 steps, …"""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    borders = [0, *range(first or steps, len(dH), steps), len(dH)]
    blocks = [slice(*pair) for pair in zip(borders, borders[1:], strict=False)]
    return np.concatenate([walk_back(dH[block], tanh_prime[block], params["W_hh"]) for block in blocks])


@patient("clipped")
def clipped(params, X, h, dY):
    """The carry is clipped at every step of the walk back, to numbers between -0.01 and 0.01."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dZ[t] = (dH[t] + carry) * tanh_prime[t]
        carry = np.clip(dZ[t] @ params["W_hh"], -0.01, 0.01)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@change("carry_negated")
def carry_negated(params, X, h, dY):
    """The carry is subtracted where it should be added."""
    return {"W_hh": -params["W_hh"]}


@change("carry_start")
def carry_starts_at_one(params, X, h, dY):
    """The carry starts from ones at the last step, where nothing comes back yet."""
    dH = dY @ params["W_hy"]
    dH[-1] += 1
    return {"dH": dH}


@change("carry_start")
def carry_starts_at_last_state(params, X, h, dY):
    """The carry starts from the last hidden state, as if h_T were its own gradient."""
    dH = dY @ params["W_hy"]
    dH[-1] += h[-1]
    return {"dH": dH}


@patient("small_lost")
def small_carry_dropped(params, X, h, dY):
    """Numbers of the carry below 0.01 are set to zero."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dZ[t] = (dH[t] + carry) * tanh_prime[t]
        carry = dZ[t] @ params["W_hh"]
        carry[np.abs(carry) < 0.01] = 0
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)
