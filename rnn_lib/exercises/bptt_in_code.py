"""Checks of notebook 04's exercises on backpropagation in code."""

import copy

import numpy as np

from rnn_lib import RNN
from rnn_lib.bugs.rnn import RNN_SUBJECT
from rnn_lib.exercises.answers import COUNTING
from rnn_lib.exercises.counted import calculations
from rnn_lib.exercises.diagnosis import diagnose
from rnn_lib.exercises.verdict import (
    attempt,
    close,
    is_unfilled,
    judge,
    require,
    require_dict,
    returns_report,
    safe_describe,
)

__all__ = [
    "check_backward", "check_batch_factors", "check_initial_state_gradient", "check_stacked_gradients",
    "check_weight_gradients",
]


@returns_report
def check_batch_factors(factors):
    """Check exercise 1: by which factor do dY and dW_hh change if a batch holds one sequence four times?

    `factors` is a dict: (reduction of the loss, gradient) -> factor, such as ("mean", "dY") -> 2.
    """
    right = {("mean", "dY"): 1 / 4, ("mean", "dW_hh"): 1, ("sum", "dY"): 1, ("sum", "dW_hh"): 4}
    require_dict("factors", factors, right, of="numbers")
    empty = [str(key) for key in right if is_unfilled(factors[key])]
    require(not empty, "not_started", f"{', '.join(empty)}: write a number.")
    for key in right:
        is_number = isinstance(factors[key], int | float) and not isinstance(factors[key], bool)
        quotes = " Write it without quotes." * isinstance(factors[key], str)
        require(is_number, "wrong_type", f"{key}: expected a number, got {safe_describe(factors[key])}.{quotes}")
    advice = {  # (reduction, gradient): advice, and what wrong factors mean
        ("mean", "dY"): ("the mean is over four times as many outputs: what does each of them get?",
                         {1: "mean_not_shared_out", 4: "upside_down"}),
        ("sum", "dY"): ("in a sum, an output's own term does not change when others join.",
                        {1 / 4: "sum_shared_out", 4: "copies_added_in_dY"}),
        ("mean", "dW_hh"): ("four copies of the weight add up. How much of the error does each of them get?",
                            {4: "mean_not_shared_out", 1 / 4: "copies_not_added"}),
        ("sum", "dW_hh"): ("four copies of the weight add up, each with the whole of its own error.",
                           {1: "copies_not_added", 1 / 4: "sum_shared_out"}),
    }
    for (reduction, name), factor in right.items():
        sentence, kinds = advice[reduction, name]
        kind = next((kind for wrong, kind in kinds.items() if close(factors[reduction, name], wrong, 1e-9)), "unknown")
        require(close(factors[reduction, name], factor, 1e-9), kind, f"{reduction}, {name}: {sentence}")
    return "a mean hands each of B sequences 1/B of the error, and a weight's copies add up."


