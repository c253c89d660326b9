"""The checks: numerical gradients, all of them against `backward`, and one random direction."""

import copy
import itertools
import math

import numpy as np

from rnn_lib import initialization
from rnn_lib.gradcheck import suspects
from rnn_lib.gradcheck.comparison import OTHER_SHAPES, compare, doubts, forward_and_backward, slopes, worst_errors
from rnn_lib.gradcheck.findings import Direction, GradientReport
from rnn_lib.gradcheck.probe import (
    CENTRAL,
    CENTRAL_SINGLE,
    COMPLEX,
    STEPS,
    Probe,
    Setting,
    choose_method,
    copy_with,
    has_kink,
    initial_states,
    one_by_one,
    run_forward,
)
from rnn_lib.ground.validation import (
    check_array,
    check_callable,
    check_choice,
    check_has,
    check_int,
    check_loss,
    check_named_arrays,
    check_number,
    is_finite,
)

__all__ = ["check_direction", "check_gradients", "numerical_gradients"]

ORDER_ONE = "order-one weights"
SINGLE_TOLERANCE = 4e-6  # what the rounding of float32, 6e-8, may grow to in a sum
SINGLE_FORWARD = "Single precision (6e-8) somewhere in forward or loss_fn: look for an array of float32."
LONG = 130  # X is also repeated to so many steps, and to so many sequences


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
    X = check_array("X", X)
    check_loss(loss_fn(run_forward(copy_with(model), X, state)))  # what is wrong already has no other reason
    fresh = bool(suspects.habit_of_forward(model, X, other_data(X), state))
    return one_by_one(Probe(model, loss_fn, method, state, fresh), X, method, step)


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
    X = np.array(check_array("X", X))
    patient = copy_with(model)
    v = {name: rng.normal(size=p.shape) for name, p in patient.params.items()}
    settings, habit = settings_of(patient, X, loss_fn, rng)
    setting = settings[-1]
    method, why = choose_method(COMPLEX, [setting], X, v)
    forward_and_backward(setting, other_data(X))
    probe = setting.probe(method)
    grads, _ = forward_and_backward(setting, X)
    method, remark = allow_for_float32(method, grads)
    numerical, backward, error = slopes(v, grads, probe, X, method)
    why = f"The complex step does not apply: forward or loss_fn {why}." if why else ""
    remark = " ".join(filter(None, [habit, why, remark]))
    if error > method.tolerance:
        limit = max(doubts(v, None, probe, X, method).values())
        if error <= limit:
            return Direction(numerical, backward, error, limit, f"{remark} Rounding hides the rest.".lstrip())
    return Direction(numerical, backward, error, method.tolerance, remark)


