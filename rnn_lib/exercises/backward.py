"""Is the learner's backward pass right, and if not, which mistake is in it?

The gradient that a mistake leaves gives it away, whatever way the code was written. It is compared with
those of every bug in `rnn_lib.bugs` on problems whose sizes all differ, with weights of order one and a
non-zero initial state. A mistake is named only if every gradient matches on every problem.
"""

import math
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from rnn_lib.bugs import BUGS, KINDS, right
from rnn_lib.bugs.carry import in_blocks, windowed
from rnn_lib.bugs.healthy import walk_back, weight_gradients
from rnn_lib.exercises.learner import (
    AGAIN,
    EXACT,
    FIRST,
    LONG,
    PROBLEMS,
    SHORT,
    SINGLE,
    Learner,
    NoGradients,
    one_number,
    same,
    shallow,
    sideways,
)
from rnn_lib.exercises.report import Report, close, never_raises

BIASES = {"b_h", "b_y"}
FINGERPRINTS = [  # the kinds left out have a test of their own below
    bug for bug in BUGS.values()
    if bug.kind not in {"bias_missing", "clipped", "gradient_transposed", "not_zeroed", "params_changed", "scale",
                        "truncated"}
]


@never_raises
def check_backward(backward):
    """Check a function `backward(params, X, hidden_states, dY) -> gradients` and say which mistake is in it.

    params         {"W_xh": (H, I), "W_hh": (H, H), "b_h": (H,), "W_hy": (O, H), "b_y": (O,)}
    X, dY          (T, B, I), and dL/dY (T, B, O)
    hidden_states  (T+1, B, H), index 0 the initial state
    gradients      a dict with the keys and shapes of params

    Returns a Report, whatever the function does.
    """
    try:
        return diagnose(Learner(backward))
    except NoGradients as stop:
        return stop.report


def diagnose(learner):
    """Return the Report on a learner's function: the simplest explanation that fits all its answers."""
    # Should an earlier call have left a carry behind, this one, with nothing to pass back, ends with zero.
    learner.try_on(replace(FIRST, params={**FIRST.params, "W_hh": 0 * FIRST.params["W_hh"]}, dY=0 * FIRST.dY))
    in_a_row = [learner(problem) for problem in (FIRST, AGAIN, FIRST)]
    if "params" in learner.changed:
        return Report("params_changed", KINDS["params_changed"])
    if not same(in_a_row[0], in_a_row[2], learner.rtol):
        return memory(in_a_row, learner.rtol)
    if same(in_a_row[0], FIRST.right, SINGLE) and not same(in_a_row[0], FIRST.right, EXACT):
        learner.rtol = SINGLE  # rounded to float32 somewhere on the way: right as far as that goes

    answers = Answers([learner(problem) for problem in PROBLEMS], learner.rtol)
    if answers.wrong == set():
        return praise(learner)
    if answers.empty == answers.names:
        return Report("not_started", "every gradient is still zero. Fill them in and run this cell again.")
    if answers.wrong <= answers.sideways:
        return answers.report("gradient_transposed")
    if answers.wrong <= answers.empty:
        return answers.report("bias_missing") if answers.wrong <= BIASES else Report(
            "unfinished", f"so far so good. Still zero: {in_order(answers.wrong)}.")
    if answers.wrong <= BIASES & answers.everywhere(one_number_for_all, right):
        return one_number(sorted(answers.wrong))
    if all(learner.is_right(problem.quiet()) for problem in PROBLEMS):
        return answers.report("clipped")
    factor = answers.factor(answers.names)
    if factor:
        return scaled(factor)
    marks = [(bug.kind, answers.left_by(bug.make())) for bug in FINGERPRINTS]
    kinds = {kind for kind, names in marks if names == answers.names}
    kinds = kinds or {  # or each wrong gradient has this mistake in another form
        kind for kind, _ in marks if answers.wrong <= set().union(*(names for k, names in marks if k == kind))
    }
    if kinds == {"tanh_derivative_missing"}:  # it may be missing in several places: say in which one
        places = [bug.sentence for bug in FINGERPRINTS if answers.left_by(bug.make()) == answers.names]
        return answers.report(kinds.pop(), f"{places[0]} " if places else "")
    if len(kinds) == 1:
        return answers.report(kinds.pop())
    longest = LONG if same(in_a_row[0], FIRST.right, learner.rtol) else FIRST
    for k, shortened in product(range(2, longest.sizes["T"]), SHORTENED):
        if answers.left_by(partial(shortened, k)) == answers.names:
            return answers.report("truncated", f"The walk back covers {k} steps at a time. ")
    if learner.is_right(FIRST.one_sequence()) and learner.is_right(SHORT.one_sequence()):
        return Report("batch", "it is right for a single sequence and wrong for a batch. A weight is shared by all "
                      "sequences, so its gradient is a sum over them. Look at each line that handles the batch axis. "
                      f"It shows in: {in_order(answers.wrong)}.")
    return unknown(learner, answers)


