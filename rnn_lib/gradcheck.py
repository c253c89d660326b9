"""Is a backward pass right? Its gradients against numerical ones.

A model is anything with `params` (a dict of arrays), `forward(X)` or `forward(X, state)`, and
`backward(dY)`. It is never changed: all the work is done on copies.
"""

import copy
import inspect
import math
import warnings
from dataclasses import dataclass

import numpy as np

from rnn_lib import initialization
from rnn_lib.report import html_box, text_table
from rnn_lib.validation import (
    check_array,
    check_callable,
    check_choice,
    check_has,
    check_int,
    check_number,
    describe,
    shape_of,
)

__all__ = ["GradientReport", "check_gradients", "numerical_gradients"]

STEPS = {"complex": 1e-30, "central": 1e-5}
TOLERANCES = {"complex": 1e-12, "central": 1e-6}


def numerical_gradients(model, X, loss_fn, method="complex", step=None, state=None):
    """Return dL/d(parameter) for every parameter, found from the loss alone.

    loss_fn  Y -> (loss, dL/dY), such as `lambda Y: mse_loss(Y, target)`; dL/dY is not used here
    method   "complex": Im L(p + i step) / step, exact to rounding (Squire and Trapp 1998);
             "central": (L(p + step) - L(p - step)) / (2 step), about 9 digits at best
    step     by default 1e-30 for "complex" and 1e-5 for "central"
    state    the hidden state before the first step, for a model whose `forward` takes one
    """
    check_model_and_loss(model, loss_fn)
    check_choice("method", method, STEPS)
    step = STEPS[method] if step is None else check_number("step", step, above=0)
    check_pair(loss_fn(run_forward(copy.deepcopy(model), X, state)))  # what is wrong already has no other reason
    probe = copy_with(model, {name: np.array(p, complex if method == "complex" else float)
                              for name, p in model.params.items()})

    def loss():
        return loss_fn(run_forward(probe, X, state))[0]

    grads = {}
    for name, p in probe.params.items():
        grads[name] = np.empty(p.shape)
        for index in np.ndindex(p.shape):
            value = p[index]
            if method == "complex":
                p[index] = value + 1j * step
                grads[name][index] = imaginary_part(loss) / step
            else:
                p[index] = value + step
                above = loss()
                p[index] = value - step
                grads[name][index] = (above - loss()) / (2 * step)
            p[index] = value  # the saved number, not "+= step": nothing can drift
    return grads


def check_gradients(model, X, loss_fn, method="complex", tolerance=None, seed=0):
    """Compare `model.backward` with numerical gradients. Returns a GradientReport; look at `.passed`.

    `loss_fn` and `method` are those of `numerical_gradients`. X is best of order one (far larger inputs saturate
    every unit, and then there is little gradient to compare) and as long as in training. The comparison is made
    in float64

    - at the model's own weights, and at random weights of order one with non-zero biases (from `seed`):
      near zero tanh is almost linear, and mistakes hide;
    - from a zero and, if `forward` takes a `state`, from a non-zero initial state;
    - twice in each case, with other data in between, so that whatever survives a call is seen.

    The error of a parameter is max|a - n| / max(|a|, |n|), a from `backward`, n numerical. Differences below
    a hundredth of `tolerance` times the largest number of the whole gradient are rounding. The default
    tolerance is 1e-12 for "complex" and 1e-6 for "central".
    """
    check_model_and_loss(model, loss_fn)
    check_choice("method", method, STEPS)
    tolerance = TOLERANCES[method] if tolerance is None else check_number("tolerance", tolerance, above=0)
    rng = np.random.default_rng(check_int("seed", seed, minimum=0))
    X = check_array("X", X, shape_of(X))
    other_X = np.flip(X, axis=tuple(range(X.ndim - 1)))  # same shape and same kind of numbers, another order
    own = {name: np.array(p, float) for name, p in model.params.items()}
    order_one = {name: initialization.order_one(p.shape, rng) for name, p in own.items()}

    errors, remarks = {}, []
    for place, params in {"own weights": own, "order-one weights": order_one}.items():
        probe = copy_with(model, {name: p.copy() for name, p in params.items()})
        worst = errors[place] = dict.fromkeys(params, 0.0)
        for state in initial_states(probe, X, rng):
            expected = numerical_gradients(probe, X, loss_fn, method, state=state)
            for data in (X, other_X, X):
                dY = np.array(loss_fn(run_forward(probe, data, state))[1])
                grads = probe.backward(dY)
                changed = [name for name, p in probe.params.items() if not np.array_equal(p, params[name])]
                for name in changed:
                    remarks.append(f"A call of forward and backward changes {name}.")
                    probe.params[name][...] = params[name]
                if data is X:
                    for name, error in relative_errors(grads, expected, tolerance).items():
                        worst[name] = max(worst[name], error)
    return GradientReport(errors, tolerance, tuple(dict.fromkeys(remarks)))


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found.

    errors     {"own weights": {parameter: relative error}, "order-one weights": …}; inf if not finite
    tolerance  the largest error that passes
    remarks    what else is wrong, such as a backward pass that changes the parameters
    """

    errors: dict
    tolerance: float
    remarks: tuple = ()

    @property
    def wrong(self):
        """The names of the parameters whose gradient is wrong anywhere."""
        names = next(iter(self.errors.values()))
        return [name for name in names if any(not e[name] <= self.tolerance for e in self.errors.values())]

    @property
    def passed(self):
        """True if every gradient agrees everywhere and nothing else is wrong."""
        return not self.wrong and not self.remarks

    @property
    def message(self):
        """The verdict in one sentence."""
        if self.wrong:
            verdict = f"the gradient of {', '.join(self.wrong)} is not the derivative of the loss."
        else:
            verdict = f"every gradient agrees with the derivative of the loss within {self.tolerance:g}."
        return " ".join([verdict, *self.remarks])

    @property
    def table(self):
        """Rows of text: the relative error of each parameter at each set of weights."""
        rows = [("relative error", *self.errors, "")]
        for name in next(iter(self.errors.values())):
            cells = (self.show(e[name]) for e in self.errors.values())
            rows.append((name, *cells, "WRONG" if name in self.wrong else "right"))
        return rows

    def show(self, error):
        """Two digits of an error that means something; of rounding noise only its limit: the same on every machine."""
        if error <= self.tolerance:
            return f"< {self.tolerance:g}"
        if not math.isfinite(error):
            return "not finite"
        return f"{error:.2g}" if error > 1e-6 else f"> {self.tolerance:g}"

    @property
    def label(self):
        """Right or Wrong."""
        return "Right" if self.passed else "Wrong"

    def __str__(self):
        """The verdict and the table in plain text."""
        return "\n".join([f"{self.label}: {self.message}", *text_table(self.table)])

    __repr__ = __str__

    def _repr_html_(self):
        return html_box(self.passed, self.label, self.message, self.table)


def check_model_and_loss(model, loss_fn):
    """Raise unless `model` looks like a model and `loss_fn` can be called."""
    check_has("model", model, "params", "forward", "backward")
    check_callable("loss_fn", loss_fn)


def check_pair(answer):
    """Raise unless a loss function's answer is the pair that every loss of the course returns."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise TypeError(f"loss_fn: expected (loss, dLoss/dY), as mse_loss returns, got {describe(answer)}")


