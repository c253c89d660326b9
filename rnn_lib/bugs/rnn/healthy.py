"""The right backward pass, in two halves: the walk back through time, and the weights' gradients.

It is made of named parts, so that a patient can name the one that is wrong.
"""

import numpy as np

__all__ = ["assemble", "right", "walk_back", "weight_gradients", "sum_of_products"]


def right(params, X, h, dY):
    """No mistake: what every patient would be without its wrong part."""
    return assemble(params, X, h, dY, {})


def assemble(params, X, h, dY, changes):
    """The right pass with these changes, {part: what stands in its place}."""
    part = {
        "dH": dY @ params["W_hy"],     # dL/dh_t through y_t alone
        "tanh_prime": 1 - h[1:] ** 2,  # from dL/dh_t to dL/dz_t
        "W_hh": params["W_hh"],        # from dL/dz_t to dL/dh_{t-1}
        "walk": walk_back,
        "X": X, "h_before": h[:-1], "h_after": h[1:], "dY": dY,
    } | changes
    dZ = part["walk"](part["dH"], part["tanh_prime"], part["W_hh"])
    return weight_gradients(part["X"], part["h_before"], part["h_after"], dZ, part["dY"])


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
