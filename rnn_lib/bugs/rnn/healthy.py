"""The right backward pass, in two halves: the walk back through time, and the weights' gradients."""

import numpy as np

__all__ = ["right", "walk_back", "weight_gradients", "sum_of_products"]


def right(params, X, h, dY):
    """No mistake: what every patient below would be without its wrong line."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


def walk_back(dH, tanh_prime, W_hh):
    """Return dL/dz_t for every step, (T, B, H), given dL/dh_t through y_t alone and tanh'(z_t)."""
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dZ[t] = (dH[t] + carry) * tanh_prime[t]
        carry = dZ[t] @ W_hh
    return dZ


def weight_gradients(X, h_before, h_after, dZ, dY):
    """Return the gradients, summed over time and batch; h_before holds h_{t-1}, h_after holds h_t."""
    return {
        "W_xh": sum_of_products(dZ, X),
        "W_hh": sum_of_products(dZ, h_before),
        "b_h": dZ.sum(axis=(0, 1)),
        "W_hy": sum_of_products(dY, h_after),
        "b_y": dY.sum(axis=(0, 1)),
    }


def sum_of_products(A, B):
    """Return the sum over all steps and sequences of the outer products of A (T, B, m) and B (T, B, n): (m, n)."""
    return A.reshape(-1, A.shape[-1]).T @ B.reshape(-1, B.shape[-1])