@returns_report
def check_weight_gradients(weight_gradients):
    """Check exercise 3: the five gradients from dZ, X, hidden_states and dY, with no loop over time."""
    rng = np.random.default_rng(2)
    T, B, I, H, O = 5, 3, 2, 4, 6
    dZ, h = rng.normal(size=(T, B, H)), rng.normal(size=(T + 1, B, H))
    X, dY = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O))
    states = "hidden_states has T + 1 entries: which T of them went into the steps, and which T came out?"
    got = attempt(weight_gradients, dZ, X, h, dY, hints={**COUNTING, ValueError: states})
    names = ["W_xh", "W_hh", "b_h", "W_hy", "b_y"]
    require_dict("your answer", got, names, of="gradients")

    def product(left, right):
        return np.einsum("tbi,tbj->ij", left, right)

    pairs = {"W_xh": (dZ, X), "W_hh": (dZ, h[:-1]), "W_hy": (dY, h[1:])}
    mistakes = {
        "W_hh": [
            ("wrong_state", product(dZ, h[1:]),
             "step t's share is dL/dz_t times the state that went into z_t, which is h_{t-1}."),
            ("initial_state_missing", product(dZ[1:], h[1:-1]), "step 1 has a share too: with the initial state, h_0."),
        ],
        "W_hy": [("wrong_state", product(dY, h[:-1]), "y_t is made from h_t, not from the state before.")],
    }
    for name, (left, right) in pairs.items():
        expected = product(left, right)
        known = [
            *mistakes.get(name, []),
            ("reshaped", left.reshape(left.shape[2], -1) @ right.reshape(-1, right.shape[2]),
             "`reshape` does not transpose, it only cuts the numbers anew: reshape to (T·B, n) first, then take .T."),
            ("transposed", expected.T, "this is the transpose: a gradient has the shape of its weight, (out, in)."),
            ("scale", expected / B, "right, but divided by B: dY holds the loss's mean already, so the copies add up."),
            ("scale", expected / T, "right, but divided by T: dY holds the loss's mean already, so the copies add up."),
            ("scale", expected / (T * B), "right, but divided by T·B: dY holds the loss's mean already."),
        ]
        remark = judge(f"the gradient of {name}", got[name], expected, [(k, v, f"{name}: {a}") for k, v, a in known])
    for name, rows in {"b_h": dZ, "b_y": dY}.items():
        known = [
            ("one_sum_missing", rows.sum(axis=0), f"{name}: summed over time. Sequences share the bias as well."),
            ("one_sum_missing", rows.sum(axis=1), f"{name}: summed over the batch. Steps share the bias as well."),
            ("scale", rows.mean(axis=(0, 1)), f"{name}: a mean. dY holds the loss's mean already: the copies add up."),
        ]
        remark = judge(f"the gradient of {name}", got[name], rows.sum(axis=(0, 1)), known)
    calls = calculations(weight_gradients, (256, 1, H), (256, 1, I), (257, 1, H), (256, 1, O))
    require(calls < 200, "loop", f"right, but 256 steps took {calls} calculations, one after the other. Stack the T·B "
            "rows: one matrix product sums over all steps.")
    return "each is the sum over all steps and all sequences." + remark


@returns_report
def check_initial_state_gradient(initial_state_gradient):
    """Check exercise 2: dL/dh_0 from (params, X, hidden_states, dY), for sequences that start from any state."""
    rng = np.random.default_rng(1)
    T, B, I, H, O = 5, 3, 2, 7, 4  # none of them as in the notebook: its own arrays and sizes do not fit
    model = RNN(I, H, O, seed=1)
    X, state, dY = rng.normal(size=(T, B, I)), rng.normal(size=(B, H)), rng.normal(size=(T, B, O))
    model.forward(X, state)
    h = model.hidden_states
    got = attempt(initial_state_gradient, model.params, X, h, dY, hints=COUNTING)
    W_hh, W_hy = model.params["W_hh"], model.params["W_hy"]

    def walk(W_back, slope, steps=range(T, 0, -1), shift=0):
        carry = 0
        for t in steps:
            dh = dY[t - 1] @ W_hy + carry
            dz = slope(h[t - shift]) * dh
            carry = dz @ W_back
        return carry, dh, dz

    expected, dh_1, dz_1 = walk(W_hh, lambda h: 1 - h**2)
    mistakes = [
        ("stopped_early", dh_1, "this is dL/dh_1. The walk has one more road to go: from z_1 back to h_0."),
        ("stopped_early", dz_1, "this is dL/dz_1. One more road leads back, from z_1 to h_0."),
        ("tanh_derivative_missing", walk(W_hh, lambda h: 1)[0], "the factor 1 - h² is missing on the way back."),
        ("W_hh_untransposed", walk(W_hh.T, lambda h: 1 - h**2)[0],
         "the carry goes through W_hh the wrong way round: with rows, dz_t @ W_hh."),
        ("one_tanh_too_many", (1 - h[0] ** 2) * expected,
         "h_0 is given, it is no tanh of anything: there is no slope to multiply with after the last carry."),
        ("slope_of_another_step", walk(W_hh, lambda h: 1 - h**2, shift=1)[0],
         "the slope belongs to another step: z_t becomes h_t, so its slope is made of hidden_states[t]."),
        ("forward_in_time", walk(W_hh, lambda h: 1 - h**2, range(1, T + 1))[0],
         "you walk forward in time. Start at the last step."),
        ("one_step_too_many", walk(W_hh, lambda h: 1 - h**2, range(T, -1, -1))[0],
         "one step too many: there is no step 0. (In code, dY[-1] is the last step again.)"),
        ("road_1_to_h_0", expected + dY[0] @ W_hy, "no output is made from h_0, so no road 1 leads to it."),
        ("scale", expected / B, "right direction, but divided by B: dY holds the loss's mean already."),
        ("summed_over_batch", expected.sum(axis=0),
         "each sequence has its own h_0: nothing is shared, so nothing is summed over the batch."),
        ("W_hh_untransposed", dz_1 @ W_hh.T,
         "the last carry goes through W_hh the wrong way round: with rows, dz_t @ W_hh."),
        ("stopped_early", dh_1 - dY[0] @ W_hy, "this is the carry into step 1. Step 1 makes one more, for h_0."),
        ("first_output_missing", expected - ((1 - h[1] ** 2) * (dY[0] @ W_hy)) @ W_hh,
         "the error of the first output, dY[0], is left out: at step 1, too, both roads lead back."),
        ("carry_missing", ((1 - h[1] ** 2) * (dY[0] @ W_hy)) @ W_hh,
         "this is what step 1 alone sends back. The errors of the later steps must reach h_0 as well."),
    ]
    remark = judge("dL/dh_0", got, expected, mistakes)
    return "dL/dh_0 is the carry that is left over when the walk is done." + remark


