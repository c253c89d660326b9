"""Checks of notebook 05's exercises on gradient checking."""

import numpy as np

from rnn_lib import RNN
from rnn_lib.bugs import BUGS, KINDS
from rnn_lib.exercises.verdict import (
    Verdict,
    as_numbers,
    attempt,
    call,
    is_right,
    is_unfilled,
    judge,
    require,
    require_dict,
    returns_report,
    safe_describe,
)
from rnn_lib.ground.validation import check_choice

__all__ = [
    "WAITING_ROOM", "MysteryRNN", "check_blind_spots", "check_central_gradient", "check_complex_slope",
    "check_relative_error", "check_diagnosis", "mystery_patient",
]

BLIND_CHECKS = {  # what notebook 05's table shows
    "T = 1": {"carry_missing", "truncated"},
    "B = 1": {"scale"},
    "one call": {"not_zeroed"},
    "tiny weights": {"truncated", "double_tanh"},
}


@returns_report
def check_blind_spots(answer):
    """Check exercise 1: which bugs does each weakened check let through? A dict: check -> list of bugs."""
    require_dict("missed", answer, BLIND_CHECKS, of="lists of bugs")
    filled = not any(map(is_unfilled, answer.values()))
    require(filled, "not_started", "missed has empty entries. Fill them in and run this cell again.")
    for check, bugs in answer.items():
        are_names = not isinstance(bugs, str) and all(isinstance(bug, str) for bug in bugs)
        require(are_names, "wrong_type", f"{check}: expected a list of names, got {safe_describe(bugs)}.")
    for bug in sorted(set().union(*answer.values()) - set().union(*BLIND_CHECKS.values())):
        raise Verdict("wrong_keys", f"{bug}: there is no such bug in this exercise.")
    every = set().union(*BLIND_CHECKS.values())
    require(any(set(answer[check]) != every - bugs for check, bugs in BLIND_CHECKS.items()), "caught_for_missed",
            "these are the bugs that each check catches. The question is which ones it lets through.")
    for check, bugs in BLIND_CHECKS.items():
        for bug in sorted(set(answer[check]) ^ bugs):  # one at a time
            kind, through = ("bug_left_out", "gets through") if bug in bugs else ("bug_is_caught", "is caught")
            raise Verdict(kind, f"{check}: {bug} {through}. What does it need to make a difference? Ask that of "
                          "each bug.")
    return "each check is blind exactly where its setting makes the bug's factor 0, 1 or unused."


@returns_report
def check_central_gradient(central_gradient):
    """Check exercise 2: the gradient of f at the vector w by central differences, `central_gradient(f, w, step)`."""
    w, step = np.array([0.3, 1.7, -0.6]), 1e-3

    def f(w):
        return np.sin(w[0]) * np.exp(w[1]) + w[2] ** 3 * w[0]

    def differences(above, below, divisor, drift=0.0):
        """The formula f(w + above) - f(w + below), over divisor; drift stays in w after each element."""
        v, gradient = w.copy(), []
        for i in range(3):
            nudge = np.eye(3)[i]
            gradient.append((f(v + above * nudge) - f(v + below * nudge)) / divisor)
            v += drift * nudge
        return gradient

    given = w.copy()
    got, wider = call(central_gradient, f, given, step), attempt(central_gradient, f, w, 3 * step)
    ignored = is_right(got, as_numbers(wider), 1e-12) and np.any(as_numbers(got))
    require(not ignored, "step_ignored", "another step gives the same numbers. Use the `step` that is handed in.")
    expected = np.array(differences(step, -step, 2 * step))
    one_sided = "this is a one-sided difference: its error shrinks with the step, not with its square. Use both sides."
    drifts = "the nudge of one element is still there when the next one has its turn: put the saved number back."
    mistakes = [
        ("forward_difference", differences(step, 0, step), one_sided),
        ("forward_difference", differences(0, -step, step), one_sided),
        ("one_step_back", differences(step, 0, 2 * step), "the second point is w itself. From w + step it is two steps "
         "back to w - step."),
        ("half_step", differences(step / 2, -step / 2, step),
         "your points are half a step away on either side. The formula of section 2 takes a whole one."),
        ("scale", 2 * expected, "twice too large: how far apart are the two points?"),
        ("scale", expected / 2, "half of it: how far apart are the two points?"),
        ("precedence", expected * step**2,
         "a / 2 * step is (a / 2) * step in Python: put brackets round the divisor."),
        ("precedence", [f(w + nudge) - f(w - nudge) / (2 * step) for nudge in step * np.eye(3)],
         "only the second call is divided: put brackets round the difference of the two."),
        ("sign", -expected, "the sign is turned: which point comes first?"),
        ("not_restored", differences(step, -step, 2 * step, drift=-step), drifts),
        ("not_restored", differences(step, -step, 2 * step, drift=step), drifts),
        ("alias", np.zeros(3), "the two points are one: after `wp = w` both names mean the same array. Make a copy."),
        *(("all_at_once", (f(w + step) - f(w - step)) / (2 * step) * ones,
           "this nudges all elements together: `w + step` adds to each. The gradient needs one nudge for each element.")
          for ones in (1, np.ones(3))),
    ]
    judge("the gradient", got, expected, mistakes, rtol=1e-8)
    nearly = np.allclose(given, w, rtol=1e-12) and not np.array_equal(given, w)
    require(not nearly, "not_restored", "the numbers are right, but w is not what it was before the call, in its last "
            "digits: adding a step and subtracting it again does not come back exactly. Save the number itself.")
    restored = np.array_equal(given, w)
    require(restored, "not_restored", "the numbers are right, but w is not what it was before the call.")
    return "one element at a time, a step on either side."


