"""Is a backward pass right? Its gradients against numerical ones.

A model is anything with `params` (a dict of arrays), `forward(X)` or `forward(X, state)`, and
`backward(dY)`. It is never changed: all the work is done on copies (probe.py). Who is to blame for a
disagreement, suspects.py finds out.
"""

import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnn_lib import initialization, suspects
from rnn_lib.probe import (
    CENTRAL,
    COMPLEX,
    STEPS,
    Probe,
    Setting,
    choose_method,
    copy_with,
    derivative,
    initial_states,
    run_forward,
)
from rnn_lib.report import GradientReport
from rnn_lib.validation import (
    check_array,
    check_callable,
    check_choice,
    check_has,
    check_int,
    check_named_arrays,
    check_number,
    describe,
    is_finite,
    shape_of,
)

SINGLE_TOLERANCE = 4e-6  # what the rounding of float32, 6e-8, may grow to in a sum
OTHER_SHAPES, LONG = "other shapes", 130  # X is also repeated to so many steps, and to so many sequences


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
    X = check_array("X", X, shape_of(X))
    check_pair(loss_fn(run_forward(copy_with(model), X, state)))  # what is wrong already has no other reason
    return one_by_one(Probe(model, loss_fn, method, state), X, method, step)


def one_by_one(probe, X, method, step):
    """Return the numerical gradient of every parameter: each of its numbers is nudged alone."""
    grads = {}
    for name, p in probe.params.items():
        grads[name] = np.empty(p.shape)
        for index in np.ndindex(p.shape):
            grads[name][index] = derivative(probe.at(p, index, X), method, step)
    return grads


class Direction(NamedTuple):
    """What `check_direction` found: the slope of the loss along one random direction v of all weights together.

    numerical  the slope, from the loss alone
    backward   the slope, from the gradients: the sum of each times v
    error      their difference, relative to the terms of that sum
    tolerance  the largest error that passes
    why        why the complex step did not apply, or ""
    """

    numerical: float
    backward: float
    error: float
    tolerance: float
    why: str = ""

    @property
    def passed(self):
        """True if the two slopes agree."""
        return self.error <= self.tolerance


def check_direction(model, X, loss_fn, seed=0):
    """Check all gradients at once, along one random direction v: one complex forward pass. Returns a Direction.

    Every weight p becomes p + i step v; Im L / step is then the slope of the loss along v, and that is the sum of
    all gradients times v. (A wrong gradient whose error is at a right angle to v would pass: no random v is.) The
    model is looked at as it is: at its own weights, from a random initial state if it takes one, in its second call,
    after one on other data. Where the complex step does not apply, central differences along v take its place.
    `loss_fn` is that of `numerical_gradients`; what is raised, and when, is as in `check_gradients`.
    """
    check_model_and_loss(model, loss_fn)
    rng = np.random.default_rng(check_int("seed", seed, minimum=0))
    X = np.array(check_array("X", X, shape_of(X)))
    patient = copy_with(model)
    v = {name: rng.normal(size=p.shape) for name, p in patient.params.items()}
    setting = settings_of(patient, X, loss_fn, rng)[0][-1]
    method, why = choose_method(COMPLEX, [setting], X, v)
    forward_and_backward(setting, other_data(X))
    probe = setting.probe(method)
    grads, _ = forward_and_backward(setting, X)
    return Direction(*slopes(v, grads, probe, X, method), method.tolerance, why)


