"""Who is to blame when `backward` and the numerical gradients disagree? One cheap test for each suspect.

Each test returns a sentence, or "" if this suspect is innocent. `check_gradients` puts the sentences into its report.
"""

import numpy as np

from rnn_lib.probe import CENTRAL, confirmed_derivative, copy_with, run_forward


def explain(found, X):
    """Return the sentence of the first suspect that is guilty, or "".

    `found` holds a list of Comparisons for every Setting: its calls in a row. The first of each is the first call of a
    fresh copy; the settings of X itself come before those of other shapes.
    """
    firsts = [calls[0] for calls in found]
    main = [first for first in firsts if first.expected is not None]
    wrong = list(dict.fromkeys(name for calls in found for c in calls for name in c.wrong))
    return (
        surviving(found)
        or unread(main[0].setting, X, wrong)
        or probabilities(run_forward(copy_with(main[0].setting.model), X, main[0].setting.state))
        or same_factor(main[0])
        or initial_state(main)
        or shapes_apart(main, firsts[len(main):])
        or single_precision([error for first in firsts for error in first.errors.values()])
    ) if wrong else ""


def surviving(found):
    """Does something survive a call? Then the first is right and a later one wrong, or the same call gives two answers."""
    for calls in found:
        later_wrong = any(c.wrong for c in calls[1:] if c.setting.loss_fn is calls[0].setting.loss_fn)
        same = calls[0].X is calls[1].X and not calls[0].setting.fresh
        if not calls[0].wrong and later_wrong or same and any(
                differ(grad, calls[1].grads.get(name)) for name, grad in calls[0].grads.items()):
            return ("A first call and a later one do not give the same: something survives a call. Look at what backward "
                    "adds to and what forward remembers, and at the line that should start them anew.")
    return ""


def unread(setting, X, names):
    """Is there a parameter that can be changed without any effect on Y?"""
    params, rng = setting.model.params, np.random.default_rng(0)
    moves = {name: rng.normal(size=p.shape) for name, p in params.items()}
    Y = run_forward(copy_with(setting.model), X, setting.state)
    deaf = [name for name in names if not differ(Y, run_forward(copy_with(
        setting.model, {key: p + (key == name) * moves[key] for key, p in params.items()}), X, setting.state))]
    return f"forward does not read {', '.join(deaf)}: whatever is there, Y is the same." if deaf else ""


def probabilities(Y):
    """Are the rows of Y probabilities already?"""
    Y = np.asarray(Y)
    if Y.dtype.kind == "f" and Y.ndim and Y.shape[-1] > 1 and Y.min() >= 0 and np.allclose(Y.sum(axis=-1), 1, atol=1e-9):
        return ("Each row of Y sums to 1: forward ends in a softmax. A loss that applies the softmax itself, such as "
                "cross_entropy_loss, wants what comes before it; with any other, backward must go through it.")
    return ""


def same_factor(comparison):
    """Are all gradients together the right ones, but for one factor?"""
    a, n = (np.concatenate([g[name].ravel() for name in comparison.expected])
            for g in (comparison.grads, comparison.expected))
    factor = a @ n / (n @ n) if n.any() and np.isfinite(a).all() else 0.0
    if comparison.wrong and factor and np.abs(a - factor * n).max() <= 1e-9 * np.abs(a).max():
        return f"Together they are {factor:.4g} times the derivative for this X: look for a factor, not at the walk back."
    return ""


def initial_state(main):
    """Is all right from a zero initial state, and wrong from another?"""
    zero = [c for c in main if c.setting.state is None or not np.any(c.setting.state)]
    if len(zero) < len(main) and not any(c.wrong for c in zero) and any(c.wrong for c in main):
        return "From a zero initial state all is right: look at what backward does with the state before the first step."
    return ""


def shapes_apart(main, elsewhere):
    """Is all right for X itself, and wrong for other shapes?"""
    shapes = [f"{c.X.shape}" for c in elsewhere if c.wrong]
    if shapes and not any(c.wrong for c in main):
        return (f"For X of shape {main[0].X.shape} all is right, for {' and '.join(shapes)} it is not: look for a number "
                "of steps or sequences that is fixed, and at what passes from one to the next.")
    return ""


def single_precision(errors):
    """Is no error larger than the rounding of float32, and one larger than that of float64?"""
    worst = max(filter(None, errors))
    if 1e-9 < worst < 1e-5:
        return (f"The largest error is {worst:.0e}, the size of float32's rounding: single precision somewhere. "
                "Look for an array whose dtype is float32.")
    return ""


def loss_alone(setting, X, direction_rng):
    """Is the loss's own dL/dY wrong? Returns (a sentence or "", why the complex step does not pass through the loss)."""
    Y = run_forward(copy_with(setting.model), X, setting.state)
    if not isinstance(Y, np.ndarray):
        return "", ""
    given = Y.copy()
    dY = np.asarray(setting.loss_fn(given)[1])
    if dY.shape != Y.shape:
        raise ValueError(f"loss_fn: expected dL/dY of shape {Y.shape}, as Y, got {dY.shape}")
    if not np.array_equal(given, Y):
        return "loss_fn changes the Y that it is given, which backward may need.", ""
    direction = direction_rng.normal(size=Y.shape)

    def along(a):
        return setting.loss_fn(Y + a * direction)[0]

    slope, why = confirmed_derivative(along, along)
    parts = dY * direction
    noise = CENTRAL.noise * abs(along(0.0)) / CENTRAL.step if why else 0.0
    if abs(parts.sum() - slope) <= max(noise, (CENTRAL.tolerance if why else 1e-9) * np.sqrt((parts**2).sum())):
        return "", why
    return (f"loss_fn is to blame: the dL/dY that it returns is {parts.sum() / slope:.3g} times the slope of its loss "
            "(along a random direction). Look at the line that makes dL/dY.", why)


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
        return ("forward carries something from call to call (its last state?): a second Y for the same X is another one. "
                "Each call was compared as it is. If that is not meant, look at the line that sets the first state.")
    return ("forward is random: a second Y for the same X is another one (dropout?). Each call was compared with the same "
            "draws.")


def check_forward_reads(first, second, X, state):
    """Raise TypeError if two models with different parameters give the same Y: forward reads other arrays."""
    if not differ(run_forward(copy_with(first), X, state), run_forward(copy_with(second), X, state)):
        raise TypeError("model: expected forward to read params, got the same Y when all of them are changed. In a copy "
                        "of the model it reads other arrays: globals, or tensors of which params are copies or views")


def differ(Y, other):
    """True if two outputs are not the same but for rounding."""
    try:
        Y, other = np.asarray(Y, float), np.asarray(other, float)
    except (TypeError, ValueError):  # forward returns something of its own
        return False
    if Y.shape != other.shape:
        return True
    with np.errstate(all="ignore"):
        close = np.abs(Y - other) <= 1e-9 * np.nanmax(np.abs(Y), initial=0)
    return not (close | (Y == other) | np.isnan(Y) & np.isnan(other)).all()
