"""Who is to blame when `backward` and the numerical gradients disagree? One cheap test for each suspect.

Each test returns a sentence, or "" if this suspect is innocent. `check_gradients` puts the sentences into its report.
"""

import copy

import numpy as np

from rnn_lib.gradcheck.comparison import OTHER_SHAPES
from rnn_lib.gradcheck.probe import (
    CENTRAL,
    central_for,
    confirmed_derivative,
    copy_with,
    derivative,
    differ,
    run_forward,
)

SINGLE_ROUNDING = (1e-9, 1e-5)  # errors of this size come from an array of float32


def explain(found, X, series, compared):
    """Return the sentence of the first suspect that is guilty, or "".

    `series` holds the calls of which `compared` made `found`; any of them can be made again, alone or otherwise.
    `found` holds a list of Comparisons for every Setting: its calls in a row. The first of each is the first call of a
    fresh copy; the settings of X itself come before those of other shapes.
    """
    firsts = [calls[0] for calls in found]
    main = [first for first in firsts if first.expected is not None]
    wrong = list(dict.fromkeys(name for calls in found for c in calls for name in c.wrong))
    return (
        surviving(found, series, compared)
        or unread(firsts, wrong)
        or loss_changes_Y(main[0].setting, X)
        or probabilities(run_forward(copy_with(main[0].setting.model), X, main[0].setting.state))
        or same_factor(main[0])
        or initial_state(main)
        or size_of_error(found, series, compared)
        or shapes_apart(main, firsts[len(main):])
        or small_errors([error for first in firsts for error in first.errors.values()])
    ) if wrong else ""


def surviving(found, series, compared):
    """Does something survive a call? A call is wrong that alone is right, or the same call twice differs."""
    for calls, made in zip(found, series, strict=True):
        first, second = calls[:2]
        twice = first.X is second.X and not first.setting.fresh
        if (twice and any(differ(g, second.grads[name]) for name, g in first.grads.items())
                or any(set(c.wrong) - set(compared([call], each_number=False)[0].wrong)
                       for c, call in zip(calls[1:], made[1:], strict=True) if c.wrong)):
            return ("A later call does not give what a first call gives: something survives a call. Look at what "
                    "backward adds to and at what forward remembers: where are they made anew?")
    return ""


def size_of_error(found, series, compared):
    """Are the gradients of a linear loss right once dL/dY is smaller, or larger, or nowhere 0?"""
    for calls, made in zip(found, series, strict=True):
        for c, (setting, X) in zip(calls, made, strict=True):
            if not c.wrong or c.expected is not None or setting.place != OTHER_SHAPES:
                continue
            for change, sentence in CHANGES_OF_ERROR:
                if not compared([(setting._replace(loss_fn=changed_loss(setting.loss_fn, change)), X)])[0].wrong:
                    return sentence
    return ""


CHANGES_OF_ERROR = (  # what is done to dL/dY, and what it says if the gradients are right then
    (lambda dY: 1e-9 * dY, "All is right for a small dL/dY, and wrong for a large one: look for np.clip, a minimum or "
     "a norm inside backward."),
    (lambda dY: 1e20 * dY, "All is right for a large dL/dY, and wrong for a tiny one: look for a term without "
     "dL/dY, a threshold, a comparison or a rounding inside backward."),
    (lambda dY: np.where(dY == 0, 1.0, dY), "All is right where dL/dY is nowhere 0, and wrong where it is 0 at some "
     "steps: look for a test of dY, or a mask, that skips a step or ends the loop."),
)


def changed_loss(loss_fn, change):
    """Return the loss that is linear in Y, as `loss_fn` is, with a changed dL/dY."""
    def changed(Y):
        dY = change(loss_fn(Y)[1])
        return (dY * Y).sum(), dY
    return changed


def unread(firsts, names):
    """Is there a parameter that can be changed without any effect on Y, from any state and for any X?"""
    rng = np.random.default_rng(0)
    deaf = list(names)
    for setting, X, *_ in firsts:
        Y = run_forward(copy_with(setting.model), X, setting.state)
        params = setting.model.params
        deaf = [name for name in deaf if not differ(Y, run_forward(copy_with(
            setting.model, {**params, name: params[name] + rng.normal(size=params[name].shape)}), X, setting.state))]
    return f"forward does not read {', '.join(deaf)}: whatever is there, Y is the same." if deaf else ""


def probabilities(Y):
    """Are the rows of Y probabilities already?"""
    several = isinstance(Y, np.ndarray) and Y.dtype.kind == "f" and Y.ndim and Y.shape[-1] > 1
    if several and Y.min() >= 0 and np.allclose(Y.sum(axis=-1), 1, atol=1e-9):
        return ("Each row of Y sums to 1: forward ends in a softmax. A loss that applies the softmax itself, such as "
                "cross_entropy_loss, wants what comes before it; with any other, backward must go through it.")
    return ""