def check_gradients(model, X, loss_fn, method="complex", tolerance=None, seed=0):
    """Compare `model.backward` with numerical gradients. Returns a GradientReport; look at `.passed`.

    `loss_fn` and `method` are those of `numerical_gradients`. X is best of order one (far larger inputs saturate
    every unit, and then there is little gradient to compare). The comparison is made in float64

    - at the model's own weights, and at random weights of order one with non-zero biases (from `seed`):
      near zero tanh is almost linear, and mistakes hide;
    - from a zero and, if `forward` takes a state as its second argument, from a non-zero initial state;
    - in four calls in a row, two on X, one on other data, one on X: whatever survives a call is seen;
    - on X repeated to 130 steps and to 130 sequences, and cut down to one, with small inputs, larger weights and a loss
      of the check's own: there an error travels far (a truncation at 30 steps is seen, one at 100 may not be), dL/dY is
      large, then tiny, and some of it is 0.

    In the first of the four calls each number of each parameter is nudged, in the others all at once, along a random
    direction. Central differences confirm that the complex step applies. Where it does not (abs, max, conj, a
    comparison, a real array in the way), they judge, with their own tolerance, and the report says so. Where the loss
    has a kink exactly at the weights (a ReLU of 0) there is no derivative, and they are left out. The report's last
    line says what was tested, and what could not be.

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
    X = np.array(check_array("X", X))
    own = copy_with(model)
    order_one = copy_with(own, {name: initialization.order_one(p.shape, rng) for name, p in own.params.items()})
    v = {name: rng.normal(size=p.shape) for name, p in own.params.items()}
    settings, habit = settings_of(own, X, loss_fn, rng)
    settings += [s._replace(place=ORDER_ONE, model=order_one) for s in settings
                 if is_finite(loss_or_nan(s._replace(model=order_one), X))]
    bent = [any(has_kink(s.probe(CENTRAL).along(v, data)) for data in (X, other_data(X))) for s in settings]
    kinks = [s for s, kink in zip(settings, bent, strict=True) if kink and not all(bent)]
    settings = [s for s, kink in zip(settings, bent, strict=True) if not kink or all(bent)]
    method, why = choose_method(asked, settings, X, v)
    first_grads, _ = forward_and_backward(settings[0]._replace(model=copy_with(own)), X)
    method, single = allow_for_float32(method, first_grads)

    series = [[(setting, data) for data in (X, X, other_data(X), X)] for setting in settings]
    refused = []
    far = copy_with(own, {name: p * (0.1 if p.ndim == 1 else 1.5) for name, p in order_one.params.items()})
    for data in other_shapes(X):
        try:
            state = initial_states(far, data, rng)[-1]
            elsewhere = Setting(OTHER_SHAPES, far, state, linear_loss, bool(habit))
            check_array("loss", elsewhere.probe(CENTRAL).loss(data), ())
            series.append([(elsewhere, data), (elsewhere._replace(state=settings[-1].state, loss_fn=faint_loss), X)])
        except Exception as error:
            refused.append(f"X of shape {data.shape} ({error})")
    loss_fault, loss_why = suspects.loss_alone(settings[0], X, rng)
    # Where the loss alone stops the complex step, the check's own loss does not.
    elsewhere_method = asked._replace(tolerance=method.tolerance) if loss_why else method

    def compared(calls, each_number=True):
        return compare(calls, elsewhere_method if calls[0][0].place == OTHER_SHAPES else method, v, each_number)

    found = [compared(calls) for calls in series]
    slips = dict.fromkeys(fault for calls in found for c in calls for fault in c.faults)
    remarks = [loss_fault or suspects.explain(found, X, series, compared), *list(slips)[:3]]
    notes = [habit, f"The complex step does not apply: {'loss_fn' if loss_why else 'forward'} {why}." if why else "",
             SINGLE_FORWARD if method.noise == CENTRAL_SINGLE.noise else "", single, scope(found, X, refused, kinks)]
    return GradientReport(worst_errors(found), method.tolerance,
                          tuple(filter(None, remarks)), tuple(filter(None, notes)))


def allow_for_float32(method, grads):
    """Return (the method, its tolerance larger if gradients come back in float32; a sentence that says so, or "")."""
    names = [name for name, g in grads.items() if g.dtype == np.float32]
    if not names:
        return method, ""
    return (method._replace(tolerance=max(method.tolerance, SINGLE_TOLERANCE)),
            f"backward returns {', '.join(names)} in float32: compared within its rounding.")


def settings_of(model, X, loss_fn, rng):
    """Return (the model's own weights from each initial state, as Settings; what is odd about forward, or "").

    Raises unless there is something to judge: a finite loss and outputs that repeat, and a forward that reads `params`.
    """
    states = initial_states(model, X, rng)
    Y = run_forward(copy_with(model), X, states[0])
    _, dY = check_loss(loss_fn(copy.deepcopy(Y)))
    if isinstance(Y, np.ndarray) and np.shape(dY) != Y.shape:
        raise ValueError(f"loss_fn: expected dL/dY of shape {Y.shape}, as Y, got {np.shape(dY)}")
    losses = [loss_fn(copy.deepcopy(Y))[0] for _ in range(2)]
    if not is_finite(losses[0]):
        raise ValueError(f"loss_fn: expected a finite loss at the model's own weights, got {losses[0]}")
    if suspects.differ(*losses):
        raise ValueError("loss_fn: expected the same loss from two calls on the same Y, got two that differ")
    moved = copy_with(model, {name: p + rng.normal(size=p.shape) for name, p in model.params.items()})
    suspects.check_forward_reads(model, moved, X, states[0])
    habit = suspects.habit_of_forward(model, X, other_data(X), states[0])
    return [Setting("own weights", model, state, loss_fn, bool(habit)) for state in states], habit


def scope(found, X, refused, kinks):
    """Say what was tested and what was not."""
    firsts, calls = [calls[0] for calls in found], list(itertools.chain(*found))
    shapes = dict.fromkeys(str(c.X.shape) for c in firsts)
    stateless = all(s.state is None for s in (*kinks, *(c.setting for c in firsts)))
    missed = [f"the gradient of {name} at {place}, which rounding hides"
              for place, errors in worst_errors(found).items() for name in errors if errors[name] is None] + refused
    missed += [f"{s.place} from {'no' if s.state is None else 'an'} initial state, where the loss has a kink (a ReLU "
               "or an abs of exactly 0?)" for s in kinks]
    if stateless and X.ndim > 2:
        missed.append("a non-zero initial state")
    if all(c.setting.place != ORDER_ONE for c in firsts):
        missed.append(f"{ORDER_ONE}, where the loss is not finite")
    if np.array_equal(other_data(X), X):
        missed.append("other data of the same shape")
    for name in firsts[0].grads:
        if not any(np.any(c.grads[name]) or name in c.wrong for c in calls if c.grads):
            missed.append(f"the gradient of {name}, which is 0 throughout")
    if not any(g.any() for c in firsts if c.expected for g in c.expected.values()):
        missed.append("this loss, whose gradient is 0")
    states = "" if stateless else ", from a zero and a non-zero initial state"
    not_tested = f" Not tested here: {'; '.join(missed)}." if missed else ""
    return f"Tested on X of shape {', '.join(shapes)}{states}.{not_tested}"


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
    """Yield X, made small, repeated to LONG along each axis that may be time or batch, and one step of one sequence."""
    X = 0.1 * X if X.dtype.kind == "f" else X
    axes = range(X.ndim - 1 if X.dtype.kind == "f" else X.ndim)  # the last axis of floats holds the inputs
    for axis in axes[:2]:
        n = max(LONG, X.shape[axis] + 1)
        yield np.take(X, np.arange(n) % X.shape[axis], axis)
    yield np.ascontiguousarray(X[tuple(slice(1) for _ in axes[:2])])


def linear_loss(Y):
    """A loss for outputs of any shape: the sum of Y times fixed random numbers of order one. Returns (loss, dL/dY).

    Some of the numbers are 0, as where a loss reads the last step alone, or sequences have unequal lengths.
    """
    if not isinstance(Y, np.ndarray):
        raise TypeError(f"forward returns {type(Y).__name__}, not one array")
    dY = np.random.default_rng(0).normal(size=Y.shape)
    if Y.ndim > 1:
        dY[:0:-3] = 0  # the last, and every third before it
    if Y.ndim > 2:
        dY[::2, :0:-3] = 0
    return (dY * Y).sum(), dY


def faint_loss(Y):
    """`linear_loss` with tiny numbers: whatever is lost because it is small shows."""
    loss, dY = linear_loss(Y)
    return 1e-20 * loss, 1e-20 * dY


def check_model_and_loss(model, loss_fn):
    """Raise unless `model` looks like a model and `loss_fn` can be called."""
    check_has("model", model, "params", "forward", "backward")
    check_named_arrays("model.params", model.params)
    check_callable("loss_fn", loss_fn)
