"""Checks of the exercises in notebook 01."""

import copy
import math

import numpy as np

from rnn_lib.exercises.verdict import (
    Verdict,
    attempt,
    call,
    close,
    is_single,
    is_unfilled,
    judge,
    require,
    require_filled,
    returns_report,
    safe_describe,
)
from rnn_lib.losses import softmax

__all__ = ["check_which_outputs_change", "check_step", "check_forward", "check_memory_length"]


@returns_report
def check_which_outputs_change(answer):
    """Check exercise 1: the steps of T = 3 whose output changes when x_2 changes, such as [1, 3]."""
    require_filled("answer", answer)
    steps = (1, 2, 3)
    try:
        strange = [item for item in answer if item not in steps]
    except Exception:  # whatever was handed in cannot be searched
        raise Verdict("wrong_type", f"answer: expected a list of steps, got {safe_describe(answer)}.") from None
    only = f"answer: expected only steps from 1 to 3 in the list, got {safe_describe(answer)}."
    require(not strange, "wrong_type", only)
    mistakes = [
        ("no_effect", (), "something reads x_2. Follow the arrows that leave it."),
        ("memory_missing", (2,), "y_2 does change. Follow the arrow that leaves h_2 to the right: who reads it?"),
        ("sees_the_future", (1, 2, 3), "when y_1 is computed, x_2 has not been read. Which way do the arrows point?"),
        ("own_step_missing", (3,), "y_3 does change. Does y_2 not depend on h_2, and h_2 on x_2?"),
        ("backwards", (1, 2), "follow the arrows from x_2: they run up and to the right, never to the left."),
        ("backwards", (1,), "y_1 was finished before x_2 was read. Which way do the arrows point?"),
        ("all_others", (1, 3), "was y_1 not finished before x_2 was read? And which state is y_2 made from?"),
    ]
    mistakes = [(kind, [t in wrong for t in steps], advice) for kind, wrong, advice in mistakes]
    judge("answer", [t in answer for t in steps], [False, True, True], mistakes)
    return "x_2 changes h_2, and h_3 is made from h_2. y_1 came before."


@returns_report
def check_step(step):
    """Check exercise 2: `step(params, x_t, h_prev) -> (h_t, y_t)` for one sequence; x_t (I,), h_prev (H,)."""
    for sizes in ((1, 1, 2, 5, 4), (1, 1, 3, 2, 1)):
        params, X, h0 = problem(*sizes)
        hint = "The matrix product is `@`, and `*` multiplies element by element. For a vector write `W @ x`."
        pair = call_for_pair(step, ("h_t", "y_t"), copy.deepcopy(params), X[0, 0], h0[0], hints={ValueError: hint})
        states = unroll(params, X, h0)
        mistakes = [(kind, wrong(params, X[0], h0)[0], advice) for kind, (wrong, advice) in STEP_MISTAKES.items()]
        mistakes.append(("swapped", outputs(params, states[1, 0]), "you return (y_t, h_t). The order is h_t first."))
        remark = judge("h_t", pair[0], states[1, 0], mistakes)
        mistakes = [(kind, Y[0, 0], advice) for kind, Y, advice in output_mistakes(params, states)
                    if Y.shape == (1, 1, len(params["b_y"])) and kind != "batch_first"]
        judge("y_t", pair[1], outputs(params, states[1, 0]), mistakes, single=is_single(pair))
    return "one step of a recurrent network, for any sizes. The rest is a loop around it." + remark


@returns_report
def check_forward(forward):
    """Check exercise 3: `forward(params, X, h0) -> (hidden_states, Y)`.

    X is (T, B, I) and h0 (B, H); hidden_states is (T+1, B, H) with h0 at index 0, Y is (T, B, O). A wrong answer is
    recognised by the values it leaves: the states first, then Y given the right states; an argument that it writes
    into comes last. Never raises.
    """
    for turn, sizes in enumerate(((6, 3, 2, 5, 4), (6, 3, 2, 5, 4), (1, 1, 1, 1, 1), (3, 4, 5, 2, 1))):
        params, X, h0 = problem(*sizes)
        handed_in = copy.deepcopy({**params, "X": X, "h0": h0})
        arguments = {name: handed_in[name] for name in params}, handed_in["X"], handed_in["h0"]
        try:
            pair = call_for_pair(forward, ("hidden_states", "Y"), *arguments, hints={
                IndexError: "Python counts from 0: x_t is X[t-1], for t = 1 to T. There are T + 1 states.",
                ValueError: "With rows the weight stands on the right, transposed, as in `x_t @ W_xh.T`; and all sizes "
                "come from X and h0.",
            })
            remark = judge_forward(*pair, params, X, h0)
            require_unchanged({**params, "X": X, "h0": h0}, handed_in)
        except Verdict as verdict:
            if turn == 0:
                raise
            require(
                turn > 1, "not_fresh", "right at the first call, wrong at the second with the same arguments. "
                "Something is kept between calls: a list or an array made outside the function?",
            )
            T, B, I, H, O = sizes
            only = f"with T={T}, B={B}, I={I}, H={H}, O={O} only: {verdict.report.message}"
            raise Verdict(verdict.report.kind, only) from verdict
    return "every state and every output, for any T, B, I, H and O, from any initial state." + remark


