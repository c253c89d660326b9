"""A learner's backward pass, called safely, and its answers to the problems of a diagnosis."""

import copy
import math
from collections.abc import Mapping
from functools import cached_property
from itertools import product

import numpy as np

from rnn_lib.exercises.verdict import (
    SINGLE,
    Verdict,
    as_numbers,
    call,
    close,
    dtype_of,
    is_unfilled,
    require,
    safe_describe,
)

__all__ = ["COUNTING", "EXACT", "Answers", "Learner", "one_number", "same", "turned"]

EXACT = 1e-12  # how well answers in float64 must agree: right ones came within 6e-15 (in float32 within 1.3e-6)
COUNTING = {IndexError: "Python counts from 0: the steps of X and dY are 0 to T - 1, and the states, with the initial "
                        "one, have one more."}


class Learner:
    """The learner's backward pass, called safely."""

    def __init__(self, backward, subject):
        """Nothing is called yet; the `bugs.Subject` says what each kind of mistake is."""
        self.backward, self.subject, self.kinds = backward, subject, subject.kinds
        self.rtol = EXACT
        self.went_well = []   # the sizes of the problems that were answered
        self.changed = set()  # names of the arguments that it wrote into
        self.remarks = {}     # habits that do no harm, as a dict's keys: each once, in the order in which they came

    def __call__(self, problem):
        """Return the gradients as a dict of new float64 arrays in the right shapes, or raise a Verdict."""
        args = copy.deepcopy(problem.args)
        try:
            value = call(self.backward, *args.values(), hints=COUNTING)
            self.note_changes(problem.args, args)
            grads = self.gradients(value, problem)
        except Verdict as verdict:
            report = verdict.report
            if report.kind != "exception" and problem.sizes in (self.went_well or [problem.sizes]):
                raise
            sizes = ", ".join(f"{name}={n}" for name, n in problem.sizes.items())
            raise Verdict(report.kind, f"{report.message} It was called with {sizes}.", report.table) from verdict
        self.went_well.append(problem.sizes)
        return grads

    def note_changes(self, before, after):
        """Remember which of its arguments the function wrote into. (A number put back may be off by its last digit.)"""
        for name, value in before.items():
            pairs = ([(value[key], after[name].get(key)) for key in value] if isinstance(value, dict)
                     else [(value, after[name])])
            if not all(a is not None and (np.array_equal(a, b) or close(a, b, 1e-12)) for b, a in pairs):
                self.changed.add(name)

    def gradients(self, value, problem):
        """Check the keys, types, shapes and numbers of what the function returned."""
        params = problem.params
        if not isinstance(value, Mapping):  # no `require`: to describe a dict of arrays takes longer than to check it
            raise Verdict("wrong_type", f"expected a dict with keys {', '.join(params)}, got {safe_describe(value)}.")
        missing = ", ".join(name for name in params if name not in value)
        extra = ", ".join(str(key) for key in value if key not in params)
        unknown = f"; no parameter is called {extra}" if extra else ""
        require(not missing, "wrong_keys", f"no gradient for {missing}{unknown}.")
        empty = ", ".join(name for name in params if is_unfilled(value[name]))
        require(not empty, "not_started", f"the gradient of {empty} is empty. Fill it in and run this cell again.")
        if extra:
            self.remarks[f"no parameter is called {extra}, and nobody reads that entry."] = None
        return self.in_shape({name: self.numbers(name, value[name]) for name in params}, problem)

    def numbers(self, name, value):
        """Return one gradient as float64, or raise a Verdict."""
        dtype = dtype_of(value)
        if dtype.kind == "c" and not np.any(np.imag(value)):
            self.remarks[f"the gradient of {name} is complex, with imaginary parts that are all 0."] = None
            value = np.real(value)
        g = as_numbers(value)
        require(g is not None, "wrong_type", f"gradient of {name}: expected real numbers, got {safe_describe(value)}.")
        if dtype in (np.float16, np.float32):
            self.rtol = SINGLE
        overflow = dtype == np.float16 and not np.isfinite(g).all()
        require(not overflow, "not_finite", f"the gradient of {name} is float16, whose largest number is 65504: it "
                "overflowed. Work in float64.")
        return g

    def in_shape(self, grads, problem):
        """Return the gradients if each is finite and has the shape of its parameter, or raise a Verdict."""
        right = problem.right
        for name, g in grads.items():
            if g.ndim == 0 and right[name].shape == (1,):
                self.remarks[f"the gradient of {name} is a bare number where the parameter has shape (1,)."] = None
                grads[name] = g.reshape(1)
        crooked = [name for name, g in grads.items() if g.shape != right[name].shape]
        on_its_side = crooked and all(sideways(grads[name], right[name], self.rtol) for name in crooked)
        require(not on_its_side, "gradient_transposed",
                f"{self.kinds['gradient_transposed']} It shows in: {', '.join(crooked)}.")
        sums = crooked and all(close(grads[name].ravel(), [right[name].sum()], self.rtol) for name in crooked)
        if sums:
            raise one_number(crooked)
        if crooked:
            rows = [(name, str(right[name].shape), str(grads[name].shape)) for name in crooked]
            raise Verdict("wrong_shape", "a gradient has the shape of its parameter.",
                          [("gradient of", "expected", "got"), *rows])
        bad = ", ".join(name for name, g in grads.items() if not np.isfinite(g).all())
        require(not bad, "not_finite", f"the gradient of {bad} holds numbers that are not finite.")
        return grads

    def try_on(self, problem):
        """Return the gradients, or None if there are none."""
        try:
            return self(problem)
        except Verdict:
            return None

    def is_right(self, problem):
        """True if every gradient is right."""
        grads = self.try_on(problem)
        return grads is not None and same(grads, problem.right, self.rtol)


