"""Is the learner's backward pass right, and if not, which mistake is in it?

The gradient that a mistake leaves gives it away, whatever way the code was written. It is compared with
those of every bug in `rnn_lib.bugs` on problems whose sizes all differ, with weights of order one and a
non-zero initial state. A mistake is named only if every gradient matches on every problem.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product

import numpy as np

from rnn_lib.bugs import BUGS, KINDS, in_blocks, right, walk_back, weight_gradients, windowed
from rnn_lib.exercises.report import Report, as_numbers, call, close, copy_of, is_unfilled, never_raises, safe_describe
from rnn_lib.rnn import RNN

EXACT, SINGLE = 1e-9, 1e-4  # how well answers in float64 and in float32 must agree
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


@dataclass(frozen=True)
class Problem:
    """The arguments of one call."""

    params: dict
    X: np.ndarray
    h: np.ndarray
    dY: np.ndarray

    @cached_property
    def right(self):
        """The right gradients."""
        return right(self.params, self.X, self.h, self.dY)

    @property
    def sizes(self):
        """T, B, I, H and O by name."""
        return dict(zip("TBIHO", (*self.X.shape, self.h.shape[-1], self.dY.shape[-1]), strict=True))

    def steps(self, n):
        """The same sequences, cut after n steps."""
        return replace(self, X=self.X[:n], h=self.h[: n + 1], dY=self.dY[:n])

    def one_sequence(self):
        """The first sequence of the batch alone."""
        return replace(self, X=self.X[:, :1], h=self.h[:, :1], dY=self.dY[:, :1])

    def quiet(self):
        """The same sequences with tiny output errors."""
        return replace(self, dY=1e-6 * self.dY / np.abs(self.dY).max())

    def last_error(self):
        """The same sequences with an output error at the last step alone."""
        return replace(self, dY=np.concatenate([0 * self.dY[:-1], self.dY[-1:]]))


def make_problem(T, B, I, H, O, seed, memory=None):
    """Return random weights of order one, and what they do to random data. With `memory`, errors fade slowly."""
    rng = np.random.default_rng(seed)
    model = RNN(I, H, O)
    for p in model.params.values():
        p[...] = rng.normal(0, 0.5 if p.ndim == 1 else 1 / np.sqrt(p.shape[1]), p.shape)
    if memory is not None:
        model.params["W_hh"][...] = memory * np.linalg.qr(rng.normal(size=(H, H)))[0]
        model.params["W_xh"] *= 0.2
        model.params["b_h"] *= 0.2
    X = rng.normal(size=(T, B, I))
    model.forward(X, rng.uniform(-0.9, 0.9, (B, H)))
    return Problem(model.params, X, model.hidden_states, rng.normal(size=(T, B, O)))


FIRST = make_problem(T=7, B=3, I=4, H=5, O=2, seed=1)
AGAIN = replace(make_problem(T=7, B=3, I=4, H=5, O=2, seed=2), params=FIRST.params)  # other data, same weights
SHORT = make_problem(T=5, B=4, I=2, H=3, O=6, seed=3)
LONG = make_problem(T=60, B=2, I=3, H=4, O=1, seed=4, memory=1.05)
LOUD = replace(FIRST, dY=1e6 * FIRST.dY)
PROBLEMS = (FIRST, SHORT, LONG, LOUD)


class NoGradients(Exception):
    """The learner's function did not return gradients that can be compared; `report` says why."""

    def __init__(self, report):
        """Carry the report up to `check_backward`."""
        self.report = report


