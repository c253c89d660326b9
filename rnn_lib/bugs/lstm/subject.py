"""What the diagnosis must know of the LSTM."""

import numpy as np

from rnn_lib.bugs.lstm.buggy import FURTHER_FORMS, LSTM_BUGS, states_of
from rnn_lib.bugs.lstm.carry import in_blocks, windowed
from rnn_lib.bugs.lstm.healthy import GATES, finish, parts, right, walk
from rnn_lib.bugs.lstm.kinds import LSTM_KINDS
from rnn_lib.bugs.subject import SIZES, Subject, problem_maker, usual_problems
from rnn_lib.lstm import LSTM

__all__ = ["LSTM_SUBJECT", "make_problem"]


def shut(params):
    """Return weights for which nothing comes back: h_{t-1} enters no gate, and the forget gates are 0."""
    W_xh, b_h, f = params["W_xh"].copy(), params["b_h"].copy(), slice(len(params["b_h"]) // 4, len(params["b_h"]) // 2)
    W_xh[f], b_h[f] = 0, -1000
    return params | {"W_xh": W_xh, "W_hh": 0 * params["W_hh"], "b_h": b_h}


def remembering(H):
    """Return biases with which the forget gates stay nearly open: an error is felt over more than a hundred steps."""
    return {"b_h": np.repeat([0.5, 4.0, 0.2, 0.5], H)}


def noise(first):
    """Return states that no forward pass made."""
    rng = np.random.default_rng(6)
    return {name: rng.uniform(0.1, 0.9, a.shape) for name, a in first.args["states"].items()}


def shortened(walk_back):
    """Return a function (k, *arguments) -> gradients: dL/dz_t is walk_back(k, parts)."""
    def backward(k, *args):
        part = parts(*args)
        return finish(part, walk_back(k, part))

    return backward


def last_steps(k, part):
    """The walk back ends after k steps: the hidden layer's gradients come from the last k steps."""
    dZ, _, _ = walk(part)
    dZ[:-k] = 0
    return dZ


make_problem = problem_maker(LSTM, right, lambda model: {"states": states_of(model)}, {
    "states": {**dict.fromkeys("hc", ("T+1", "B", "H")), **dict.fromkeys(GATES, ("T", "B", "H"))},
})
USUAL = usual_problems(make_problem, **remembering(4))
FIRST = USUAL["first"]
LSTM_SUBJECT = Subject(
    **USUAL,
    bugs=LSTM_BUGS,
    kinds=LSTM_KINDS,
    biases=frozenset({"b_h", "b_y"}),
    walk=("b_h", "W_xh", "W_hh"),
    forgotten=FIRST.with_args(states=noise(FIRST)),
    without_carry=make_problem(**SIZES, seed=1, **shut(FIRST.params)),
    silence="W_hh = 0 and every f_t = 0",
    shortened=(
        shortened(windowed),
        shortened(in_blocks),
        shortened(lambda k, part: in_blocks(k, part, len(part["dH"]) % k)),
        shortened(last_steps),
    ),
    told_apart=frozenset({
        "sigmoid_derivative_missing", "tanh_derivative_missing", "gates_swapped", "gate_left_out_of_carry",
        "partner_missing", "wrong_derivative", "tanh_of_cell_wrong", "cell_off_by_one", "gate_for_another",
        "gate_wrong_step", "initial_state_left_out", "first_step_skipped", "first_step_skipped_everywhere",
        "last_step_skipped",
    }),
    of_the_walk=frozenset({
        "W_hh_untransposed", "carry_missing", "carry_negated", "carry_start", "error_reinjected", "errors_dropped",
        "hidden_carry_missing", "cell_carry_missing", "wrong_direction",
    }),
    gates=GATES,
    unpaired=frozenset(FURTHER_FORMS),
)