class Answers:
    """The learner's gradients on all `PROBLEMS`, and the names of those that are right, transposed, or zero there."""

    def __init__(self, grads, rtol):
        """`grads` holds one dict of gradients a problem."""
        self.grads, self.rtol, self.names = grads, rtol, set(FIRST.params)
        self.wrong = self.names - self.left_by(right)
        self.sideways = self.everywhere(lambda g, r: sideways(g, r, rtol), right)
        self.empty = self.everywhere(lambda g, r: not g.any(), right)

    def everywhere(self, test, backward):
        """Return the parameters for which test(learner's gradient, backward's gradient) holds on every problem."""
        names = set(self.names)
        for problem, grads in zip(PROBLEMS, self.grads, strict=True):
            if names:
                expected = problem.right if backward is right else backward(*shallow(problem))
                names = {name for name in names if test(grads[name], expected[name])}
        return names

    def left_by(self, backward):
        """Return the parameters whose gradients are everywhere those of `backward`."""
        return self.everywhere(lambda g, b: close(g, b, self.rtol), backward)

    def report(self, kind, finding=""):
        """Return the Report on a mistake of this kind, with the gradients in which it shows."""
        return Report(kind, f"{finding}{KINDS[kind]} It shows in: {in_order(self.wrong)}.")

    def factor(self, names):
        """Return, in words, the one number that these gradients are everywhere multiplied by; "" if there is none."""
        factors = []
        for problem, grads in zip(PROBLEMS, self.grads, strict=True):
            a, e = (np.concatenate([d[name].ravel() for name in sorted(names)]) for d in (grads, problem.right))
            factors.append(a @ e / (e @ e))
            if not all(close(grads[name], factors[-1] * problem.right[name], self.rtol) for name in names):
                return ""
        for sign, top, bottom in sorted(product((1, -1), PRODUCTS, PRODUCTS), key=lambda c: len(c[1] + c[2])):
            wanted = [sign * value(top, problem) / value(bottom, problem) for problem in PROBLEMS]
            if np.allclose(factors, wanted, rtol=self.rtol, atol=0):
                below = "·".join(bottom) if len(bottom) < 2 else f"({'·'.join(bottom)})"
                return "-" * (sign < 0) + ("·".join(top) or "1") + f"/{below}" * bool(bottom)
        if np.allclose(factors, factors[0], rtol=self.rtol, atol=0):
            return f"{factors[0]:.6g}"
        return "some number, another one for other data,"


PRODUCTS = ("", "2", "B", "T", "TB", "O", "TBO", "H", "I", "2B", "2T", "2TB", "BB", "TT")  # "2TB" is 2 T B


def value(product, problem):
    """Return the value of a product of sizes for this problem."""
    return math.prod(int(factor) if factor.isdigit() else problem.sizes[factor] for factor in product)


def scaled(factor):
    """Report gradients that are all right but for one factor, given in words."""
    finding = f"every gradient is {factor} times the right one."
    if not factor.startswith("-"):
        return Report("scale", f"{finding} {KINDS['scale']}")
    turned = "The direction is opposite: look for a sign."
    length = "" if factor == "-1" else " The length is not right either: look for a division or a factor, too."
    return Report("scale", f"{finding} {turned}{length}")


def one_number_for_all(got, expected):
    """True if every element is the sum of the elements that should be there."""
    return close(got, np.full_like(expected, expected.sum()), EXACT)