class Learner:
    """The learner's function, called safely."""

    def __init__(self, backward):
        """Nothing is called yet."""
        self.backward = backward
        self.rtol = EXACT
        self.changed = set()  # names of the arguments that it wrote into

    def __call__(self, problem):
        """Return the gradients as a dict of new float64 arrays in the right shapes, or raise NoGradients."""
        args = [copy_of(arg) for arg in shallow(problem)]
        value, report = call(self.backward, *args)
        if report is not None:
            if report.kind == "exception":
                sizes = ", ".join(f"{name}={n}" for name, n in problem.sizes.items())
                report = replace(report, message=f"{report.message} It was called with {sizes}.")
            raise NoGradients(report)
        self.note_changes(problem, args)
        return self.gradients(value, problem)

    def note_changes(self, problem, args):
        """Remember which of its arguments the function wrote into."""
        for name, before, after in zip(("params", "X", "hidden_states", "dY"), shallow(problem), args, strict=True):
            pairs = [(before[key], after.get(key)) for key in before] if name == "params" else [(before, after)]
            if not all(np.array_equal(b, a) for b, a in pairs):
                self.changed.add(name)

    def gradients(self, value, problem):
        """Check the keys, types, shapes and numbers of what the function returned."""
        if not isinstance(value, dict):
            names = ", ".join(problem.params)
            fail("wrong_type", f"expected a dict with keys {names}, got {safe_describe(value)}.")
        missing = [name for name in problem.params if name not in value]
        extra = [str(key) for key in value if key not in problem.params]
        if missing or extra:
            fail("wrong_keys", "; ".join([f"no gradient for {', '.join(missing)}"] * bool(missing)
                                         + [f"no parameter is called {', '.join(extra)}"] * bool(extra)) + ".")
        if any(is_unfilled(value[name]) for name in problem.params):
            empty = [name for name in problem.params if is_unfilled(value[name])]
            fail("not_started", f"the gradient of {', '.join(empty)} is empty. Fill it in and run this cell again.")
        grads = {name: as_numbers(value[name]) for name in problem.params}
        for name, g in grads.items():
            if g is None:
                fail("wrong_type", f"gradient of {name}: expected real numbers, got {safe_describe(value[name])}.")
        if any(getattr(value[name], "dtype", None) == np.float32 for name in grads):
            self.rtol = SINGLE
        shapes = {name: p.shape for name, p in problem.params.items()}
        crooked = [name for name, g in grads.items() if g.shape != shapes[name]]
        if crooked and all(sideways(grads[name], problem.right[name], self.rtol) for name in crooked):
            fail("gradient_transposed", f"{', '.join(crooked)}: {KINDS['gradient_transposed']}")
        if crooked:
            fail("wrong_shape", "a gradient has the shape of its parameter.",
                 [("gradient of", "expected", "got")]
                 + [(name, str(shapes[name]), str(grads[name].shape)) for name in crooked])
        bad = [name for name, g in grads.items() if not np.isfinite(g).all()]
        if bad:
            fail("not_finite", f"the gradient of {', '.join(bad)} holds numbers that are not finite.")
        return grads

    def try_on(self, problem):
        """Return the gradients, or None if there are none."""
        try:
            return self(problem)
        except NoGradients:
            return None

    def is_right(self, problem):
        """True if every gradient is right."""
        grads = self.try_on(problem)
        return grads is not None and same(grads, problem.right, self.rtol)


def diagnose(learner):
    """Return the Report on a learner's function."""
    # Should an earlier call have left a carry behind, this one, with nothing to pass back, ends with zero.
    learner.try_on(replace(FIRST, params={**FIRST.params, "W_hh": 0 * FIRST.params["W_hh"]}, dY=0 * FIRST.dY))
    in_a_row = [learner(problem) for problem in (FIRST, AGAIN, FIRST)]
    if "params" in learner.changed:
        return Report("params_changed", KINDS["params_changed"])
    if not same(in_a_row[0], in_a_row[2], learner.rtol):
        return memory(in_a_row, learner.rtol)
    if same(in_a_row[0], FIRST.right, SINGLE) and not same(in_a_row[0], FIRST.right, EXACT):
        learner.rtol = SINGLE  # rounded to float32 somewhere on the way: right as far as that goes
    answers = [learner(problem) for problem in PROBLEMS]

    def everywhere(test):
        """Apply test(gradient, right gradient) to each parameter on every problem; return where it always holds."""
        return {name for name in FIRST.params
                if all(test(grads[name], p.right[name]) for p, grads in zip(PROBLEMS, answers, strict=True))}

    names = set(FIRST.params)
    right_ones = everywhere(lambda g, r: close(g, r, learner.rtol))
    on_their_side = everywhere(lambda g, r: sideways(g, r, learner.rtol)) - right_ones
    empty = everywhere(lambda g, r: not g.any())
    if right_ones == names:
        return praise(learner)
    if empty == names:
        return Report("not_started", "every gradient is still zero. Fill them in and run this cell again.")
    if right_ones | on_their_side == names:
        return Report("gradient_transposed", f"{in_order(on_their_side)}: {KINDS['gradient_transposed']}")
    if right_ones | empty == names:
        if empty <= BIASES:
            return Report("bias_missing", f"{in_order(empty)}: {KINDS['bias_missing']}")
        return Report("unfinished", f"{in_order(right_ones)}: right so far. {in_order(empty)}: still zero.")
    if all(learner.is_right(problem.quiet()) for problem in PROBLEMS):
        return Report("clipped", KINDS["clipped"])
    factor = common_factor(answers, names, learner.rtol)
    if factor:
        return Report("scale", f"Every gradient is {factor} times the right one. {KINDS['scale']}")

    def explained_by(wrong_backward):
        return all(same(grads, wrong_backward(*shallow(p)), learner.rtol)
                   for p, grads in zip(PROBLEMS, answers, strict=True))

    kinds = {bug.kind for bug in FINGERPRINTS if explained_by(bug.make())}
    if len(kinds) == 1:
        kind = kinds.pop()
        return Report(kind, KINDS[kind])
    longest = LONG if same(answers[0], FIRST.right, learner.rtol) else FIRST
    for k, shortened in product(range(2, longest.sizes["T"]), SHORTENED):
        if explained_by(partial(shortened, k)):
            return Report("truncated", f"The walk back covers {k} steps at a time. {KINDS['truncated']}")
    if learner.is_right(FIRST.one_sequence()) and learner.is_right(SHORT.one_sequence()):
        return Report("batch", "It is right for a single sequence and wrong for a batch. A weight is shared by all "
                      "sequences, so its gradient is a sum over them. Look at each line that handles the batch axis.")
    return unknown(learner, answers, right_ones, on_their_side, empty)


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


