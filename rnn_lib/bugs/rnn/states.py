"""Which state belongs to which step."""

import numpy as np

from rnn_lib.bugs.rnn.buggy import change
from rnn_lib.bugs.rnn.healthy import walk_back

__all__ = [
    "state_off_by_one", "state_off_by_one_in_W_hy", "previous_state_one_step_late", "input_one_step_late",
    "own_state_one_step_late", "states_one_step_late", "first_step_skipped", "first_step_skipped_everywhere",
    "initial_state_left_out", "last_step_skipped", "state_wraps", "state_wraps_one_step_late",
    "all_states_late_and_wrapped", "first_state_for_initial_state",
]


@change("state_off_by_one")
def state_off_by_one(params, X, h, dY):
    """The gradient of W_hh is made with h_t where h_{t-1} belongs."""
    return {"h_before": h[1:]}


@change("state_off_by_one")
def state_off_by_one_in_W_hy(params, X, h, dY):
    """The gradient of W_hy is made with h_{t-1} where h_t belongs."""
    return {"h_after": h[:-1]}


@change("state_off_by_one")
def previous_state_one_step_late(params, X, h, dY):
    """The gradient of W_hh is made with h_{t-2} where h_{t-1} belongs (h_0 at the first step)."""
    return {"h_before": np.concatenate([h[:1], h[:-2]])}


@change("state_off_by_one")
def input_one_step_late(params, X, h, dY):
    """The gradient of W_xh is made with x_{t-1} where x_t belongs."""
    return {"X": np.roll(X, 1, axis=0)}


@change("state_off_by_one")
def own_state_one_step_late(params, X, h, dY):
    """h_{t-1} stands for h_t, in tanh' and in the gradient of W_hy alike."""
    return {"tanh_prime": 1 - h[:-1] ** 2, "h_after": h[:-1]}


@change("state_off_by_one")
def states_one_step_late(params, X, h, dY):
    """Every hidden state is read one step late: h_{t-1} for h_t, and h_{t-2} for h_{t-1} (h_0 at the first step)."""
    late = np.concatenate([h[:1], h[:-1]])
    return {"tanh_prime": 1 - late[1:] ** 2, "h_before": late[:-1], "h_after": late[1:]}


@change("state_off_by_one")
def first_step_skipped(params, X, h, dY):
    """The loop stops before the first step, whose share is missing from every gradient of the hidden layer."""
    return {"walk": all_but_the_first}


@change("state_off_by_one")
def first_step_skipped_everywhere(params, X, h, dY):
    """The loop stops before the first step, whose share is missing from every gradient."""
    return {"walk": all_but_the_first, "dY": np.concatenate([0 * dY[:1], dY[1:]])}


def all_but_the_first(*parts):
    """Walk back, and forget dL/dz_t of the first step."""
    dZ = walk_back(*parts)
    dZ[0] = 0
    return dZ


@change("state_off_by_one")
def initial_state_left_out(params, X, h, dY):
    """The gradient of W_hh leaves out the first step, where h_{t-1} is the initial state."""
    return {"h_before": np.concatenate([0 * h[:1], h[1:-1]])}


@change("state_off_by_one")
def last_step_skipped(params, X, h, dY):
    """The loop starts one step too early in time: the last step and its error are left out."""
    silent = np.concatenate([dY[:-1], 0 * dY[-1:]])
    return {"dH": silent @ params["W_hy"], "dY": silent}


@change("state_wraps")
def state_wraps(params, X, h, dY):
    """At the first step h_{t-1} is read at index -1, which is the last state."""
    return {"h_before": np.roll(h[1:], 1, axis=0)}


@change("state_wraps")
def state_wraps_one_step_late(params, X, h, dY):
    """h_{t-1} is read one index too early, h_{t-2}, which at the first step is index -1, the last state."""
    return {"h_before": np.roll(h, 1, axis=0)[:-1]}


@change("state_wraps")
def all_states_late_and_wrapped(params, X, h, dY):
    """Every hidden state is read one step late, and at the first step h_{t-1} is index -1, the last state."""
    return {"tanh_prime": 1 - h[:-1] ** 2, "h_before": np.roll(h, 1, axis=0)[:-1], "h_after": h[:-1]}


@change("state_off_by_one")
def first_state_for_initial_state(params, X, h, dY):
    """The gradient of W_hh is made with h_1 where h_0 belongs, at the first step alone."""
    return {"h_before": np.concatenate([h[1:2], h[1:-1]])}
