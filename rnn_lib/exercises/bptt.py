"""Checks of notebook 03's exercises on backpropagation through time."""

import numpy as np

from rnn_lib import RNN, data
from rnn_lib.exercises.verdict import (
    Verdict,
    attempt,
    is_right,
    is_unfilled,
    judge,
    require,
    require_dict,
    returns_report,
    safe_describe,
)
from rnn_lib.nudge import Example

__all__ = [
    "check_back_through_sigmoid", "check_count_paths", "check_loss_of_nudge", "check_pencil_dz", "check_zero_gradients",
]


@returns_report
def check_zero_gradients(answer):
    """Check exercise 2: which of the five gradients, and the carry, vanish if W_hh = 0?

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
    require(not wrong, "taken_for_zero", f"{wrong}: look at the line of that gradient. Which of its factors is 0?")
    return "only the carry vanishes. W_hh = 0 does not use the past, yet its gradient says that it should."


@returns_report
def check_pencil_dz(dz_2):
    """Check exercise 3: dz_2 of the tiny example if only the last step's error counts, to four decimals."""
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
         "right direction, but a third of the length: this loss is not divided by 3, as the panel's was."),
        ("scale", expected / 2, "right direction, but half the length: the derivative of a square has a factor 2."),
        ("W_hh_untransposed", walk(no_error, 2 * error_3, W_hh.T),
         "the carry went through W_hh the wrong way round. Unit j of h_2 feeds unit k of z_3 through W_hh[k, j]: "
         "going back, you sum over k."),
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
        ("slope_of_another_step", (expected / (1 - h[2] ** 2) * (1 - h[3] ** 2))[0],
         "the slope belongs to another step: dz_2 is dh_2 times 1 - h_2², not 1 - h_3²."),
        ("stopped_early", ((1 - h[3] ** 2) * (2 * error_3 @ params["W_hy"]))[0],
         "this is dz_3. Walk on, one step back in time: the carry, dh_2, dz_2."),
        *(("road_1_open", walk(dy_2, 2 * error_3, W_hh),  # divided by 3 if it was taken from section 7
           "the error of step 2 came in by road 1. Here y_2 does not enter the loss: what is dy_2?")
          for dy_2 in (2 * error_2, 2 / 3 * error_2)),
    ]
    rounded = ("rounded", 0.05, "close, but not to 0.0001. Keep four decimals or more on the way.")
    judge("dz_2", dz_2, expected, mistakes, rtol=1.6e-3, nearly=rounded)  # 0.00015 of 0.0972
    return "dz_2 is right: the whole of it came by the carry."


@returns_report
def check_back_through_sigmoid(back_through_sigmoid):
    """Check exercise 4: dz_t from dh_t and h_t = sigmoid(z_t)."""
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
        ("sigmoid_for_slope", dh_t * twice,
         "this is dh_t times sigmoid(h_t). The slope is wanted, and h_t is the sigmoid's value already."),
        ("factor_missing", dh_t * (1 - h_t), "one factor is missing: the slope must vanish where h_t reaches 0, too."),
    ]
    return "dz_t is right, for every unit and sequence." + judge("dz_t", got, dh_t * h_t * (1 - h_t), mistakes)


CHAINS = "two steps give a path, s and t, and all steps between them lie on it: how many pairs are there with s ≤ t?"