def require_unchanged(before, after):
    """Raise a Verdict that names the first array that is not what it was."""
    for name, array in before.items():
        require(np.array_equal(after[name], array), "argument_changed", "what you return is right, but your function "
                f"also changes {name}. Whoever calls it still needs that array: write into a new one.")


def judge_forward(hidden_states, Y, params, X, h0):
    """Judge what one call of a learner's forward pass returned. Returns a remark, as `judge` does."""
    right = unroll(params, X, h0)
    advice = "you return (Y, hidden_states). The order is hidden_states first."
    mistakes = [*state_mistakes(params, X, h0), ("swapped", outputs(params, right[1:]), advice)]
    try:
        remark = judge("hidden_states", hidden_states, right, mistakes)
    except Verdict as verdict:
        if verdict.report.kind != "unknown":
            raise
        wrong = [t for t in range(len(right)) if not close(np.asarray(hidden_states, float)[t], right[t], 1e-9)]
        first = f"The first wrong one is hidden_states[{wrong[0]}]."
        raise Verdict("unknown", f"{verdict.report.message} {first}") from verdict
    single = is_single((hidden_states, Y))
    return judge("Y", Y, outputs(params, right[1:]), output_mistakes(params, right), single=single) or remark


@returns_report
def check_memory_length(memory_length):
    """Check exercise 4: `memory_length(w) -> int`, the first t with |h_t| < 0.01 if h_0 = 1, h_t = tanh(w h_{t-1})."""
    weights = (0.5, 0.9, -0.7, 0.98)
    got = call_each(memory_length, ("w",), [(w,) for w in weights])

    def run(w, activation=math.tanh, size=abs, limit=0.01):
        t, h = 0, 1.0
        while size(h) >= limit:
            t, h = t + 1, activation(w * h)
        return t, h

    def lengths(**changes):
        return np.array([run(w, **changes)[0] for w in weights])

    right = lengths()
    mistakes = [
        ("off_by_one", right - 1, "one too few. h_0 is t = 0; which t is the first state below the limit?"),
        ("off_by_one", right + 1, "one too many. h_0 is t = 0; which t is the first state below the limit?"),
        ("tanh_missing", lengths(activation=float), "that is how fast w**t fades. Where is tanh?"),
        ("sign_ignored", lengths(size=float), "with w = -0.7 the state alternates in sign. Negative is not small."),
        ("wrong_limit", lengths(limit=0.1), "that is when |h_t| falls below 0.1. The limit is 0.01."),
        ("state_returned", [run(w)[1] for w in weights], "that is the state h_t. The step t is wanted."),
        ("returned_at_once", np.ones(len(weights)), "1 for every w. Does `return` stand inside the loop, so that its "
         "first round is its last?"),
        ("w_missing", np.full(len(weights), run(1.0)[0]), "the same for every w. Does h_t depend on w?"),
    ]
    judge("memory_length", got, right, mistakes)
    judge("memory_length(0.0)", attempt(memory_length, 0.0), 1)  # last: a formula for w**t has named itself by now
    bare = lengths(activation=float)
    return f"{right[1]} steps at w = 0.9, {right[3]} at w = 0.98. Without tanh it would be {bare[1]} and {bare[3]}."


def problem(T, B, I, H, O):
    """Return random (params, X, h0) with weights of order one, non-zero biases and a non-zero initial state."""
    rng = np.random.default_rng([T, B, I, H, O])
    shapes = {"W_xh": (H, I), "W_hh": (H, H), "b_h": (H,), "W_hy": (O, H), "b_y": (O,)}
    params = {name: rng.uniform(0.3, 0.9, shape) * rng.choice([-1, 1], shape) for name, shape in shapes.items()}
    return params, rng.normal(size=(T, B, I)), rng.uniform(-0.8, 0.8, (B, H))


def pre_activation(p, x_t, h_prev):
    """z_t for a batch in rows."""
    return x_t @ p["W_xh"].T + h_prev @ p["W_hh"].T + p["b_h"]


