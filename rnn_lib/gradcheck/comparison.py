"""One call of forward and backward, compared with the numerical gradients of the same call."""

import copy
import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rnn_lib.gradcheck.probe import ROUNDING, Setting, copy_with, derivative, one_by_one
from rnn_lib.ground.validation import check_array

MOST_EXCUSED = 1e-10  # the largest relative error that the rounding of dY may explain
OTHER_SHAPES = "other shapes"  # the place of a Setting with a loss and shapes of the check's own


class Comparison(NamedTuple):
    """One call of forward and backward, compared. `expected` is None where only slopes along v were compared."""

    setting: Setting
    X: np.ndarray
    errors: dict
    grads: dict
    expected: dict | None
    faults: tuple
    wrong: tuple


def compare(calls, method, v, each_number=True):
    """Run one copy of a model through `calls`, pairs of a Setting and an X, and return the Comparison of each.

    Each is compared with the numerical gradients of the model as it stood before this call: the first of them number
    by number, unless `each_number` is False or the shape is another one, the others along `v`.
    """
    patient = copy_with(calls[0][0].model)
    found = []
    for setting, X in calls:
        setting = setting._replace(model=patient)
        last = found[-1].setting if found else None
        if not last or setting.fresh or setting.state is not last.state or setting.loss_fn is not last.loss_fn:
            probe = setting.probe(method)  # else the last one: forward does not change from call to call
        try:
            grads, faults = forward_and_backward(setting, X)
        except Exception as error:
            if not found and setting.place != OTHER_SHAPES:
                raise  # the very first call
            after = f", after one with X of shape {found[-1].X.shape}," if found else ""
            faults = (f"A call with X of shape {X.shape}{after} fails ({error}).",)
            found.append(Comparison(setting, X, {}, {}, None, faults, ()))
            continue
        expected = None
        if each_number and not found and setting.place != OTHER_SHAPES:
            expected = one_by_one(probe, X, method.name, method.step)
            errors = relative_errors(grads, expected, method.tolerance)
        else:
            errors = errors_along(v, grads, probe, X, method)
        if max(errors.values()) > method.tolerance:
            limits, moves = doubts(v, expected, probe, X, method), moves_by_rounding(setting, X, grads)
            errors = {name: None if method.tolerance < e <= max(limits[name], moves[name]) else e
                      for name, e in errors.items()}
        wrong = tuple(name for name, error in errors.items() if error is not None and error > method.tolerance)
        found.append(Comparison(setting, X, errors, grads, expected, faults, wrong))
    return found


def forward_and_backward(setting, X):
    """Call forward, the loss and backward. Returns (gradients, what these calls did that they must not do)."""
    model, given = setting.model, X.copy()
    before = {name: p.copy() for name, p in model.params.items()}
    Y = model.forward(given) if setting.state is None else model.forward(given, copy.deepcopy(setting.state))
    dY = np.array(setting.loss_fn(Y)[1])
    with np.errstate(all="ignore"):  # a wrong backward may overflow on the way: the report says so, not a warning
        grads = gradients_of(model.backward(dY), before)
    faults = [] if np.array_equal(given, X) else ["forward changes the X that it is given."]
    for name, p in model.params.items():
        if not np.array_equal(p, before[name]):
            faults.append(f"A call of forward and backward changes {name}.")
            p[...] = before[name]
    return grads, tuple(faults)


def gradients_of(grads, params):
    """Return copies of what backward handed out, or raise if that is not a gradient for each of `params`."""
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
    with np.errstate(over="ignore"):
        size = max(abs(numerical), abs(backward), np.sqrt(parts @ parts))
    return numerical, backward, relative_error(abs(backward - numerical), size, noise)


def errors_along(v, grads, probe, X, method):
    """Return an error for every parameter, from slopes along v: 0 for all if the slope of all together agrees."""
    numerical, backward, error = slopes(v, grads, probe, X, method)
    if error <= method.tolerance:
        return dict.fromkeys(v, 0.0)
    noise = 0.01 * method.tolerance * max(abs(numerical), abs(backward))
    return {name: slopes({name: v[name]}, grads, probe, X, method, noise)[2] for name in v}


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
    with np.errstate(divide="ignore", invalid="ignore"):  # of a gradient that is all 0 nothing is known
        return {name: (5 * np.abs(pairs[0][name] - pairs[1][name]).max() + floor) / np.abs(pairs[0][name]).max()
                for name in v}


def moves_by_rounding(setting, X, grads):
    """Return how far each gradient of `backward` moves, relative to it, if dY moves by its rounding.

    It is far only where large terms cancel, as in the gradient of b_y where the labels are balanced and the weights
    still tiny. A backward that is random, or jumps, is no excuse: it counts no more than MOST_EXCUSED.
    """
    rng = np.random.default_rng(0)

    def shaken(Y):
        loss, dY = setting.loss_fn(Y)
        return loss, dY * (1 + 4 * ROUNDING * rng.choice([-1, 1], np.shape(dY)))

    try:
        again, _ = forward_and_backward(setting._replace(model=copy_with(setting.model), loss_fn=shaken), X)
    except Exception:  # a wrong backward may fail at any call
        return dict.fromkeys(grads, 0.0)
    with np.errstate(all="ignore"):
        moves = {name: 4 * np.abs(again[name] - g).max() / np.abs(g).max() for name, g in grads.items()}
    return {name: min(MOST_EXCUSED, move) if move > 0 else 0.0 for name, move in moves.items()}  # NaN: 0


def worst_errors(found):
    """Return {place: {parameter: its largest error there, None if it could not be told from rounding}}."""
    errors = {}
    for c in itertools.chain(*found):
        worst = errors.setdefault(c.setting.place, {}) if c.errors else {}
        for name, error in c.errors.items():
            both = [worst.get(name, 0.0), error]
            worst[name] = error if name in c.wrong and both[0] is None else None if None in both else max(both)
    return errors