def check_gradients(model, X, loss_fn, method="complex", tolerance=None, seed=0):
    """Compare `model.backward` with numerical gradients. Returns a GradientReport; look at `.passed`.

    `loss_fn` and `method` are those of `numerical_gradients`. X is best of order one (far larger inputs saturate
    every unit, and then there is little gradient to compare). The comparison is made in float64

    - at the model's own weights, and at random weights of order one with non-zero biases (from `seed`):
      near zero tanh is almost linear, and mistakes hide;
    - from a zero and, if `forward` takes a state as its second argument, from a non-zero initial state;
    - in four calls in a row, two on X, one on other data, one on X: whatever survives a call is seen;
    - on X repeated to 130 steps and to 130 sequences, and cut down to one, with a loss of the check's own.

    In the first of the four calls each number of each parameter is nudged, in the others all at once, along a random
    direction. Central differences confirm that the complex step applies. Where it does not (abs, max, conj, a
    comparison, a real array in the way), they judge, with their own tolerance, and the report says so. Its last line
    says what was tested, and what could not be.

    The error of a parameter is max|a - n| / max(|a|, |n|), a from `backward`, n numerical. Differences below
    a hundredth of `tolerance` times the largest number of the whole gradient are rounding. The default
    tolerance is 1e-12 for "complex" and 1e-6 for "central".

    Raises ValueError or TypeError if there is nothing to judge: forward is random, or does not read `params`.
    """
    check_model_and_loss(model, loss_fn)
    asked = {"complex": COMPLEX, "central": CENTRAL}[check_choice("method", method, STEPS)]
    if tolerance is not None:
        asked = asked._replace(tolerance=check_number("tolerance", tolerance, above=0))
    rng = np.random.default_rng(check_int("seed", seed, minimum=0))
    X = np.array(check_array("X", X, shape_of(X)))
    own = copy_with(model)
    order_one = copy_with(own, {name: initialization.order_one(p.shape, rng) for name, p in own.params.items()})
    v = {name: rng.normal(size=p.shape) for name, p in own.params.items()}
    settings, habit = settings_of(own, X, loss_fn, rng)
    settings += [s._replace(place="order-one weights", model=order_one) for s in settings
                 if is_finite(loss_or_nan(s._replace(model=order_one), X))]
    method, why = choose_method(asked, settings, X, v)
    single = [name for name, g in forward_and_backward(settings[0]._replace(model=copy_with(own)), X)[0].items()
              if g.dtype == np.float32]
    if single:
        method = method._replace(tolerance=max(method.tolerance, SINGLE_TOLERANCE))

    series = [[(setting, data) for data in (X, X, other_data(X), X)] for setting in settings]
    refused = []
    for data in other_shapes(X):
        try:
            state = initial_states(settings[-1].model, data, rng)[-1]
            elsewhere = settings[-1]._replace(place=OTHER_SHAPES, state=state, loss_fn=linear_loss)
            elsewhere.probe(CENTRAL).loss(data)
            series.append([(elsewhere, data), (settings[-1], X)])
        except Exception as error:
            refused.append(f"X of shape {data.shape}, for which forward fails ({error})")
    found = [compare(calls, method, v) for calls in series]

    loss_fault, loss_why = suspects.loss_alone(settings[0], X, rng)
    faults = [loss_fault, *(fault for calls in found for c in calls for fault in c.faults)]
    faults.append("" if loss_fault else suspects.explain(found, X))
    notes = [habit, f"The complex step does not apply: {'loss_fn' if loss_why else 'forward'} {why}." if why else "",
             f"backward returns {', '.join(single)} in float32: compared within its rounding." if single else "",
             scope(found, X, refused)]
    return GradientReport(worst_errors(found), method.tolerance, *(tuple(dict.fromkeys(filter(None, sentences)))
                                                                   for sentences in (faults, notes)))


def worst_errors(found):
    """Return {place: {parameter: its largest error there, None if it could not be told from rounding}}."""
    errors = {}
    for c in itertools.chain(*found):
        worst = errors.setdefault(c.setting.place, dict.fromkeys(c.errors, 0.0))
        for name, error in c.errors.items():
            if error is None or worst[name] is None:  # untested, unless it is wrong somewhere
                worst[name] = error if name in c.wrong else worst[name] if worst[name] else None
            else:
                worst[name] = max(worst[name], error)
    return errors


class Comparison(NamedTuple):
    """One call of forward and backward, compared. `expected` is None where only slopes along v were compared."""

    setting: Setting
    X: np.ndarray
    errors: dict
    grads: dict
    expected: dict | None
    faults: tuple
    wrong: tuple