@returns_report
def check_stacked_gradients(stacked_gradients):
    """Check exercise 5: the gradients of two RNNs, of which the upper one reads the outputs of the lower one.

    The answer is a function (lower, upper, X, dY) -> (gradients of lower, gradients of upper).
    """
    rng = np.random.default_rng(3)
    lower, upper = RNN(3, 4, 2, seed=1), RNN(2, 4, 2, seed=2)  # both have two outputs: dY fits where it does not belong
    X, dY = rng.normal(size=(4, 3, 3)), rng.normal(size=(4, 3, 2))
    got = attempt(stacked_gradients, lower, upper, X, dY)
    is_pair = isinstance(got, list | tuple) and len(got) == 2
    require(is_pair, "wrong_type", f"expected two dicts, of lower and of upper, got {safe_describe(got)}.")
    right = [slopes_of_stack(lower, upper, X, dY, network) for network in (lower, upper)]
    upper.forward(lower.forward(X))
    above = upper.backward(dY)
    known = [  # (kind, what it leaves for lower and for upper, advice)
        ("swapped", right[::-1], "the two dicts are swapped: the lower network's comes first."),
        ("own_error", [lower.backward(dY), above],
         "this is for a lower network whose own outputs have the error dY. Its outputs are the upper one's inputs: "
         "which gradient of the upper one belongs to them?"),
        ("scale", [lower.backward(upper.input_gradient() / X.shape[1]), above],
         "right, but divided by B: dY holds the loss's mean already."),
    ]
    for i, which in enumerate(("lower", "upper")):
        require_dict(f"the gradients of {which}", got[i], lower.params, of="gradients")
        for name, slope in right[i].items():
            mistakes = [(kind, wrong[i][name], advice) for kind, wrong, advice in known]
            remark = judge(f"the gradient of {which}'s {name}", got[i][name], slope, mistakes)
    return "the complex step agrees with every number of both: the upper one's dL/dX is the lower one's dY." + remark


def slopes_of_stack(lower, upper, X, dY, network):
    """Return dL/d(parameter) of one of two stacked networks for L = sum(dY * Y), by the complex step."""
    nudged = {id(each): copy.deepcopy(each) for each in (lower, upper)}
    for each in nudged.values():
        each.params = {name: param.astype(complex) for name, param in each.params.items()}
    slopes = {}
    for name, param in nudged[id(network)].params.items():
        slopes[name] = np.empty(param.shape)
        for index in np.ndindex(param.shape):
            param[index] += 1e-30j
            Y = nudged[id(upper)].forward(nudged[id(lower)].forward(X))
            slopes[name][index] = (dY * Y).sum().imag / 1e-30
            param[index] = param[index].real
    return slopes


@returns_report
def check_backward(backward):
    """Check a function `backward(params, X, hidden_states, dY) -> gradients` and say which mistake is in it.

    params         {"W_xh": (H, I), "W_hh": (H, H), "b_h": (H,), "W_hy": (O, H), "b_y": (O,)}
    X, dY          (T, B, I), and dL/dY (T, B, O)
    hidden_states  (T+1, B, H), index 0 the initial state
    gradients      a dict with the keys and shapes of params

    Returns a Report, whatever the function does.
    """
    return diagnose(RNN_SUBJECT, backward)