@returns_report
def check_complex_slope(complex_slope):
    """Check exercise 3: the slope of f at the vector w along v by the complex step, `complex_slope(f, w, v)`."""
    judge_complex_slope(complex_slope, lambda w: np.tanh(w).sum(), lambda w: 1 - np.tanh(w) ** 2)
    try:
        judge_complex_slope(complex_slope, lambda w: np.exp(w[0]) * w[1] ** 2 + w[0] * w[2],
                            lambda w: np.array([np.exp(w[0]) * w[1] ** 2 + w[2], 2 * np.exp(w[0]) * w[1], w[0]]))
    except Verdict as verdict:
        raise Verdict("one_function", "right for one function, and not for another. The slope must come from calling "
                      "f, whatever f is.") from verdict
    return "every element of w moved at once, one call of f, and exact to the last digits."


def judge_complex_slope(complex_slope, f, gradient):
    """Judge the learner's slopes of one function along two directions."""
    called, w = [], np.array([0.3, 1.7, -0.6])
    directions = [np.array([1.0, -0.5, 2.0]), np.array([-0.4, 1.1, 0.9])]

    def watched(w):
        called.append(w)
        return f(w)

    given = w.copy()
    got = [attempt(complex_slope, watched, w, v) for v in directions]
    call(complex_slope, f, given, directions[0])
    real = not any(map(np.iscomplexobj, got))
    require(real, "wrong_type", "the result is complex. The slope is in one part of it only.")
    expected = np.array([gradient(w) @ v for v in directions])
    values, value = as_numbers(got), f(w)
    if values is not None and values.shape == expected.shape:
        by_hand = not any(map(np.iscomplexobj, called))
        require(not by_hand, "not_complex", "f was never called at complex numbers. The step goes in that direction.")
        require(not np.abs(values).max() < 1e-6, "not_divided", "the result is as good as 0: divide by the step.")
        over_step = abs(values[0] / value) > 10 and np.isclose(*values)
        require(not over_step, "real_part", "this is f(w) over the step: the real part, which holds no slope.")
    lengths = np.array([np.linalg.norm(v) for v in directions])
    mistakes = [
        ("real_part", [value, value], "this is f(w) itself, the real part. Where did the step go?"),
        ("direction_ignored", np.full(2, gradient(w).sum()),
         "both directions give the same slope: every element moved by the same step, whatever v is."),
        ("sign", -expected, "the sign is turned."),
        ("step_of_one", [f(w + 1j * v).imag for v in directions],
         "the step is 1, far too large for a slope. Take 1e-30 times v, and divide by it."),
        ("scale", expected / lengths, "v was made a vector of length 1. The slope along v is asked for as v is."),
    ]
    too_large = ("step_too_large", 0.05, "nearly: the error is that of a step far too large. Here it may be 1e-30.")
    if values is not None and values.shape == (2, 3):
        raise Verdict("one_by_one", "one number for each element. Along v all of them move together: one number.")
    judge("the slope", got, expected, mistakes, rtol=1e-13, nearly=too_large)
    require(len(called) == 2, "one_by_one", "the numbers are right, but f was called more than once for each v. All "
            "elements can move in one call.")
    require(np.array_equal(given, w), "not_restored", "the numbers are right, but w is not what it was.")


@returns_report
def check_relative_error(relative_error):
    """Check exercise 4: `relative_error(a, n)` of two arrays, symmetric, 0 for two zeros, inf for NaN and infinity."""
    def error(name, a, n):
        value = attempt(relative_error, a, n)
        number = as_numbers(value)
        is_number = number is not None and not number.ndim
        require(is_number, "wrong_type", f"{name}: expected one number, got {safe_describe(value)}.")
        return float(number)

    a = np.array([1.0, -2.0, 4.0])
    zero, nan, infinite = np.zeros(3), np.array([1.0, np.nan, 0.0]), np.array([np.inf, 1.0, 0.0])
    zeros = error("two zeros", zero, zero)
    require(zeros == 0, "zero_by_zero", f"two zeros agree perfectly, but your error is {zeros}.")
    for name, pair in {
        "a NaN": (nan, a), "a NaN on the right": (a, nan), "an infinity": (infinite, a),
        "an infinity on the right": (a, infinite), "the same infinity": (infinite, infinite),
    }.items():
        got = error(name, *pair)
        require(got == np.inf, "nan_passes", f"{name}: the error is {got}, and {got} > 1e-6 is {got > 1e-6}. A "
                "gradient that is not a finite number must never pass as right.")
    rng = np.random.default_rng(0)
    for _ in range(3):
        judge_pairs(error, rng.uniform(0.5, 2, (2, 3)) * rng.choice([-1, 1], (2, 3)))
    return "symmetric, relative, 0 for two zeros, and neither NaN nor infinity gets through."