def tanh_step(p, x_t, h_prev):
    """One right step."""
    return np.tanh(pre_activation(p, x_t, h_prev))


def unroll(params, X, h0, step=tanh_step):
    """All states (T+1, B, H) that `step(params, x_t, h_prev)` makes."""
    states = [h0]
    for x_t in X:
        states.append(step(params, x_t, states[-1]))
    return np.stack(states)


def outputs(params, states):
    """The outputs that belong to `states`, (..., H) -> (..., O)."""
    return states @ params["W_hy"].T + params["b_y"]


# What a wrong step computes instead of tanh(z_t), and what to look at.
STEP_MISTAKES = {
    "tanh_missing": (pre_activation, "the states are right up to the activation. What squashes them into (-1, 1)?"),
    "tanh_twice": (
        lambda p, x, h: np.tanh(tanh_step(p, x, h)), "tanh is applied twice. Where else is one, on h_{t-1} perhaps?",
    ),
    "sigmoid": (
        lambda p, x, h: 1 / (1 + np.exp(-pre_activation(p, x, h))), "that is the sigmoid. Our equation has tanh.",
    ),
    "bias_missing": (lambda p, x, h: np.tanh(pre_activation(p, x, h) - p["b_h"]), "b_h is never added."),
    "bias_outside": (
        lambda p, x, h: np.tanh(pre_activation(p, x, h) - p["b_h"]) + p["b_h"],
        "b_h is added after tanh. Which bracket does it belong in?",
    ),
    "bias_twice": (lambda p, x, h: np.tanh(pre_activation(p, x, h) + p["b_h"]), "b_h is added twice in each step."),
    "W_hh_transposed": (
        lambda p, x, h: np.tanh(x @ p["W_xh"].T + h @ p["W_hh"] + p["b_h"]),
        "W_hh is the wrong way round, and being square it fits. For a vector write `W_hh @ h`, for rows `h @ W_hh.T`.",
    ),
    "carry_missing": (
        lambda p, x, h: np.tanh(x @ p["W_xh"].T + p["b_h"]),
        "each state depends on its own input only. Where does the previous state come in?",
    ),
    "input_missing": (
        lambda p, x, h: np.tanh(h @ p["W_hh"].T + p["b_h"]), "the states do not depend on X. Where is W_xh x_t?",
    ),
    "carry_added_outside": (
        lambda p, x, h: np.tanh(x @ p["W_xh"].T + p["b_h"]) + h @ p["W_hh"].T,
        "W_hh h_{t-1} is added after tanh. Which bracket does it belong in?",
    ),
}


def state_mistakes(params, X, h0):
    """Return (kind, hidden states, advice) for each known mistake, most of them with the right shape."""
    right = unroll(params, X, h0)
    from_zeros, one_late = (unroll(params, inputs, np.zeros_like(h0)) for inputs in (X, np.roll(X, 1, axis=0)))
    without_first = unroll(params, X[1:], h0)
    after_z = unroll(params, X, np.arctanh(h0), lambda p, x, z: pre_activation(p, x, np.tanh(z)))
    found = [(kind, unroll(params, X, h0, step), advice) for kind, (step, advice) in STEP_MISTAKES.items()]
    return found + [
        ("carry_from_h0", np.stack([h0, *(tanh_step(params, x, h0) for x in X)]),
         "every step starts from h_0 again. After a step, which state is the previous one?"),
        ("carry_pre_activation", np.concatenate([h0[None], np.tanh(unroll(params, X, h0, pre_activation)[1:])]),
         "what is carried on to the next step is z_t, the value before tanh. The next step wants h_t."),
        ("pre_activation_stored", np.concatenate([h0[None], after_z[1:]]),
         "the states you return are z_t, before tanh. Return h_t."),
        ("initial_state_ignored", unroll(params, X, np.zeros_like(h0)),
         "the first step starts from zeros. It was given h0."),
        ("initial_state_ignored", from_zeros[1:],
         "h_0 is nowhere, and the first step starts from zeros: at t = 0, index t - 1 is -1, the last entry, still 0. "
         "hidden_states has T + 1 entries, h0 at index 0."),
        ("initial_state_not_stored", np.concatenate([np.zeros_like(h0)[None], right[1:]]),
         "the states after the steps are right. Index 0 must hold h0."),
        ("initial_state_last", np.concatenate([right[1:], right[:1]]),
         "h_0 stands at the end. It belongs at index 0, and h_t at index t."),
        ("input_off_by_one", unroll(params, np.roll(X, 1, axis=0), h0),
         "the inputs are one step late: h_1 was made from the last input. Python counts from 0, so x_1 is X[0]."),
        ("input_off_by_one", unroll(params, np.roll(X, -1, axis=0), h0),
         "the inputs are one step early. Python counts from 0, so x_1 is X[0]."),
        ("input_off_by_one", unroll(params, np.concatenate([X[1:], X[-1:]]), h0),
         "the first step reads X[1], and the last input comes twice. Python counts from 0, so x_t is X[t-1]."),
        ("same_array", np.broadcast_to(right[-1], right.shape),
         "all states are the last one: the same array, overwritten in each step. Store a new array or a copy."),
        ("initial_state_missing", right[1:], "h_0 is missing. hidden_states has T + 1 entries, h0 at index 0."),
        ("last_state_missing", np.concatenate([right[:-1], np.zeros_like(right[:1])]),
         "the last state was never computed: t runs from 1 to T, both included."),
        ("last_state_missing", right[:-1], "the last state was never computed: every input makes one."),
        ("first_input_skipped", without_first, "the loop begins with the second input. x_1 is X[0]."),
        ("first_input_skipped", np.concatenate([without_first, np.zeros_like(right[:1])]),
         "the loop begins with the second input, and ends a state too early. x_1 is X[0]; t runs from 1 to T."),
        ("initial_state_overwritten", np.concatenate([from_zeros[1:], np.zeros_like(right[:1])]),
         "index 0 holds h0 and was overwritten. t runs from 1 to T, and x_t is X[t-1]."),
        ("initial_state_overwritten", np.concatenate([one_late[1:], np.zeros_like(right[:1])]),
         "index 0 holds h0 and was overwritten. t runs from 1 to T."),
        ("last_state_only", right[-1], "that is the last state. Every one of them is wanted, h0 first."),
        ("batch_first", right.swapaxes(0, 1), "the axes are (B, T+1, H). Time comes first here: (T+1, B, H)."),
    ]