def compare(calls, method, v):
    """Run one copy of a model through `calls`, pairs of a Setting and an X, and return the Comparison of each.

    Each is compared with the numerical gradients of the model as it stood before this call.
    """
    patient = copy_with(calls[0][0].model)
    found = []
    for setting, X in calls:
        setting = setting._replace(model=patient)
        full = not found and setting.place != OTHER_SHAPES
        probe = setting.probe(method)
        try:
            grads, faults = forward_and_backward(setting, X)
        except Exception as error:
            if full:
                raise
            fault = f"A call with X of shape {X.shape} fails ({error})."
            found.append(Comparison(setting, X, dict.fromkeys(v, math.inf), {}, None, (fault,), tuple(v)))
            continue
        if full:
            expected = one_by_one(probe, X, method.name, method.step)
            errors = relative_errors(grads, expected, method.tolerance)
        else:
            expected, errors = None, errors_along(v, grads, probe, X, method)
        if max(errors.values()) > method.tolerance:
            limits = doubts(v, expected, probe, X, method)
            errors = {name: None if method.tolerance < error <= limits[name] else error for name, error in errors.items()}
        wrong = tuple(name for name, error in errors.items() if error is not None and error > method.tolerance)
        found.append(Comparison(setting, X, errors, grads, expected, faults, wrong))
    return found


def doubts(v, expected, probe, X, method):
    """Return, for every parameter, how large an error may come of the numerical gradient itself.

    The complex step is exact, but in a long or chaotic run the rounding of the parameters grows: they are moved by it.
    Central differences are known as well as those of twice the step agree with them.
    """
    if method.name == "complex":
        return dict.fromkeys(v, 100 * probe.rounding(v, X))
    floor = method.noise * abs(probe.loss(X)) / method.step
    if expected is not None:
        pairs = expected, one_by_one(probe, X, method.name, 2 * method.step)
    else:
        pairs = [{name: derivative(probe.along({name: v[name]}, X), method.name, step) for name in v}
                 for step in (method.step, 2 * method.step)]
    return {name: (5 * np.abs(pairs[0][name] - pairs[1][name]).max() + floor) / np.abs(pairs[0][name]).max()
            for name in v}


def forward_and_backward(setting, X):
    """Call forward, the loss and backward. Returns (gradients, what these calls did that they must not do)."""
    model, given = setting.model, X.copy()
    before = {name: p.copy() for name, p in model.params.items()}
    Y = model.forward(given) if setting.state is None else model.forward(given, setting.state)
    grads = gradients_of(model.backward(np.array(setting.loss_fn(Y)[1])), before)
    faults = [] if np.array_equal(given, X) else ["forward changes the X that it is given."]
    for name, p in model.params.items():
        if not np.array_equal(p, before[name]):
            faults.append(f"A call of forward and backward changes {name}.")
            p[...] = before[name]
    return grads, tuple(faults)


def gradients_of(grads, params):
    """Return copies of the gradients that backward handed out, or raise if they are not a gradient for each of `params`."""
    if not isinstance(grads, Mapping) or not params.keys() <= grads.keys():
        raise ValueError(f"backward: expected a dict of gradients with keys {', '.join(params)}, got {grads!r:.60}")
    return {name: np.array(check_array(f"backward: gradient of {name}", grads[name], p.shape, finite=False))
            for name, p in params.items()}


def relative_errors(grads, expected, tolerance):
    """Return the relative error of every parameter: symmetric, 0 for two zeros, inf for anything not finite."""
    noise = 0.01 * tolerance * max(np.abs(n).max() for n in expected.values())
    errors = {}
    for name, n in expected.items():
        with np.errstate(all="ignore"):
            difference, size = np.abs(grads[name] - n).max(), max(np.abs(grads[name]).max(), np.abs(n).max())
        errors[name] = relative_error(difference, size, noise)
    return errors


def relative_error(difference, size, noise):
    """Return difference / size, 0 for what is noise, inf for what is not finite."""
    if not math.isfinite(difference):  # NaN would pass every "error > tolerance"
        return math.inf
    return 0.0 if difference <= noise else float(difference / size)


def slopes(v, grads, probe, X, method, noise=0.0):
    """Return (the slope of the loss along v, the sum of all gradients times v, their error relative to its terms)."""
    parts = np.concatenate([np.ravel(grads[name] * v[name]) for name in v])
    numerical, backward = float(derivative(probe.along(v, X), method.name, method.step)), float(parts.sum())
    size = max(abs(numerical), abs(backward), np.sqrt(parts @ parts))
    return numerical, backward, relative_error(abs(backward - numerical), size, noise)


