"""Checks of notebook 03's exercises on backpropagation through time."""

import numpy as np

from rnn_lib import RNN, data
from rnn_lib.exercises.answers import COUNTING
from rnn_lib.exercises.verdict import attempt, is_unfilled, judge, require, require_dict, returns_report, safe_describe

__all__ = ["check_zero_gradients", "check_pencil_dz", "check_back_through_sigmoid", "check_initial_state_gradient"]


@returns_report
def check_zero_gradients(answer):
    """Check exercise 1: which of the five gradients, and the carry, vanish if W_hh = 0?

    `answer` is a dict: name -> True if all its numbers are zero.
    """
    names = ["W_xh", "W_hh", "b_h", "W_hy", "b_y", "carry"]
    require_dict("all_zero", answer, names)
    empty = [name for name in names if is_unfilled(answer[name])]
    require(not empty, "not_started", f"{', '.join(empty)}: write True or False.")
    for name in names:
        is_bool = isinstance(answer[name], bool | np.bool_)
        require(is_bool, "wrong_type", f"{name}: expected True or False, got {safe_describe(answer[name])}.")
    require(
        not answer["W_hh"], "weight_taken_for_gradient", "the gradient of W_hh does not contain W_hh itself. What does "
        "step t contribute to it? Look at the line of dW_hh, and at the panel with W_hh times 0.",
    )
    require(answer["carry"], "carry_not_zero", "look at the line that computes the carry: which matrix is in it?")
    wrong = ", ".join(name for name in names if answer[name] != (name == "carry"))
    require(not wrong, "unknown", f"{wrong}: look at the line of that gradient. Which of its factors is 0?")
    return "only the carry vanishes. W_hh = 0 does not use the past, yet its gradient says that it should."


@returns_report
def check_pencil_dz(dz_2):
    """Check exercise 2: dz_2 of the tiny example if only the last step's error counts, to four decimals."""
    params, X, target = data.tiny_example()
    model = tiny_model()
    Y, h, W_hh = model.forward(X), model.hidden_states, params["W_hh"]

    def walk(dy_2, dy_3, W_back, slope=lambda h: 1 - h**2):
        dz_3 = slope(h[3]) * (dy_3 @ params["W_hy"])
        return (slope(h[2]) * (dy_2 @ params["W_hy"] + dz_3 @ W_back))[0]

    error_2, error_3 = Y[1] - target[1], Y[2] - target[2]
    no_error = np.zeros_like(error_2)
    expected = walk(no_error, 2 * error_3, W_hh)
    mistakes = [
        ("loss_of_every_step", walk(2 / 3 * error_2, 2 / 3 * error_3, W_hh),
         "this is dz_2 for the error of every step, as in the text. Here y_2 does not enter the loss: what is dy_2?"),
        ("scale", expected / 3,
         "right direction, but a third of the length: the mean is now over one element, not over three."),
        ("scale", expected / 2, "right direction, but half the length: the derivative of a square has a factor 2."),
        ("W_hh_untransposed", walk(no_error, 2 * error_3, W_hh.T),
         "the carry went through W_hh the wrong way round. Unit j of h_2 feeds unit i of z_3 through W_hh[i, j]: "
         "going back, you sum over i."),
        ("tanh_derivative_missing", walk(no_error, 2 * error_3, W_hh, lambda h: 1),
         "the factor 1 - h² is missing at both steps."),
        ("tanh_derivative_missing", expected / (1 - h[2][0] ** 2),
         "this is dh_2. One more factor takes it back through tanh to dz_2."),
        ("tanh_derivative_missing", ((1 - h[2] ** 2) * (2 * error_3 @ params["W_hy"] @ W_hh))[0],
         "the factor 1 - h_3² is missing: the carry brings back dz_3, not dh_3."),
        ("carry_missing", np.zeros(2),
         "y_2 does not enter the loss, but h_2 does, by another road: through z_3."),
        ("sign", -expected, "right but for the sign: which one is subtracted from the other in the loss?"),
        ("sign", walk(no_error, 2 * (Y[2] + target[2]), W_hh),
         "look at the error y_3 - target_3: the target is negative, and minus minus is plus."),
        ("stopped_early", ((1 - h[3] ** 2) * (2 * error_3 @ params["W_hy"]))[0],
         "this is dz_3. Walk on, one step back in time: the carry, dh_2, dz_2."),
        ("road_1_open", walk(2 * error_2, 2 * error_3, W_hh),
         "the error of step 2 came in by road 1. Here y_2 does not enter the loss: what is dy_2?"),
    ]
    rounded = ("rounded", 0.05, "close, but not to 0.0001. Keep four decimals or more on the way.")
    judge("dz_2", dz_2, expected, mistakes, rtol=1.6e-3, nearly=rounded)  # 0.00015 of 0.0972
    return "dz_2 is right: the whole of it came by the carry."


@returns_report
def check_back_through_sigmoid(back_through_sigmoid):
    """Check exercise 3: dz_t from dh_t and h_t = sigmoid(z_t)."""
    rng = np.random.default_rng(0)
    h_t = 1 / (1 + np.exp(-rng.normal(size=(3, 4))))
    dh_t = rng.normal(size=(3, 4))
    got = attempt(back_through_sigmoid, dh_t, h_t)
    twice = 1 / (1 + np.exp(-h_t))
    mistakes = [
        ("tanh_derivative", dh_t * (1 - h_t**2), "this is the derivative of tanh. What is sigmoid's?"),
        ("double_sigmoid", dh_t * twice * (1 - twice),
         "you applied sigmoid to h_t again. h_t is its value already: write the derivative in terms of the value."),
        ("sign", -dh_t * h_t * (1 - h_t), "the sign: sigmoid rises everywhere, so its slope is positive."),
        ("slope_only", h_t * (1 - h_t), "this is the slope alone. The chain rule multiplies it by dh_t."),
        ("slope_missing", dh_t, "nothing happened to dh_t: which factor takes it back through the sigmoid?"),
        ("factor_missing", dh_t * h_t, "one factor is missing: the slope must vanish where h_t reaches 1, too."),
        ("factor_missing", dh_t * (1 - h_t), "one factor is missing: the slope must vanish where h_t reaches 0, too."),
    ]
    return "dz_t is right, for every unit and sequence." + judge("dz_t", got, dh_t * h_t * (1 - h_t), mistakes)


@returns_report
def check_initial_state_gradient(initial_state_gradient):
    """Check exercise 4: dL/dh_0 from (params, X, hidden_states, dY), for sequences that start from any state."""
    rng = np.random.default_rng(1)
    T, B, I, H, O = 5, 3, 2, 4, 2
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
        ("carry_missing", ((1 - h[1] ** 2) * (dY[0] @ W_hy)) @ W_hh,
         "this is what step 1 alone sends back. The errors of the later steps must reach h_0 as well."),
    ]
    remark = judge("dL/dh_0", got, expected, mistakes)
    return "dL/dh_0 is the carry that is left over when the walk is done." + remark


def tiny_model():
    """The RNN with the parameters of `data.tiny_example`."""
    model = RNN(input_size=1, hidden_size=2, output_size=1)
    for name, param in data.tiny_example()[0].items():
        model.params[name][...] = param
    return model