def judge_pairs(error, a):
    """Judge the learner's errors of pairs in which one thing or another is wrong with the gradient `a`, (2, 3)."""
    n, ones = a + 0.25 * np.abs(a).max() * np.eye(2, 3), np.zeros_like(a)
    ones[0, 0], ones[1, 2] = 0.5, -0.5
    same = error("equal gradients", a, a.copy())
    require(same == 0, "unknown", f"equal gradients agree perfectly, but your error is {same:.4g}.")
    for name, pair in {"an ordinary pair": (a, n), "a gradient against zeros": (a, 0 * a)}.items():
        one, other = error(name, *pair), error(name, *pair[::-1])
        require(np.isclose(one, other), "not_symmetric", f"{name}: {one:.4g}; swapped: {other:.4g}. Divide by "
                "something that treats both alike.")
        small, large = (error(name, factor * pair[0], factor * pair[1]) for factor in (1e-6, 1e3))
        relative = np.isclose([small, large], one, rtol=1e-3, atol=0).all()
        require(relative, "absolute", f"{name}: {one:.4g}; a million times smaller: {small:.4g}; a thousand times "
                f"larger: {large:.4g}. This error is not relative. Is something added to what you divide by?")
    for place, i in {"first": (0, 0), "middle": (1, 0), "last": (1, 2)}.items():
        flipped = a.copy()
        flipped[i] *= -1
        got = error("a wrong sign", a, flipped)
        require(got >= 0.05, "element_missed", f"a wrong sign in the {place} element: your error is {got:.4g}. Is "
                "every element compared, with its sign?")
    got = error("two errors that cancel", a, a + ones)
    require(got >= 0.02, "errors_cancel", f"one element too large, another too small by as much: your error is "
            f"{got:.4g}. Take the size of each difference before you put them together.")
    one_zero = a.copy()
    one_zero[0, 1] = 0
    for name, n_zero in {"a gradient against zeros": 0 * a, "one element that should be 0": one_zero}.items():
        got = min(error(name, a, n_zero), error(name, n_zero, a))
        require(got >= 0.02, "zeros_skipped", f"{name}: your error is {got:.4g}. That is trap 2: a gradient "
                "that should be 0 and is not must be looked at.")
    lengths = np.linalg.norm(a), np.linalg.norm(n)
    apart, right = np.linalg.norm(a - n), np.linalg.norm(a - n) / sum(lengths)
    judge("an ordinary pair", error("an ordinary pair", a, n), right, [
        ("larger_length", apart / max(lengths), "you divide by the larger length. Here it is the sum of the two."),
        ("largest_numbers", np.abs(a - n).max() / np.abs([a, n]).max(),
         "that is section 4's error, of the largest numbers. Here lengths are compared, by np.linalg.norm."),
        ("by_element", (np.abs(a - n) / (np.abs(a) + np.abs(n))).max(),
         "each element is divided by its own size. A length is one number for the whole array."),
        ("scale", 2 * right, "twice too large: the sum of the lengths stands below the line, not their mean."),
    ], rtol=1e-6)


# The clinic's six in the order in which notebook 05 meets them, and exercise 5's: not named there before their time.
WAITING_ROOM = ("scale", "not_zeroed", "state_off_by_one", "carry_missing", "W_hh_untransposed", "double_tanh")
PATIENT = "W_hh_missing"


def mystery_patient(params, X, hidden_states, dY):
    """Return the gradients of exercise 5's patient. Examine it by what it returns; no peeking."""
    return BUGS[PATIENT].make()(params, X, hidden_states, dY)


class MysteryRNN(RNN):
    """An RNN whose backward pass is exercise 5's patient."""

    def backward(self, dY):
        """The patient's gradients."""
        return mystery_patient(self.params, self.inputs, self.hidden_states, dY)


@returns_report
def check_diagnosis(diagnosis):
    """Check exercise 5: the kind of the mystery patient's bug, by its name in `bugs.KINDS`."""
    filled = not is_unfilled(diagnosis)
    require(filled, "not_started", "diagnosis is empty. Examine the patient, then run this cell again.")
    try:
        check_choice("diagnosis", diagnosis, KINDS)
    except (TypeError, ValueError) as error:
        raise Verdict("wrong_type", str(error)) from None
    if diagnosis == BUGS[PATIENT].kind:
        return BUGS[PATIENT].sentence
    hints = {  # bugs of the carry, as this one
        "carry_missing": "then it would be healthy with W_hh = 0, through which nothing comes back. Is this one "
                         "healthy then? And with the identity?",
        "W_hh_untransposed": "close: W_hh in the carry it is. A symmetric W_hh heals that bug; does it heal this one?",
    }
    other = "the symptoms do not fit. Is the patient healthy at T = 1? With which W_hh is it healthy at T = 2?"
    raise Verdict("other_carry_bug" if diagnosis in hints else "symptoms_do_not_fit", hints.get(diagnosis, other))
