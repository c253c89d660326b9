"""Which state, which cell and which output error belong to which step."""

import numpy as np

from rnn_lib.bugs.lstm.buggy import change, patient
from rnn_lib.bugs.lstm.healthy import finish, parts, walk
from rnn_lib.bugs.rnn.healthy import weight_gradients

__all__ = [
    "state_off_by_one", "state_off_by_one_in_W_hy", "previous_state_one_step_late", "input_one_step_late",
    "first_step_skipped", "first_step_skipped_everywhere", "initial_state_left_out", "last_step_skipped",
    "cell_off_by_one", "previous_cell_one_step_late", "initial_cell_left_out", "cell_one_step_late_in_output_gate",
    "cell_one_step_late_in_tanh", "cell_one_step_late", "state_wraps", "cell_wraps", "state_and_cell_wrap",
    "cell_for_hidden", "cell_for_hidden_in_W_hh", "cell_for_hidden_in_both", "hidden_for_cell",
    "gates_one_step_late", "error_reinjected", "error_reinjected_on_top", "error_entered_twice", "only_last_error",
    "only_last_error_everywhere",
]


@change("state_off_by_one")
def state_off_by_one(params, X, states, dY):
    """The gradient of W_hh is made with h_t where h_{t-1} belongs."""
    return {"h_before": states["h"][1:]}


@change("state_off_by_one")
def state_off_by_one_in_W_hy(params, X, states, dY):
    """The gradient of W_hy is made with h_{t-1} where h_t belongs."""
    return {"h_after": states["h"][:-1]}


@change("state_off_by_one")
def previous_state_one_step_late(params, X, states, dY):
    """The gradient of W_hh is made with h_{t-2} where h_{t-1} belongs (h_0 at the first step)."""
    return {"h_before": late(states["h"][:-1])}


@change("state_off_by_one")
def input_one_step_late(params, X, states, dY):
    """The gradient of W_xh is made with x_{t-1} where x_t belongs."""
    return {"X": np.roll(X, 1, axis=0)}


@change("state_off_by_one")
def initial_state_left_out(params, X, states, dY):
    """The gradient of W_hh leaves out the first step, where h_{t-1} is the initial state."""
    return {"h_before": without_first(states["h"][:-1])}


@patient("state_off_by_one")
def first_step_skipped(params, X, states, dY):
    """The loop stops before the first step, whose share is missing from every gradient of the hidden layer."""
    part = parts(params, X, states, dY)
    return finish(part, without_first(walk(part)[0]))


@patient("state_off_by_one")
def first_step_skipped_everywhere(params, X, states, dY):
    """The loop stops before the first step, whose share is missing from every gradient."""
    part, h = parts(params, X, states, dY), states["h"]
    return weight_gradients(X[1:], h[1:-1], h[2:], walk(part)[0][1:], dY[1:])


@change("state_off_by_one")
def last_step_skipped(params, X, states, dY):
    """The loop starts one step too early in time: the last step and its error are left out."""
    silent = np.concatenate([dY[:-1], 0 * dY[-1:]])
    return {"dY": silent, "dH": silent @ params["W_hy"]}


@change("cell_off_by_one")
def cell_off_by_one(params, X, states, dY):
    """The forget gate's gradient is made with c_t where c_{t-1} belongs."""
    return {"to_f": states["c"][1:]}


@change("cell_off_by_one")
def previous_cell_one_step_late(params, X, states, dY):
    """The forget gate's gradient is made with c_{t-2} where c_{t-1} belongs (c_0 at the first step)."""
    return {"to_f": late(states["c"][:-1])}


@change("cell_off_by_one")
def initial_cell_left_out(params, X, states, dY):
    """The forget gate's gradient leaves out the first step, where c_{t-1} is the initial cell state."""
    return {"to_f": without_first(states["c"][:-1])}


@change("cell_off_by_one")
def cell_one_step_late_in_output_gate(params, X, states, dY):
    """The output gate's gradient is made with tanh(c_{t-1}) where tanh(c_t) belongs."""
    return {"to_o": np.tanh(states["c"][:-1])}