def common_factor(answers, names, rtol):
    """Return, in words, the one number that every gradient is multiplied by; "" if there is none."""
    factors = []
    for problem, grads in zip(PROBLEMS, answers, strict=True):
        expected = problem.right
        a, e = (np.concatenate([d[name].ravel() for name in names]) for d in (grads, expected))
        factors.append(a @ e / (e @ e))
        if not all(close(grads[name], factors[-1] * expected[name], rtol) for name in names):
            return ""
    for sign, top, bottom in sorted(product((1, -1), PRODUCTS, PRODUCTS), key=lambda c: len(c[1] + c[2])):
        wanted = [sign * value(top, problem) / value(bottom, problem) for problem in PROBLEMS]
        if np.allclose(factors, wanted, rtol=rtol, atol=0):
            below = "·".join(bottom) if len(bottom) < 2 else f"({'·'.join(bottom)})"
            return "-" * (sign < 0) + ("·".join(top) or "1") + f"/{below}" * bool(bottom)
    if np.allclose(factors, factors[0], rtol=rtol, atol=0):
        return f"{factors[0]:.6g}"
    return "a number that changes with the data"


PRODUCTS = ("", "2", "B", "T", "TB", "O", "TBO", "H", "I", "2B", "2T", "2TB", "BB", "TT")  # "2TB" is 2 T B


def value(product, problem):
    """Return the value of a product of sizes for this problem."""
    return math.prod(int(factor) if factor.isdigit() else problem.sizes[factor] for factor in product)


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


def unknown(learner, answers, right_ones, on_their_side, empty):
    """Say what can be said: which gradients are wrong, and from which step back."""
    names = list(FIRST.params)
    rows = [("gradient of", "")]
    for name in names:
        if name in right_ones:
            verdict = "right"
        elif name in empty:
            verdict = "zero"
        elif name in on_their_side:
            verdict = "transposed"
        else:
            factor = common_factor(answers, [name], learner.rtol)
            verdict = f"{factor} times the right one" if factor else "wrong"
        rows.append((name, verdict))
    wrong = [name for name in names if name not in right_ones]
    message = f"wrong for {', '.join(wrong)}, and not by one mistake that this check knows. {where(learner)}"
    return Report("unknown", message, tuple(rows))


def where(learner):
    """Say from how many steps on the gradient is wrong, and how far back an error is carried rightly."""
    lengths = range(1, FIRST.sizes["T"] + 1)
    first_wrong = next((n for n in lengths if not learner.is_right(FIRST.steps(n))), None)
    if first_wrong is None:
        return f"Sequences of up to {lengths[-1]} steps are right, longer ones or other sizes are not."
    if first_wrong == 1:
        return ("A sequence of a single step is wrong already, with nothing coming back from later steps: "
                "look at the lines for one step first.")
    text = f"Sequences of up to {first_wrong - 1} steps are right: look at what passes from one step to another. "
    lag = next((n - 1 for n in lengths if not learner.is_right(FIRST.steps(n).last_error())), None)
    if lag is None:
        return text + "An error at the last step is carried back rightly: look at how the other steps' errors join it."
    if lag == 1:
        return text + "An error is right at its own step and wrong from one step back on."
    return text + f"An error is right up to {lag - 1} step{'s' * (lag > 2)} back and wrong from {lag} steps back on."


def sideways(g, expected, rtol):
    """True if g is the transpose of a matrix that should be there."""
    return g.ndim == 2 and close(g.T, expected, rtol)


def same(grads, expected, rtol):
    """True if all gradients agree."""
    return all(close(grads[name], expected[name], rtol) for name in expected)


def in_order(names):
    """List parameters by name, in the order of the equations."""
    return ", ".join(name for name in FIRST.params if name in names)


def shallow(problem):
    """Return the arguments of `backward`."""
    return problem.params, problem.X, problem.h, problem.dY


def fail(kind, message, table=()):
    """Stop: there are no gradients to compare."""
    raise NoGradients(Report(kind, message, tuple(table)))
