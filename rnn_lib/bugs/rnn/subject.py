"""What the diagnosis must know of the RNN."""

import numpy as np

from rnn_lib.bugs.kinds import KINDS
from rnn_lib.bugs.rnn.buggy import BUGS
from rnn_lib.bugs.rnn.carry import in_blocks, windowed
from rnn_lib.bugs.rnn.healthy import right, walk_back, weight_gradients
from rnn_lib.bugs.subject import SIZES, Subject, problem_maker, usual_problems
from rnn_lib.initialization import order_one
from rnn_lib.rnn import RNN

__all__ = ["RNN_SUBJECT"]


def slow_to_fade(I, H, seed):
    """Return weights with which an error is felt over more than a hundred steps."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(H, H)))[0]
    return {"W_xh": 0.1 * order_one((H, I), rng), "W_hh": 1.05 * rotation, "b_h": 0.1 * order_one((H,), rng)}


def last_steps(k, params, X, h, dY):
    """The walk back ends after k steps: the hidden layer's gradients come from the last k steps."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    dZ[:-k] = 0
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


make_problem = problem_maker(RNN, right, lambda model: {"hidden_states": model.hidden_states}, {
    "hidden_states": ("T+1", "B", "H"),
})
USUAL = usual_problems(make_problem, **slow_to_fade(3, 4, seed=4))
FIRST = USUAL["first"]
RNN_SUBJECT = Subject(
    **USUAL,
    bugs=BUGS,
    kinds=KINDS,
    biases=frozenset({"b_h", "b_y"}),
    walk=("b_h", "W_xh", "W_hh"),
    forgotten=FIRST.with_args(hidden_states=np.concatenate(
        [FIRST.args["hidden_states"][:1], np.random.default_rng(6).uniform(-0.9, 0.9, (7, 3, 5))])),
    without_carry=make_problem(**SIZES, seed=1, **FIRST.params | {"W_hh": np.zeros((5, 5))}),
    silence="W_hh = 0",
    shortened=(
        lambda k, params, X, h, dY: weight_gradients(X, h[:-1], h[1:], windowed(k, params, h, dY), dY),
        lambda k, params, X, h, dY: weight_gradients(X, h[:-1], h[1:], in_blocks(k, params, h, dY), dY),
        lambda k, params, X, h, dY: weight_gradients(X, h[:-1], h[1:], in_blocks(k, params, h, dY, len(X) % k), dY),
        last_steps,
        lambda k, params, X, h, dY: right(params, X[-k:], h[-k - 1 :], dY[-k:]),
    ),
    told_apart=frozenset({
        "tanh_derivative_missing", "initial_state_left_out", "first_step_skipped", "first_step_skipped_everywhere",
        "last_step_skipped",
    }),
    of_the_walk=frozenset({
        "W_hh_missing", "W_hh_untransposed", "carry_missing", "carry_negated", "carry_start", "error_reinjected",
        "errors_dropped", "tanh_derivative_wrong_side", "wrong_direction",
    }),
)
