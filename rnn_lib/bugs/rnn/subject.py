"""What the diagnosis must know of the RNN."""

import numpy as np

from rnn_lib.bugs.kinds import KINDS
from rnn_lib.bugs.rnn.buggy import BUGS
from rnn_lib.bugs.rnn.carry import in_blocks, windowed
from rnn_lib.bugs.rnn.healthy import right, walk_back, weight_gradients
from rnn_lib.bugs.subject import Problem, Subject
from rnn_lib.initialization import order_one
from rnn_lib.rnn import RNN

__all__ = ["RNN_SUBJECT"]


def make_problem(T, B, I, H, O, seed, size=1.0, **weights):
    """Return random weights of this size, but for those that are given, and what they do to random data."""
    rng = np.random.default_rng(seed)
    model = RNN(I, H, O)
    model.set_params({name: size * order_one(p.shape, rng) for name, p in model.params.items()} | weights)
    X = size * rng.normal(size=(T, B, I))
    model.forward(X, size * rng.uniform(-0.9, 0.9, (B, H)))
    args = {"params": model.params, "X": X, "hidden_states": model.hidden_states, "dY": rng.normal(size=(T, B, O))}
    axes = {"X": ("T", "B", "I"), "hidden_states": ("T+1", "B", "H"), "dY": ("T", "B", "O")}
    return Problem(args, axes, right)


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


SIZES = {"T": 7, "B": 3, "I": 4, "H": 5, "O": 2}
FIRST = make_problem(**SIZES, seed=1)
RNN_SUBJECT = Subject(
    first=FIRST,
    again=make_problem(**SIZES, seed=2, **FIRST.params),
    others=(
        make_problem(T=5, B=4, I=2, H=3, O=6, seed=3),
        make_problem(T=1, B=1, I=1, H=1, O=1, seed=5),
        make_problem(T=110, B=2, I=3, H=4, O=1, seed=4, **slow_to_fade(3, 4, seed=4)),
    ),
    bugs=BUGS,
    kinds=KINDS,
    biases=frozenset({"b_h", "b_y"}),
    walk=("b_h", "W_xh", "W_hh"),
    forgotten=FIRST.with_args(hidden_states=np.concatenate(
        [FIRST.args["hidden_states"][:1], np.random.default_rng(6).uniform(-0.9, 0.9, (7, 3, 5))])),
    without_carry=make_problem(**SIZES, seed=1, **FIRST.params | {"W_hh": np.zeros((5, 5))}),
    silence="W_hh = 0",
    unseen=(make_problem(T=3, B=2, I=5, H=6, O=4, seed=7), make_problem(T=3, B=2, I=5, H=6, O=4, seed=8, size=0.5)),
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