def errors_along(v, grads, probe, X, method):
    """Return an error for every parameter, from slopes along v: 0 for all if the slope of all together agrees."""
    numerical, backward, error = slopes(v, grads, probe, X, method)
    if error <= method.tolerance:
        return dict.fromkeys(v, 0.0)
    noise = 0.01 * method.tolerance * max(abs(numerical), abs(backward))
    return {name: slopes({name: v[name]}, grads, probe, X, method, noise)[2] for name in v}


def settings_of(model, X, loss_fn, rng):
    """Return (the model's own weights from each initial state, as Settings; what is odd about forward, or "")."""
    states = initial_states(model, X, rng)
    check_pair(loss_fn(run_forward(copy_with(model), X, states[0])))
    moved = copy_with(model, {name: p + rng.normal(size=p.shape) for name, p in model.params.items()})
    suspects.check_forward_reads(model, moved, X, states[0])
    habit = suspects.habit_of_forward(model, X, other_data(X), states[0])
    return [Setting("own weights", model, state, loss_fn, bool(habit)) for state in states], habit


def scope(found, X, refused):
    """Say what was tested and what was not."""
    firsts = [calls[0] for calls in found]
    shapes = list(dict.fromkeys(str(c.X.shape) for c in firsts))
    stateless = all(c.setting.state is None for c in firsts)
    missed = list(refused)
    if stateless and X.ndim > 2:
        missed.append("a non-zero initial state")
    if all(c.setting.place != "order-one weights" for c in firsts):
        missed.append("order-one weights, where the loss is not finite")
    if np.array_equal(other_data(X), X):
        missed.append("other data of the same shape")
    for name in firsts[0].grads:
        if not any(np.any(c.grads.get(name)) for c in itertools.chain(*found)):
            missed.append(f"the gradient of {name}, which is 0 throughout")
    if not any(g.any() for c in firsts if c.expected for g in c.expected.values()):
        missed.append("this loss, whose gradient is 0")
    text = f"Tested on X of shape {', '.join(shapes)}" + (", from a zero and a non-zero initial state." if not stateless else ".")
    return text + (f" Not tested here: {'; '.join(missed)}." if missed else "")


def loss_or_nan(setting, X):
    """Return the loss, NaN where it cannot be computed."""
    try:
        return setting.probe(CENTRAL).loss(X)
    except Exception:
        return math.nan


def other_data(X):
    """Return other data of the same shape and the same kind of numbers: X in another order, or else half of X."""
    axes = tuple(range(X.ndim - 1))
    for other in (np.flip(X, axes), np.roll(np.flip(X, axes), 1, -1), X / 2 if X.dtype.kind == "f" else X):
        if not np.array_equal(other, X):
            break
    return np.ascontiguousarray(other)


def other_shapes(X):
    """Yield X repeated to LONG along each axis that may be time or batch, and a single step of a single sequence."""
    axes = range(X.ndim - 1 if X.dtype.kind == "f" else X.ndim)  # the last axis of floats holds the inputs
    for axis in axes[:2]:
        n = max(LONG, X.shape[axis] + 1)
        yield np.take(X, np.arange(n) % X.shape[axis], axis)
    yield np.ascontiguousarray(X[tuple(slice(1) for _ in axes[:2])])


def linear_loss(Y):
    """A loss for outputs of any shape: the mean of Y times fixed random numbers. Returns (loss, dL/dY)."""
    C = np.random.default_rng(0).normal(size=np.shape(Y)) / np.size(Y)
    return (C * Y).sum(), C


def check_model_and_loss(model, loss_fn):
    """Raise unless `model` looks like a model and `loss_fn` can be called."""
    check_has("model", model, "params", "forward", "backward")
    check_named_arrays("model.params", model.params)
    check_callable("loss_fn", loss_fn)


def check_pair(answer):
    """Raise unless a loss function's answer is the pair that every loss of the course returns."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise TypeError(f"loss_fn: expected (loss, dLoss/dY), as mse_loss returns, got {describe(answer)}")