class Answers:
    """The learner's gradients on all `problems`, and the names of those that are right, transposed, or zero there."""

    def __init__(self, learner, problems, grads=None):
        """Call the learner's function once on each problem, if its gradients are not there yet."""
        self.problems, self.subject, self.rtol = problems, learner.subject, learner.rtol
        self.grads = grads or [learner(problem) for problem in problems]
        self.right = [problem.right for problem in problems]
        self.names = list(problems[0].params)  # all lists of names are in the order of the equations
        self.solved = [same(grads, right, self.rtol) for grads, right in zip(self.grads, self.right, strict=True)]
        found_right = self.left_by(self.right)
        self.wrong = [name for name in self.names if name not in found_right]
        self.sideways = self.everywhere(lambda g, r: sideways(g, r, self.rtol), self.right)
        self.empty = self.everywhere(lambda g, r: not g.any(), self.right)

    def everywhere(self, test, gradients):
        """Return the parameters for which test(learner's gradient, the one of `gradients`) holds on every problem."""
        names = self.names
        for ours, theirs in zip(self.grads, gradients, strict=True):
            names = [name for name in names if test(ours[name], theirs[name])]
        return names

    def left_by(self, gradients):
        """Return the parameters whose gradients are everywhere these."""
        return self.everywhere(lambda g, other: close(g, other, self.rtol), gradients)

    def explained_by(self, mark):
        """Return the parameters whose gradients are everywhere those of a bug's Fingerprint, if a wrong one is."""
        return self.left_by(mark.gradients) if mark.name in self.suspects else []

    @cached_property
    def suspects(self):
        """The names of the bugs that leave one of the wrong gradients on the first problem."""
        marks = self.subject.fingerprints
        return {marks[i].name for name in self.wrong for i in marks.like(name, self.grads[0][name], self.rtol)}

    def found(self, kind, finding=""):
        """Return the Verdict on a mistake of this kind, with the gradients in which it shows."""
        return Verdict(kind, f"{finding}{self.subject.kinds[kind]} {self.shown()}")

    def shown(self):
        """Say which gradients are wrong and, if they are so in the rows of some gates only, of which."""
        rows = {self.rows_of(name) for name in self.wrong}
        return f"It shows in: {', '.join(self.wrong)}{rows.pop() if len(rows) == 1 else ''}."

    def rows_of(self, name):
        """Say in the rows of which gates a gradient is wrong; "" if in those of all, or if it has none."""
        gates = self.subject.gates if name in self.subject.walk else ""
        pairs = [(np.split(ours[name], len(gates)), np.split(right[name], len(gates)))
                 for ours, right in zip(self.grads, self.right, strict=True) if gates]
        wrong = [gate for k, gate in enumerate(gates)
                 if not all(close(ours[k], right[k], self.rtol) for ours, right in pairs)]
        return f" in the rows of {', '.join(wrong)}" if len(wrong) < len(gates) else ""

    def factor(self, names, gradients=None):
        """Return, in words, the one number that these gradients are everywhere times the right ones, or other ones;
        "" if there is none.
        """
        factors = []
        for grads, others in zip(self.grads, gradients or self.right, strict=True):
            a, e = (np.concatenate([d[name].ravel() for name in names]) for d in (grads, others))
            factors.append(a @ e / (e @ e))
            if not all(close(grads[name], factors[-1] * others[name], self.rtol) for name in names):
                return ""
        for sign, top, bottom in sorted(product((1, -1), PRODUCTS, PRODUCTS), key=lambda c: len(c[1] + c[2])):
            wanted = [sign * value(top, problem) / value(bottom, problem) for problem in self.problems]
            if np.allclose(factors, wanted, rtol=self.rtol, atol=0):
                below = "·".join(bottom) if len(bottom) < 2 else f"({'·'.join(bottom)})"
                return "-" * (sign < 0) + ("·".join(top) or "1") + f"/{below}" * bool(bottom)
        if np.allclose(factors, factors[0], rtol=self.rtol, atol=0):
            text = f"{factors[0]:.6g}"
            return text if text not in ("1", "-1") else f"{factors[0]:.12g}"
        return "some number, another one for other data,"


PRODUCTS = ("", "2", "B", "T", "TB", "O", "TBO", "H", "I", "2B", "2T", "2TB", "BB", "TT")  # "2TB" is 2 T B


def value(product, problem):
    """Return the value of a product of sizes for this problem; NaN if it has no such size."""
    return math.prod(int(factor) if factor.isdigit() else problem.sizes.get(factor, math.nan) for factor in product)


def one_number(names):
    """Return the Verdict on gradients that are one number, the sum over all units, instead of one for each."""
    return Verdict("bias_summed_over_units", "a bias has one number for each unit, and so has its gradient: sum over "
                   "time and over the batch, but not over the units. With rows, which axis of dL/dz_t is the batch, "
                   f"and does your sum name it? It shows in: {', '.join(names)}.")


def turned(g):
    """Return a matrix transposed, or a column of squares with each square transposed; anything else as it is."""
    squares, rest = divmod(len(g), g.shape[1]) if g.ndim == 2 and g.size else (0, 1)
    return g.reshape(squares, *2 * g.shape[1:]).swapaxes(1, 2).reshape(g.shape) if not rest else g.T


def sideways(g, expected, rtol):
    """True if g is the transpose of a matrix that should be there, or of each of the squares that it is made of."""
    return g.ndim == 2 and (close(g.T, expected, rtol) or close(turned(g), expected, rtol))


def same(grads, expected, rtol):
    """True if all gradients agree."""
    return all(close(grads[name], expected[name], rtol) for name in expected)
