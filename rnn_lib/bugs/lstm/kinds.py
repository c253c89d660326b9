"""What each kind of mistake in an LSTM's backward pass is: the idea to go back to, never the corrected line."""

from rnn_lib.bugs.kinds import KINDS

__all__ = ["LSTM_KINDS"]

SHARED = (
    "wrong_direction", "carry_start", "truncated", "clipped", "small_lost", "error_reinjected", "errors_dropped",
    "not_zeroed", "stale_cache", "not_summed", "bias_missing", "gradient_transposed", "scale", "weight_decay",
    "params_changed",
)
LSTM_KINDS = {
    "cell_carry_missing": (
        "The cell's own road back is missing. c_t reaches the loss by two roads, through h_t and through c_{t+1}. Look "
        "at the line where dL/dc_t is put together, and at what uses it: which road is not there?"
    ),
    "cell_carry_not_handed_on": (
        "What comes back through the cell ends at the next step. dL/dc_t is the sum of two roads, and all of it goes "
        "on to c_{t-1}. Look at the line that makes what the next round of the loop starts from: is it made of the "
        "sum?"
    ),
    "cell_carry_wrong_place": (
        "What comes back through c_{t+1} joins at the wrong place. c_{t+1} is made from c_t itself, not from h_t: no o "
        "and no tanh lie on that road. Look at the line where dL/dc_t is put together: what stands inside the bracket?"
    ),
    "forget_gate_missing": (
        "The cell's carry is not multiplied by the forget gate. c_{t-1} enters c_t multiplied by something. Look at "
        "the line that makes what goes back to c_{t-1}."
    ),
    "gate_for_another": (
        "Another gate's value stands in a product. f is what c_{t-1} is multiplied by, o what tanh(c_t) is multiplied "
        "by. Look at the two lines that lead to dL/dc_t: from h_t, and back to c_{t-1}."
    ),
    "gate_wrong_step": (
        "A gate belongs to another step. Each step has its own gates: f_t stands between c_{t-1} and c_t, o_t between "
        "c_t and h_t. states['f'][0] is the first step's, states['c'][0] is the initial state. Look at the indices."
    ),
    "output_gate_missing": (
        "dL/dc_t is made without the output gate. h_t is tanh(c_t) multiplied by something. Look at the line from "
        "dL/dh_t to dL/dc_t: which of the two factors of that product is missing?"
    ),
    "hidden_to_cell_missing": (
        "Nothing comes from h_t to c_t. c_t reaches the loss by two roads, through h_t and through c_{t+1}; without "
        "the first no error ever enters the cell. Look at the line where dL/dc_t is put together."
    ),
    "tanh_of_cell_missing": (
        "A factor tanh' is missing. Between c_t and h_t lies a tanh, so on the way back from dL/dh_t to dL/dc_t lies "
        "its derivative. Look at that line."
    ),
    "tanh_of_cell_wrong": (
        "That is not the derivative of tanh at c_t. The forward pass keeps c_t, which is not squashed yet, and h_t, "
        "which is squashed and then multiplied by o_t. Look at the line from dL/dh_t to dL/dc_t: what is squared?"
    ),
    "output_gate_partner": (
        "The output gate has the wrong partner. In h_t it is multiplied by a squashed cell state, and that is what its "
        "gradient is multiplied by. Look at the line of dL/do_t."
    ),
    "output_gate_error": (
        "The output gate's gradient starts from dL/dc_t. o_t stands in the product that makes h_t, not in c_t. Look at "
        "the line of dL/do_t: which of the two errors is multiplied there?"
    ),
    "partner_missing": (
        "A gate's partner is missing. The derivative of a product is the other factor: what does the forward pass "
        "multiply this gate by? Look at the lines of dL/di_t, dL/df_t, dL/dg_t and dL/do_t."
    ),
    "input_gate_swapped": (
        "i and g are exchanged. They meet in the product i_t g_t: each one's derivative is the other one, and then "
        "each has the slope of its own function, sigmoid or tanh. Look at the lines of dL/di_t and dL/dg_t, to the "
        "end."
    ),
    "gates_swapped": (
        "The gates' gradients stand in the rows of other gates. The rows are stacked in the order i, f, g, o, H rows "
        "each. Look at the line that joins the four: in which order?"
    ),
    "gate_left_out_of_carry": (
        "The carry lacks a gate. h_{t-1} enters all four gates of step t, so what comes back is the sum of four "
        "products. Look at the line that makes dL/dh_{t-1}: are the four added, or does one replace another?"
    ),
    "sigmoid_derivative_missing": (
        "A factor sigmoid' is missing. i, f and o are sigmoids of their z: from dL/di_t to its dL/dz_t lies the slope, "
        "for the weights' gradients and for the carry alike. Look at each gate's last factor, and at what is used "
        "where."
    ),
    "tanh_derivative_missing": (
        "A factor tanh' is missing. g is a tanh of its z: from dL/dg_t to its dL/dz_t lies the slope, for the weights' "
        "gradients and for the carry alike. Look at the line of g, and at what is used where."
    ),
    "double_sigmoid": (
        "sigmoid is applied twice. Your sigmoid' is written for z_t, but what the forward pass kept is the gate, "
        "already squashed. Look at the lines with sigmoid': what are they a function of?"
    ),
    "double_tanh": (
        "tanh is applied twice. Your tanh' is written for z_t, but what the forward pass kept is g_t, already "
        "squashed. Look at the line of g with tanh': what is it a function of?"
    ),
    "wrong_derivative": (
        "That is not the slope of the gate's function. i, f and o are sigmoids, g is a tanh. Look at each gate's last "
        "factor: differentiate sigmoid(z) and tanh(z), and express them through their own values."
    ),
    "cell_off_by_one": (
        "The cell state is a step off. states['c'][0] is the initial one, so there is one more than there are steps. "
        "f_t is multiplied by the state before, tanh is taken of the state after. Look at the index of c in each line."
    ),
    "cell_for_hidden": (
        "Hidden state and cell state are mixed up. Gates and outputs read h; c is read by the cell alone. Look at "
        "which of the two stands in the gradients of W_hh and W_hy, and in the line of dL/df_t."
    ),
    "hidden_carry_missing": (
        "The road through the gates of the next step is missing. h_t reaches the loss by two roads, through y_t and "
        "through z_{t+1}, which makes all four gates. Look at the line where dL/dh_t is put together."
    ),
    "carry_missing": (
        "Each step's error stays at its own step. h_t is needed for the gates of step t + 1, and c_t for c_{t+1}: both "
        "bring something back. Look at the lines where dL/dh_t and dL/dc_t are put together."
    ),
    "W_hh_untransposed": (
        "The carry goes through W_hh the wrong way round. The forward pass multiplies by each gate's square of W_hh to "
        "get from h_{t-1} to z_t; the way back swaps inputs and outputs. Look at the line that makes dL/dh_{t-1}."
    ),
    "carry_negated": (
        "The carry has the wrong sign. What comes by the two roads is added up, at h_t and at c_t. Look at the lines "
        "where they join, and for a minus sign in the lines that make what goes back."
    ),
    "state_off_by_one": (
        "A step is off by one. states['h'][0] is the initial state, so there is one more than there are steps. Look at "
        "the index of h and X in each product, and at both ends of the loop."
    ),
    "state_wraps": (
        "Index -1 wraps round. At the first step, t - 1 is -1, and NumPy reads that as the last state. Look at the "
        "index of h_{t-1} and c_{t-1}: index 0 is the initial state."
    ),
} | {kind: KINDS[kind] for kind in SHARED}
