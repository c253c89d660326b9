"""The right backward pass of the LSTM, made of parts, so that a patient can name the one that is wrong."""

import numpy as np

from rnn_lib.bugs.rnn.healthy import weight_gradients

__all__ = ["GATES", "assemble", "at_gates", "finish", "parts", "right", "walk"]

GATES = "ifgo"


def right(params, X, states, dY):
    """No mistake: what every patient would be without its wrong part."""
    return assemble(params, X, states, dY, {})


def assemble(params, X, states, dY, changes):
    """The right pass with these changes, {part: what stands in its place}.

    "weights" may hold more of them, which come after the walk back: they change the weights' gradients alone.
    """
    part = parts(params, X, states, dY) | changes
    dZ, dH, dC = walk(part)
    if "weights" in changes:
        dZ = at_gates(part | changes["weights"], dH, dC)
    return finish(part, dZ)


def parts(params, X, states, dY):
    """Return all that the walk back and the products after it are made of, for every step: {name: array}.

    dL/dz_t of a gate is dL/dc_t (for o: dL/dh_t) times `to_` the gate, its partner in the product, times its `slope_`.
    """
    h, c, i, f, g, o = (states[name] for name in ("h", "c", *GATES))
    tanh_c = np.tanh(c[1:])
    return {
        "dH": dY @ params["W_hy"],            # the road through y_t
        "to_i": g, "slope_i": i * (1 - i),
        "to_f": c[:-1], "slope_f": f * (1 - f),
        "to_g": i, "slope_g": 1 - g**2,
        "to_o": tanh_c, "slope_o": o * (1 - o),
        "to_c": o, "slope_c": 1 - tanh_c**2,  # from dL/dh_t to dL/dc_t
        "keep": f,                            # from dL/dc_t to dL/dc_{t-1}
        "W_hh": params["W_hh"],               # from dL/dz_t to dL/dh_{t-1}
        "dh_next": 0, "dc_next": 0,           # what comes back to the last step
        "order": range(4),                    # of the gates in the rows of the gradients
        "X": X, "h_before": h[:-1], "h_after": h[1:], "dY": dY,
    }


def walk(part):
    """Return dL/dz_t, (T, B, 4H), with the gates side by side, dL/dh_t and dL/dc_t, (T, B, H), for every step."""
    into, dc_dh, dH = local(part), part["to_c"] * part["slope_c"], np.array(part["dH"])
    dZ, dC, dh_next, dc_next = np.empty_like(into), np.empty_like(dH), part["dh_next"], part["dc_next"]
    for t in reversed(range(len(dH))):
        dH[t] += dh_next
        dC[t] = dH[t] * dc_dh[t] + dc_next
        dZ[t] = into[t] * np.concatenate([dC[t], dC[t], dC[t], dH[t]], axis=1)
        dh_next, dc_next = dZ[t] @ part["W_hh"], dC[t] * part["keep"][t]
    return dZ, dH, dC


def at_gates(part, dH, dC):
    """Return dL/dz_t, given dL/dh_t and dL/dc_t."""
    return local(part) * np.concatenate([dC, dC, dC, dH], axis=2)


def local(part):
    """Return what dL/dc_t, for o dL/dh_t, is multiplied by to become dL/dz_t, for every gate."""
    return np.concatenate([part[f"to_{gate}"] * part[f"slope_{gate}"] for gate in GATES], axis=2)


def finish(part, dZ):
    """Return the gradients made from dL/dz_t."""
    in_order = dZ.reshape(*dZ.shape[:2], 4, -1)[:, :, list(part["order"])].reshape(dZ.shape)
    return weight_gradients(part["X"], part["h_before"], part["h_after"], in_order, part["dY"])
