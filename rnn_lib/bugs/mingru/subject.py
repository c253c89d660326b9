"""What the diagnosis must know of MinGRU."""

import numpy as np

from rnn_lib.bugs.kinds import KINDS
from rnn_lib.bugs.mingru.patients import MINGRU_BUGS, assemble, right
from rnn_lib.bugs.subject import SIZES, Subject, problem_maker, usual_problems
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
    "bracket_turned": (
        "The gate's error has the wrong sign. Differentiate (1 - z) h + z c by z: which of the two grows with z?"
    ),
    "candidate_gate_missing": (
        "The candidate enters h_t multiplied by something. Look at the line that makes its error."
    ),
}


def in_blocks(k, params, X, h, dY):
    """The carry starts again from zero every k steps."""
    return assemble(params, X, h, dY, {"carried": lambda dh, a, t: 0 if t % k == 0 else dh * a[t]})


def last_steps(k, params, X, h, dY):
    """The walk back ends after k steps: all gradients come from the last k steps."""
    return right(params, X[-k:], h[-k - 1 :], dY[-k:])


make_problem = problem_maker(MinGRU, right, lambda model: {"hidden_states": model.hidden_states}, {
    "hidden_states": ("T+1", "B", "H"),
})
USUAL = usual_problems(make_problem, b_z=np.full(4, -5.0))  # slow to forget
FIRST = USUAL["first"]
ALL_NEW = {"W_z": np.zeros((5, 4)), "b_z": np.full(5, 40.0)}  # gates so open that nothing of the old state is left
MINGRU_SUBJECT = Subject(
    **USUAL,
    bugs=MINGRU_BUGS,
    kinds=MINGRU_KINDS,
    biases=frozenset({"b_z", "b_c", "b_y"}),
    walk=("b_c", "W_c", "b_z", "W_z"),
    forgotten=FIRST.with_args(hidden_states=np.concatenate(
        [FIRST.args["hidden_states"][:1], np.random.default_rng(6).uniform(-0.9, 0.9, (7, 3, 5))])),
    without_carry=make_problem(**SIZES, seed=1, **FIRST.params | ALL_NEW),
    silence="z_t = 1",
    shortened=(in_blocks, last_steps),
    of_the_walk=frozenset({"carry_missing", "multiplier_missing", "multiplier_off_by_one", "wrong_direction"}),
)