def output_mistakes(params, states):
    """Return (kind, Y, advice) for each known mistake, given the states (T+1, B, H) that are right."""
    Y = outputs(params, states[1:])
    return [
        ("output_bias_missing", Y - params["b_y"], "the states are right. In Y, b_y is never added."),
        ("output_squashed", np.tanh(Y), "the states are right. Y has gone through a tanh; the output is linear."),
        ("output_softmax", softmax(Y), "the states are right. Y has gone through a softmax; the output is linear."),
        ("output_from_previous_state", outputs(params, states[:-1]),
         "the states are right. Y is one step late: y_t is read from h_t, not from h_{t-1}."),
        ("output_from_pre_activation", outputs(params, np.arctanh(states[1:])),
         "the states are right. y_t is computed from z_t; it is read from h_t, after tanh."),
        ("output_for_initial_state", outputs(params, states),
         "the states are right. Y has T + 1 entries, but there is no output for h_0."),
        ("last_output_only", Y[-1], "the states are right. Y holds the last output only; every step has one."),
        ("batch_first", Y.swapaxes(0, 1), "the states are right. Y is (B, T, O). Time comes first here: (T, B, O)."),
    ]


def call_for_pair(answer, names, *args, hints=None):
    """Call the learner's function, which should return two arrays with these names."""
    value = call(answer, *args, hints=hints)
    pair = f"({', '.join(names)})"
    is_pair = isinstance(value, tuple | list) and len(value) == 2
    require(is_pair, "wrong_type", f"expected two arrays, {pair}, got {safe_describe(value)}.")
    empty = [name for name, item in zip(names, value, strict=True) if is_unfilled(item)]
    require(len(empty) != 1, "incomplete", f"{''.join(empty)} is empty. Return both arrays, {pair}.")
    return value


def call_each(answer, names, arguments):
    """Call the learner's function with each tuple of arguments, which have these names. Returns the list of values.

    It is not started if nothing ever comes back, and incomplete if that happens with some of the arguments only.
    """
    values, nothing = [], {}
    for args in arguments:
        case = ", ".join(f"{name} = {arg}" for name, arg in zip(names, args, strict=True))
        try:
            values.append(attempt(answer, *args))
        except Verdict as verdict:
            if verdict.report.kind == "exception":
                raise Verdict("exception", f"with {case} {verdict.report.message}") from verdict
            if verdict.report.kind not in ("not_started", "not_returned"):
                raise
            nothing[case] = verdict
    for case, verdict in nothing.items():
        if not values:
            raise verdict
        raise Verdict("incomplete", f"with {case} nothing came back. Does every way through the function return, and "
                      "does a loop stop too early?")
    return values
