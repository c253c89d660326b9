"""The carry: the road through z_{t+1}."""

import numpy as np

from rnn_lib.bugs.healthy import walk_back, weight_gradients
from rnn_lib.bugs.patient import patient


@patient("carry_missing")
def carry_missing(params, X, h, dY):
    """Nothing is passed back through time: each step sees only its own error."""
    dZ = (dY @ params["W_hy"]) * (1 - h[1:] ** 2)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("W_hh_untransposed")
def W_hh_untransposed(params, X, h, dY):
    """The carry goes back through W_hh the way the forward pass came, not through its transpose."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"].T)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("W_hh_missing")
def W_hh_missing(params, X, h, dY):
    """The carry is handed on without going through W_hh at all."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, np.eye(h.shape[-1]))
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("wrong_direction")
def wrong_direction(params, X, h, dY):
    """The loop runs forward in time, so the carry comes from the past."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ = walk_back(dH[::-1], tanh_prime[::-1], params["W_hh"])[::-1]
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


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