def same_factor(comparison):
    """Are all gradients together the right ones, but for one factor?"""
    a, n = (np.concatenate([g[name].ravel() for name in comparison.expected])
            for g in (comparison.grads, comparison.expected))
    factor = a @ n / (n @ n) if n.any() and np.isfinite(a).all() else 0.0
    proportional = np.abs(a - factor * n).max() <= SINGLE_ROUNDING[0] * np.abs(a).max()
    if comparison.wrong and factor and proportional and abs(factor - 1) > SINGLE_ROUNDING[1]:
        return f"Together they are {factor:.6g} times the derivative for this X: the walk is right, look for a factor."
    return ""


def initial_state(main):
    """Is all right from a zero initial state, and wrong from another?"""
    zero = [c for c in main if c.setting.state is None or not any(map(np.any, c.setting.state))]
    if len(zero) < len(main) and not any(c.wrong for c in zero) and any(c.wrong for c in main):
        return "From a zero initial state all is right: look at what backward does with the first state."
    return ""


def shapes_apart(main, elsewhere):
    """Is all right for X itself, and wrong for other shapes?"""
    shapes = [f"{c.X.shape}" for c in elsewhere if c.wrong]
    if shapes and not any(c.wrong for c in main):
        return (f"For X of shape {main[0].X.shape} all is right, for {' and '.join(shapes)} it is not: look for a "
                "number of steps or sequences that is fixed, and at what passes from one to the next.")
    return ""


def small_errors(errors):
    """Are all errors as small as the rounding of float32, or smaller?"""
    worst = max(filter(None, errors), default=0.0)
    if 0 < worst < SINGLE_ROUNDING[1]:
        return (f"The largest error is {worst:.0e}: look for an array of float32, which rounds to 6e-8, or for a small "
                "number that does not belong, in backward or in loss_fn, as in log(p + 1e-12).")
    return ""


def loss_changes_Y(setting, X):
    """Does the loss change the array that forward handed out?"""
    Y = run_forward(copy_with(setting.model), X, setting.state)
    given = copy.deepcopy(Y)
    setting.loss_fn(given)
    return "loss_fn changes the Y that it is given, and backward may still need it." if differ(Y, given) else ""


def loss_alone(setting, X, rng):
    """Is the loss's own dL/dY wrong? Returns (a sentence or "", why the complex step does not pass through a loss)."""
    Y = run_forward(copy_with(setting.model), X, setting.state)
    if not isinstance(Y, np.ndarray):
        return "", ""
    dY = np.asarray(setting.loss_fn(Y.copy())[1])
    direction = rng.normal(size=Y.shape)

    def along(a):
        return setting.loss_fn(Y + a * direction)[0]

    slope, why = confirmed_derivative(along, along)
    central = central_for(along)
    if central is not CENTRAL:
        slope = derivative(along, central.name, central.step)
    exact = not why and central is CENTRAL
    parts = dY * direction
    difference, size = abs(parts.sum() - slope), np.sqrt((parts**2).sum())
    rounding = 0.0 if exact else central.noise * abs(along(0.0)) / central.step
    if difference <= max(rounding, (SINGLE_ROUNDING[0] if exact else central.tolerance) * size):
        return "", why
    if difference < SINGLE_ROUNDING[1] * size:
        return "The dL/dY that loss_fn returns is right within the rounding of float32, and no better.", why
    return ("loss_fn is to blame: along a random direction of Y its loss has slope "
            f"{slope:.4g}, the dL/dY that it returns {parts.sum():.4g}. Look at the line that makes dL/dY.", why)


def habit_of_forward(model, X, other_X, state):
    """Does a second call on the same X give another Y? Raises ValueError if not even a fresh copy repeats the first."""
    one = copy_with(model)
    first, second = run_forward(one, X, state), run_forward(one, X, state)
    if differ(first, run_forward(copy_with(model), X, state)):
        raise ValueError("model: expected the same Y from two calls of forward on the same X, got two that differ. "
                         "Something is drawn at random (dropout?): switch it off for the check, or let the model keep "
                         "its own random generator")
    if not differ(first, second) or any(not np.array_equal(p, model.params[name]) for name, p in one.params.items()):
        return ""
    later = copy_with(model)
    run_forward(later, other_X, state)
    if differ(second, run_forward(later, X, state)):
        return ("forward carries something from call to call (its last state?): a second Y for the same X is another. "
                "Each call was compared as it is. If that is not meant, look at the line that sets the first state.")
    return ("forward is random: a second Y for the same X is another (dropout?). Each call was compared with its own "
            "draws.")


def check_forward_reads(first, second, X, state):
    """Raise TypeError if two models with other parameters give the same Y: then forward reads other arrays."""
    if not differ(run_forward(copy_with(first), X, state), run_forward(copy_with(second), X, state)):
        raise TypeError("model: expected forward to read params, got the same Y when all of them are changed. In a "
                        "copy of the model it reads other arrays: globals, or tensors whose views params are")