def praise(learner):
    """Report a right answer, with a remark if it has a habit that may hurt elsewhere."""
    message = "every gradient is right: for any T and B, at order-one weights, and twice in a row."
    if learner.changed:
        message += f" One remark: it writes into its argument {' and '.join(sorted(learner.changed))}; work on a copy."
    if learner.rtol == SINGLE:
        message += " One remark: it is right to single precision only; a float32 array is at work somewhere."
    return Report("correct", message)


def memory(in_a_row, rtol):
    """Report on a function that gave two answers to the same question."""
    sequence = (FIRST, AGAIN, FIRST)
    patients = (bug.make() for bug in BUGS.values() if bug.kind == "not_zeroed")
    if any(all(same(grads, patient(*shallow(problem)), rtol) for grads, problem in zip(in_a_row, sequence, strict=True))
           for patient in patients):
        return Report("not_zeroed", KINDS["not_zeroed"])

    def adds_up(name):
        first, second, third = (grads[name] for grads in in_a_row)
        kept = [(0 * first, first, FIRST), (0 * first, second, AGAIN)]  # right every time …
        summed = [(first, second, AGAIN), (second, third, FIRST)]       # … or on top of what was there before
        return any(all(close(after, before + problem.right[name], rtol) for before, after, problem in steps)
                   for steps in (kept, summed))

    if all(map(adds_up, FIRST.params)):
        return Report("not_zeroed", KINDS["not_zeroed"])
    return Report("not_repeatable", "The same arguments gave another answer the second time, and that is not all "
                  "that is wrong. Look at what survives from one call to the next, then check again.")


def last_steps(k, params, X, h, dY):
    """The walk back ends after k steps: the hidden layer's gradients come from the last k steps."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    dZ[:-k] = 0
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


SHORTENED = (
    lambda k, params, X, h, dY: weight_gradients(X, h[:-1], h[1:], windowed(k, params, h, dY), dY),
    lambda k, params, X, h, dY: weight_gradients(X, h[:-1], h[1:], in_blocks(k, params, h, dY), dY),
    lambda k, params, X, h, dY: weight_gradients(X, h[:-1], h[1:], in_blocks(k, params, h, dY, len(X) % k), dY),
    last_steps,
    lambda k, params, X, h, dY: right(params, X[-k:], h[-k - 1 :], dY[-k:]),
)


def unknown(learner, answers):
    """Say what can be said: which gradients are wrong, and from which step back."""
    rows = [("gradient of", "")]
    for name in FIRST.params:
        factor = answers.factor([name])
        if name not in answers.wrong:
            verdict = "right"
        elif name in answers.empty:
            verdict = "zero"
        elif name in answers.sideways:
            verdict = "transposed"
        else:
            verdict = f"{factor} times the right one" if factor else "wrong"
        rows.append((name, verdict))
    wrong = in_order(answers.wrong)
    message = f"wrong for {wrong}, and not by one mistake that this check knows. {where(learner, answers)}"
    return Report("unknown", message, tuple(rows))


def where(learner, answers):
    """Say in which line the mistake cannot be, or from how many steps on it shows, and how far back."""
    if "b_h" not in answers.wrong:
        return ("The gradient of b_h, the sum of all dL/dz_t, is right, and so is the walk back: "
                f"look at the lines that make the gradient of {in_order(answers.wrong)}.")
    lengths = range(1, FIRST.sizes["T"] + 1)
    first_wrong = next((n for n in lengths if not learner.is_right(FIRST.steps(n))), None)
    if first_wrong is None:
        return f"Sequences of up to {lengths[-1]} steps are right; longer ones or other sizes are not."
    if first_wrong == 1:
        return ("A sequence of a single step is wrong already, with nothing coming back from later steps: "
                "look at the lines for one step first.")
    right_ones = "a single step" if first_wrong == 2 else f"up to {first_wrong - 1} steps"
    text = f"Sequences of {right_ones} are right: look at what passes from one step to another. "
    lag = next((n - 1 for n in lengths if not learner.is_right(FIRST.steps(n).last_error())), None)
    if lag is None:
        return text + "An error at the last step is carried back rightly: look at how the other steps' errors join it."
    if lag == 1:
        return text + "An error is right at its own step and wrong from one step back on."
    return text + f"An error is right up to {lag - 1} step{'s' * (lag > 2)} back and wrong from {lag} steps back on."


def in_order(names):
    """List parameters by name, in the order of the equations."""
    return ", ".join(name for name in FIRST.params if name in names)
