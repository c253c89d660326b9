"""A learner's backward pass, called safely on problems that show every kind of mistake."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rnn_lib.bugs import KINDS, right
from rnn_lib.exercises.report import Report, as_numbers, call, close, copy_of, is_unfilled, safe_describe
from rnn_lib.initialization import order_one
from rnn_lib.rnn import RNN

EXACT, SINGLE = 1e-9, 1e-4  # how well answers in float64 and in float32 must agree


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
    model.set_params({name: order_one(p.shape, rng) for name, p in model.params.items()})
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
            fail("gradient_transposed", f"{KINDS['gradient_transposed']} It shows in: {', '.join(crooked)}.")
        if crooked and all(close(grads[name].ravel(), [problem.right[name].sum()], self.rtol) for name in crooked):
            raise NoGradients(one_number(crooked))
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


def shallow(problem):
    """Return the arguments of `backward`."""
    return problem.params, problem.X, problem.h, problem.dY


def sideways(g, expected, rtol):
    """True if g is the transpose of a matrix that should be there."""
    return g.ndim == 2 and close(g.T, expected, rtol)


def one_number(names):
    """Report that these gradients are one number, the sum over all units, instead of one number for each."""
    return Report("bias_summed_over_units", "a bias has one number for each unit, and so has its gradient: sum over "
                  "time and over the batch, but not over the units. With rows, which axis of dL/dz_t is the batch, "
                  f"and does your sum name it? It shows in: {', '.join(names)}.")


def same(grads, expected, rtol):
    """True if all gradients agree."""
    return all(close(grads[name], expected[name], rtol) for name in expected)


def fail(kind, message, table=()):
    """Stop: there are no gradients to compare."""
    raise NoGradients(Report(kind, message, tuple(table)))
