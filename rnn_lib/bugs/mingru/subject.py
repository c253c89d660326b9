"""What the diagnosis must know of MinGRU."""

import numpy as np

from rnn_lib.bugs.kinds import KINDS
from rnn_lib.bugs.mingru.patients import MINGRU_BUGS, assemble, right
from rnn_lib.bugs.subject import Problem, Subject
from rnn_lib.initialization import order_one
from rnn_lib.mingru import MinGRU

__all__ = ["MINGRU_SUBJECT"]

MINGRU_KINDS = KINDS | {
    "carry_missing": (
        "Each step's error stays at its own step. h_t reaches the loss by two roads, through y_t and through h_{t+1}. "
        "Look at the line where dL/dh_t is put together: which road is missing, or computed and then dropped?"
    ),
    "multiplier_missing": (
        "The carry goes back by the wrong factor. Look at what h_{t-1} is multiplied by in the forward pass: the same "
        "number takes the error back."
    ),
    "multiplier_off_by_one": (
        "The multiplier belongs to another step. h_{t-1} reaches h_t through step t's own multiplier, so dL/dh_t goes "
        "back through that one. Look at the index in the line that makes the carry."
    ),
    "gate_derivative_missing": (
        "The way from z_t back to W_z leads through the sigmoid, and your slope is not the sigmoid's. Look at the line "
        "that makes the gate's error: differentiate sigmoid(s) and express it through z."
    ),
    "old_state_missing": (
        "The gate stands in two terms: it lets the candidate in, and it lets the old state go. Differentiate "
        "(1 - z) h + z c by z: how does each term change when z grows?"
    ),
    "candidate_gate_missing": (
        "The candidate enters h_t multiplied by something. Look at the line that makes its error."
    ),
}


def make_problem(T, B, I, H, O, seed, size=1.0, **weights):
    """Return random weights of this size, but for those that are given, and what they do to random data."""
    rng = np.random.default_rng(seed)
    model = MinGRU(I, H, O)
    model.set_params({name: size * order_one(p.shape, rng) for name, p in model.params.items()} | weights)
    X = size * rng.normal(size=(T, B, I))
    model.forward(X, size * rng.uniform(-0.9, 0.9, (B, H)))
    args = {"params": model.params, "X": X, "hidden_states": model.hidden_states, "dY": rng.normal(size=(T, B, O))}
    axes = {"X": ("T", "B", "I"), "hidden_states": ("T+1", "B", "H"), "dY": ("T", "B", "O")}
    return Problem(args, axes, right)


def in_blocks(k, params, X, h, dY):
    """The carry starts again from zero every k steps."""
    return assemble(params, X, h, dY, {"carried": lambda dh, a, t: 0 if t % k == 0 else dh * a[t]})


def last_steps(k, params, X, h, dY):
    """The walk back ends after k steps: all gradients come from the last k steps."""
    return right(params, X[-k:], h[-k - 1 :], dY[-k:])


SIZES = {"T": 7, "B": 3, "I": 4, "H": 5, "O": 2}
FIRST = make_problem(**SIZES, seed=1)
ALL_NEW = {"W_z": np.zeros((5, 4)), "b_z": np.full(5, 40.0)}  # gates so open that nothing of the old state is left
MINGRU_SUBJECT = Subject(
    first=FIRST,
    again=make_problem(**SIZES, seed=2, **FIRST.params),
    others=(
        make_problem(T=5, B=4, I=2, H=3, O=6, seed=3),
        make_problem(T=1, B=1, I=1, H=1, O=1, seed=5),
        make_problem(T=110, B=2, I=3, H=4, O=1, seed=4, b_z=np.full(4, -5.0)),  # slow to forget
    ),
    bugs=MINGRU_BUGS,
    kinds=MINGRU_KINDS,
    biases=frozenset({"b_z", "b_c", "b_y"}),
    walk=("b_c", "W_c", "b_z", "W_z"),
    forgotten=FIRST.with_args(hidden_states=np.concatenate(
        [FIRST.args["hidden_states"][:1], np.random.default_rng(6).uniform(-0.9, 0.9, (7, 3, 5))])),
    without_carry=make_problem(**SIZES, seed=1, **FIRST.params | ALL_NEW),
    silence="z_t = 1",
    unseen=(make_problem(T=3, B=2, I=5, H=6, O=4, seed=7), make_problem(T=3, B=2, I=5, H=6, O=4, seed=8, size=0.5)),
    shortened=(in_blocks, last_steps),
    of_the_walk=frozenset({"carry_missing", "multiplier_missing", "multiplier_off_by_one", "wrong_direction"}),
)