@returns_report
def check_count_paths(count_paths):
    """Check exercise 5: the paths from a use of W_hh to an output in T steps, all of them and those without a carry."""
    for T in (3, 1, 2, 5, 10):
        got = attempt(count_paths, T)
        every, no_carry = T * (T + 1) // 2, T
        mistakes = [
            ("swapped", (no_carry, every), "the two numbers are swapped: all paths come first."),
            ("future_to_past", (T * T, no_carry),
             "some of these paths lead back in time: a use at step s reaches no output before step s."),
            ("same_step_missing", (T * (T - 1) // 2, no_carry),
             "a use at step t reaches the output of the same step, too: that is the shortest path."),
            ("initial_state_zero", (T * (T - 1) // 2, T - 1),
             "that is section 11's case, h_0 = 0. Here the use at step 1 counts, too."),
            ("initial_state_zero", (every, T - 1),
             "all paths are counted. Without the carry one is missing: the use at step 1 reaches the output y_1."),
            ("chains_of_steps", (2**T, no_carry), CHAINS), ("chains_of_steps", (2**T - 1, no_carry), CHAINS),
            ("last_output_only", (T, 1), "these lead to the last output only. Every output has an error."),
            ("one_step_only", (every, 1), "without the carry, each step still has one path, to its own output."),
        ]
        remark = judge(f"the pair of counts for T = {T}", got, (every, no_carry), mistakes)
    return "every path goes forward in time, so 1 + 2 + ... + T of them, and T if nothing is carried." + remark


@returns_report
def check_loss_of_nudge(loss_of_nudge):
    """Check exercise 1: the loss of the tiny example if b_h[0] is larger by d at step 2, and at no other step."""
    try:
        remark = judge_losses(loss_of_nudge)
    except Verdict as verdict:
        if verdict.report.kind != "not_started":
            require_untouched(loss_of_nudge)
        raise
    return "b_h is nudged at step 2 alone, what came before stays, all that comes after moves along." + remark


def require_untouched(answer):
    """Raise a Verdict if the notebook's own arrays, which the function reads, are not those of the tiny example."""
    params, X, target = data.tiny_example()
    found = getattr(answer, "__globals__", {})
    for name, array in {**params, "X": X, "target": target}.items():
        for place in (found, found.get("params")):
            untouched = not isinstance(place, dict) or is_right(place.get(name, array), array)
            require(untouched, "argument_changed", f"{name} is no longer "
                    f"{array.tolist()}: your function, or an earlier version of it, has changed the notebook's own "
                    f"array, as `{name}[0] += d` does. Make a new array, and run the cell with `data.tiny_example()` "
                    "again.")


def judge_losses(loss_of_nudge):
    """Judge the loss for three nudges. Returns a remark, as `judge` does."""
    tiny = Example(*data.tiny_example())

    def nudged(name, nudge, *steps):
        return tiny.loss({(name, t): nudge for t in steps})

    for d in (0.5, 0.0, -0.3):
        unit, other = np.array([[d, 0.0]]), np.array([0.0, d])
        got = attempt(loss_of_nudge, d)
        moved = np.tanh(np.arctanh(tiny.h[2]) + unit) - tiny.h[2]  # what the nudge does to h_2
        right = nudged("b_h", unit[0], 2)
        last = ((tiny.forward({("b_h", 2): unit[0]})[1][-1] - tiny.target[-1]) ** 2).mean()
        mistakes = [
            ("every_step", nudged("b_h", unit[0], 1, 2, 3),
             "here all three copies of b_h are nudged. Only the copy of step 2 is to be nudged."),
            ("another_step", nudged("b_h", unit[0], 1), "this is a nudge at step 1. (X[0] is x_1.)"),
            ("another_step", nudged("b_h", unit[0], 3), "this is a nudge at step 3. (X[1] is x_2.)"),
            ("from_then_on", nudged("b_h", unit[0], 2, 3), "step 3 uses its own copy of b_h, which is not nudged."),
            ("another_unit", nudged("b_h", other, 2), "this nudges b_h[1], the bias of the other unit."),
            ("both_units", nudged("b_h", unit[0] + other, 2),
             "this nudges both units: `b_h + d` adds d to each number of b_h. Only b_h[0] is to be nudged."),
            ("after_tanh", nudged("h", unit, 2), "this nudges h_2. The bias is added before tanh."),
            ("another_bias", nudged("b_y", np.array([d]), 2), "this nudges b_y. The bias of the state is b_h."),
            ("future_fixed", nudged("h to y", moved, 2),
             "y_2 answers the nudge, but y_3 does not: all that comes after a nudge moves along, by road 2 as well."),
            ("own_output_missing", nudged("h to z", moved, 2),
             "y_3 answers the nudge, but y_2 does not: road 1 is closed."),
            ("bias_replaced", nudged("b_h", unit[0] - [tiny.params["b_h"][0], 0], 2),
             "at step 2 this puts d in the place of b_h[0]. A nudge is added."),
            ("not_nudged", nudged("b_h", 0 * unit[0], 2),
             "the loss is the same with and without the nudge: where does d enter?"),
            ("scale", 3 * right, "this is the sum of the squares. L is their mean."),
            ("last_step_only", last, "this is the squared error of y_3 alone. L is the mean over all three steps."),
            ("last_step_only", last / 3,
             "this is the share of y_3 in L. Those of y_1 and y_2 are missing: are the errors added up, or replaced?"),
            ("slope", (right - nudged("b_h", 0 * unit[0], 2)) / (d or 1),
             "this is the change of the loss per nudge. Return the loss itself."),
            ("slope", right - nudged("b_h", 0 * unit[0], 2),
             "this is the change of the loss. Return the loss itself."),
        ]
        if np.ndim(got) and np.size(got) == 1:
            got = np.asarray(got).item()
        remark = judge(f"the loss for d = {d}", got, right, mistakes)
    return remark


def tiny_model():
    """The RNN with the parameters of `data.tiny_example`."""
    return RNN(input_size=1, hidden_size=2, output_size=1).set_params(data.tiny_example()[0])