@change("cell_off_by_one")
def cell_one_step_late_in_tanh(params, X, states, dY):
    """Between h_t and c_t stands 1 - tanh(c_{t-1})², another step's."""
    return {"slope_c": 1 - np.tanh(states["c"][:-1]) ** 2}


@change("cell_off_by_one")
def cell_one_step_late(params, X, states, dY):
    """c_{t-1} stands for c_t wherever tanh(c_t) is used."""
    tanh_c = np.tanh(states["c"][:-1])
    return {"to_o": tanh_c, "slope_c": 1 - tanh_c**2}


@change("state_wraps")
def state_wraps(params, X, states, dY):
    """At the first step h_{t-1} is read at index -1, which is the last state."""
    return {"h_before": np.roll(states["h"][1:], 1, axis=0)}


@change("state_wraps")
def cell_wraps(params, X, states, dY):
    """At the first step c_{t-1} is read at index -1, which is the last cell state."""
    return {"to_f": np.roll(states["c"][1:], 1, axis=0)}


@change("state_wraps")
def state_and_cell_wrap(params, X, states, dY):
    """At the first step h_{t-1} and c_{t-1} are read at index -1, which is the last step's."""
    return {name: np.roll(states[letter][1:], 1, axis=0) for name, letter in (("h_before", "h"), ("to_f", "c"))}


@change("cell_for_hidden")
def cell_for_hidden(params, X, states, dY):
    """The gradient of W_hy is made with the cell state where h_t belongs."""
    return {"h_after": states["c"][1:]}


@change("cell_for_hidden")
def cell_for_hidden_in_W_hh(params, X, states, dY):
    """The gradient of W_hh is made with the cell state where h_{t-1} belongs."""
    return {"h_before": states["c"][:-1]}


@change("cell_for_hidden")
def cell_for_hidden_in_both(params, X, states, dY):
    """The gradients of W_hh and W_hy are made with the cell state where the hidden state belongs."""
    return {"h_before": states["c"][:-1], "h_after": states["c"][1:]}


@change("cell_for_hidden")
def hidden_for_cell(params, X, states, dY):
    """The forget gate's gradient is made with h_{t-1} where c_{t-1} belongs."""
    return {"to_f": states["h"][:-1]}


@patient("gate_wrong_step")
def gates_one_step_late(params, X, states, dY):
    """All gates are read one step late (those of step 1 at the first step)."""
    part = parts(params, X, states | {gate: late(states[gate]) for gate in "ifgo"}, dY)
    return finish(part, walk(part)[0])


@change("error_reinjected")
def error_reinjected(params, X, states, dY):
    """The last step's output error is injected again at every step, in place of each step's own."""
    return {"dH": np.broadcast_to(dY[-1], dY.shape) @ params["W_hy"]}


@change("error_reinjected")
def error_reinjected_on_top(params, X, states, dY):
    """The last step's output error is added at every earlier step, on top of each step's own."""
    return {"dH": np.concatenate([dY[:-1] + dY[-1], dY[-1:]]) @ params["W_hy"]}


@change("error_reinjected")
def error_entered_twice(params, X, states, dY):
    """The carry starts with the last step's output error instead of zero, so that this error enters twice."""
    return {"dH": np.concatenate([dY[:-1], 2 * dY[-1:]]) @ params["W_hy"]}


@change("errors_dropped")
def only_last_error(params, X, states, dY):
    """Only the last step's error enters the walk back; the other steps' errors never reach the hidden layer."""
    return {"dH": np.concatenate([0 * dY[:-1], dY[-1:]]) @ params["W_hy"]}


@change("errors_dropped")
def only_last_error_everywhere(params, X, states, dY):
    """Only the last step's error is used; the other steps' errors are ignored."""
    last = np.concatenate([0 * dY[:-1], dY[-1:]])
    return {"dY": last, "dH": last @ params["W_hy"]}


def late(a):
    """Return an array (T, …) one step late: its first step twice, and not its last."""
    return np.concatenate([a[:1], a[:-1]])


def without_first(a):
    """Return an array (T, …) with zeros at its first step."""
    return np.concatenate([0 * a[:1], a[1:]])