def relative_errors(grads, expected, tolerance):
    """Return the relative error of every parameter: symmetric, 0 for two zeros, inf for anything not finite."""
    if not isinstance(grads, dict) or not expected.keys() <= grads.keys():
        raise ValueError(f"backward: expected a dict of gradients with keys {', '.join(expected)}, got {grads!r:.60}")
    noise = 0.01 * tolerance * max(np.abs(n).max() for n in expected.values())
    errors = {}
    for name, n in expected.items():
        a = check_array(f"backward: gradient of {name}", grads[name], n.shape, finite=False)
        with np.errstate(all="ignore"):
            difference, size = np.abs(a - n).max(), max(np.abs(a).max(), np.abs(n).max())
        if not math.isfinite(difference):  # NaN would pass every "error > tolerance"
            errors[name] = math.inf
        else:
            errors[name] = 0.0 if difference <= noise else float(difference / size)
    return errors


def copy_with(model, params):
    """Return a deep copy of `model` in which `params` stand wherever its own parameters stood."""
    # deepcopy consults this memo first: every reference to a parameter becomes one to its replacement.
    twin = copy.deepcopy(model, {id(model.params[name]): p for name, p in params.items()})
    for name, p in params.items():
        if twin.params[name] is not p:
            raise TypeError(f"model: expected params to be a dict of arrays, got a new {name} at every look")
    return twin


def run_forward(model, X, state):
    """Call forward with a state only if there is one: a feed-forward network takes none."""
    return model.forward(X) if state is None else model.forward(X, state)


def initial_states(model, X, rng):
    """Return [None] and, if the model takes one, a random initial state (or a tuple of them, as an LSTM's)."""
    model.forward(X)
    if "state" not in inspect.signature(model.forward).parameters or not hasattr(model, "state"):
        return [None]
    if isinstance(model.state, tuple):
        return [None, tuple(rng.uniform(-0.9, 0.9, np.shape(part)) for part in model.state)]
    return [None, rng.uniform(-0.9, 0.9, np.shape(model.state))]


def imaginary_part(loss):
    """Return Im(loss()), or say why the complex step cannot be used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            value = loss()
        if np.iscomplexobj(value):
            return value.imag
        reason = "the loss came back real"
    except (np.exceptions.ComplexWarning, TypeError) as error:
        reason = str(error)
    raise ValueError(
        f'method "complex": the forward pass or the loss drops imaginary parts ({reason}). Arrays made by np.zeros '
        'are real unless their dtype is that of the parameters. Mend that, or use method="central"'
    )
