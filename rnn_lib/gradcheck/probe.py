"""The loss as a function of the weights: copies of a model that can be nudged, and what the loss does then.

Nothing here knows a network or a backward pass. `gradcheck` compares with what is found here.
"""

import copy
import inspect
import warnings
from typing import NamedTuple

import numpy as np

STEPS = {"complex": 1e-30, "central": 1e-5}
ROUNDING = np.finfo(float).eps


class Method(NamedTuple):
    """A way to differentiate: its name, its step, the largest relative error that passes, and the loss's own noise."""

    name: str
    step: float
    tolerance: float
    noise: float


COMPLEX = Method("complex", STEPS["complex"], 1e-12, 0.0)
CENTRAL = Method("central", STEPS["central"], 1e-6, 10 * ROUNDING)
CENTRAL_SINGLE = Method("central", 4e-3, 2e-3, 1e-6)  # where float32 rounds: the step is the cube root of its rounding


class NotAnalytic(ValueError):
    """The complex step cannot be used, for this reason."""

    def __str__(self):
        """What is wrong, and what to do."""
        return (f'method "complex": the forward pass or the loss drops imaginary parts ({self.args[0]}). Arrays made '
                'by np.zeros are real unless their dtype is that of the parameters. Mend that, or use method="central"')


def derivative(f, method, step):
    """Return f'(0) of a function of one number.

    "complex": Im f(i step) / step, exact to rounding; "central": (f(step) - f(-step)) / (2 step).
    """
    if method == "complex":
        return imaginary_part(f, 1j * step) / step
    return (f(step) - f(-step)) / (2 * step)


def imaginary_part(f, z):
    """Return Im f(z), or say why the complex step cannot be used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            value = f(z)
        if np.iscomplexobj(value):
            return value.imag
        reason = "the loss came back real"
    except Exception as error:  # whatever it is, it comes of the imaginary part: with real numbers f works
        reason = str(error)
    raise NotAnalytic(reason)


def confirmed_derivative(f, f_complex):
    """Return (f'(0), "") by the complex step or, where it does not apply, (f'(0) by central differences, why).

    Where something is not analytic (abs, max, conj, a comparison) the complex step is wrong without a sign of it, so
    the two are compared. `f` takes a real number, `f_complex` is the same function for complex ones.
    """
    step = STEPS["central"]
    central, coarse = derivative(f, "central", step), derivative(f, "central", 2 * step)
    doubt = 10 * abs(central - coarse) + 1e-6 * abs(central) + 10 * ROUNDING * abs(f(0.0)) / step
    try:
        exact = derivative(f_complex, "complex", STEPS["complex"])
    except NotAnalytic as error:
        return central, f"drops imaginary parts ({error.args[0]}), as abs does, or an array made by np.zeros"
    clear = abs(central - coarse) < 0.1 * abs(central)  # else rounding, or chaos, leaves nothing to compare with
    if clear and abs(exact - central) > doubt or central == 0 != exact:
        return central, "has a part that is not analytic, such as abs, max, conj or a comparison"
    return exact, ""


def has_kink(f):
    """True if f has two slopes at 0, as where a ReLU or an abs is exactly 0: f(d) - 2 f(0) + f(-d) grows like d."""
    middle = f(0.0)
    one, two, four = (abs(f(d) - 2 * middle + f(-d)) for d in (1e-6, 2e-6, 4e-6))  # of a smooth f, like d squared
    return bool(0 < 0.99 * two < 2 * one < 1.01 * two and 0.99 * four < 2 * two < 1.01 * four)


def central_for(f):
    """Return the central differences that suit f: where it rounds to float32 they need a larger step."""
    value = np.asarray(f(0.0))
    return CENTRAL_SINGLE if value.dtype == np.float32 or noise_of(f) > 1e-11 * abs(value) else CENTRAL


def noise_of(f):
    """Return how far rounding moves f near 0: f(d) - 2 f(0) + f(-d) for tiny d, where any smooth f gives nothing."""
    middle = f(0.0)
    return max(abs(f(d) - 2 * middle + f(-d)) for d in (1e-9, 2e-9, 3e-9))


class Probe:
    """A copy of a model whose parameters can be nudged, and its loss."""

    def __init__(self, model, loss_fn, method="central", state=None, fresh=False):
        """Copy the model, with complex parameters if `method` is "complex".

        fresh  evaluate every loss on one more copy: for a model in which something survives a call of forward
        """
        self.dtype = complex if method == "complex" else float
        self.model = copy_with(model, dtype=self.dtype)
        self.params = dict(self.model.params)
        self.start = {name: p.copy() for name, p in self.params.items()}
        self.loss_fn, self.state, self.fresh = loss_fn, state, fresh

    def loss(self, X):
        """The loss for this X where the parameters stand now."""
        model = copy_with(self.model, dtype=self.dtype) if self.fresh else self.model
        return self.loss_fn(run_forward(model, X, self.state))[0]

    def along(self, direction, X):
        """The loss as a function of a number a: the parameters named in `direction` at their start + a * direction."""
        def loss_at(a):
            for name, p in self.params.items():
                p[...] = self.start[name] + a * direction[name] if name in direction else self.start[name]
            return self.loss(X)
        return loss_at

    def rounding(self, direction, X):
        """How far the slope along a direction moves, relative to it, if the parameters move by their rounding."""
        here = derivative(self.along(direction, X), "complex", STEPS["complex"])
        start = self.start
        self.start = {name: p * (1 + 4 * ROUNDING * np.sign(direction[name])) for name, p in start.items()}
        there = derivative(self.along(direction, X), "complex", STEPS["complex"])
        self.start = start
        return abs(there - here) / max(abs(here), abs(there)) if here else 0.0

    def at(self, p, index, X):
        """The loss as a function of one number a: a single element of the parameter `p` moved by a."""
        def loss_at(a):
            value = p[index]
            p[index] = value + a
            loss = self.loss(X)
            p[index] = value  # the saved number, not "-= a": nothing can drift
            return loss
        return loss_at


class Setting(NamedTuple):
    """One way to run a model: at the weights of this place, from this state, with this loss; `fresh` as in Probe."""

    place: str
    model: object
    state: object
    loss_fn: object
    fresh: bool

    def probe(self, method):
        """A probe of the model as it stands now."""
        return Probe(self.model, self.loss_fn, method.name, self.state, self.fresh)


def choose_method(asked, settings, X, v):
    """Return (asked, ""), or (central differences, why) where the complex step was asked for and does not apply."""
    for setting in settings:
        f = setting.probe(CENTRAL).along(v, X)
        why = confirmed_derivative(f, setting.probe(COMPLEX).along(v, X))[1] if asked.name == "complex" else ""
        if why or asked.name == "central":
            method = central_for(f)
            method = method if why or method is CENTRAL_SINGLE else asked
            return method._replace(tolerance=max(asked.tolerance, method.tolerance)), why
    return asked, ""


def one_by_one(probe, X, method, step):
    """Return the numerical gradient of every parameter: each of its numbers is nudged alone."""
    grads = {}
    for name, p in probe.params.items():
        grads[name] = np.empty(p.shape)
        for index in np.ndindex(p.shape):
            grads[name][index] = derivative(probe.at(p, index, X), method, step)
    return grads


def run_forward(model, X, state=None):
    """Call forward on copies of X and the state, which it may change; without a state if there is none."""
    X = X.copy()
    return model.forward(X) if state is None else model.forward(X, copy.deepcopy(state))


def initial_states(model, X, rng):
    """Return the initial states to try: [none], or [none, a random one] if the second argument of forward is a state.

    "None" is zeros for a forward that demands a state. A state may be a tuple of arrays, as an LSTM's.
    """
    try:
        second = list(inspect.signature(model.forward).parameters.values())[1]
    except (IndexError, TypeError, ValueError):  # it takes none, or cannot be asked
        return [None]
    if second.kind > second.POSITIONAL_OR_KEYWORD or not (second.default is None or second.default is second.empty):
        return [None]
    plain = run_forward(copy_with(model), X) if second.default is None else None
    for zero in zero_states(copy_with(model), X):
        parts = zero if isinstance(zero, tuple) else (zero,)
        state = tuple(rng.uniform(-0.9, 0.9, part.shape) for part in parts)
        state = state if isinstance(zero, tuple) else state[0]
        try:
            silent, other = (run_forward(copy_with(model), X, s) for s in (zero, state))
            as_usual = not isinstance(plain, np.ndarray) or np.shape(silent) == plain.shape
            if as_usual and differ(silent, other):  # else it is no state: Y is made larger by it, as by a mask
                return [None if second.default is None else zero, state]
        except Exception:  # its state has another shape, or it is no state
            continue
    return [None]


def zero_states(model, X):
    """Yield initial states of zeros: in the shape of `model.state` or, if there is none, in every likely shape."""
    try:
        model.forward(X.copy())
        state = model.state
        yield tuple(np.zeros(np.shape(s)) for s in state) if isinstance(state, tuple) else np.zeros(np.shape(state))
    except (AttributeError, TypeError, ValueError):
        for H in {p.shape[0] for p in model.params.values() if p.ndim == 2 and p.shape[0] == p.shape[1]}:
            for shape in [(n, H) for n in X.shape[1::-1]] + [(H, n) for n in X.shape[1::-1]] + [(H,), (H, 1)]:
                yield np.zeros(shape)


def copy_with(model, values=None, dtype=float):
    """Return a deep copy of `model`; its parameters, wherever they stand in it, are new arrays of this dtype.

    `values` are the parameters' new values, by default the old ones. Parameters may be views of larger arrays:
    those are replaced too. Raises TypeError or ValueError if the copy's parameters cannot be moved.
    """
    params = model.params
    memo, owners, twins = {}, {}, {}  # deepcopy looks into the memo first: for every array there it takes the twin
    for name, p in params.items():
        owner = p.base if isinstance(p.base, np.ndarray) and p.base.dtype == p.dtype else p
        for other in owners.setdefault(id(owner), []):
            if np.shares_memory(p, params[other]):
                raise ValueError(f"model.params: expected each array under one name, got {other} and {name} in the "
                                 "same memory. A tied weight has one name, and one gradient: the sum over its places")
        owners[id(owner)].append(name)
        if id(owner) not in memo:
            memo[id(owner)] = owner.astype(dtype)
        twins[name] = memo[id(p)] = same_view(p, owner, memo[id(owner)])
        if values is not None:
            twins[name][...] = values[name]
    twin = deep_copy(model, memo)
    for name, p in twins.items():
        if not np.shares_memory(twin.params[name], p):
            raise TypeError(f"model: expected params to be a dict of arrays, got a new {name} at every look")
    return twin


def same_view(view, owner, twin):
    """Return the part of `twin`, a copy of `owner` in the same order of memory, that `view` is of `owner`."""
    if view is owner:
        return twin
    offset, *strides = (n * twin.itemsize // owner.itemsize
                        for n in (view.ctypes.data - owner.ctypes.data, *view.strides))
    return np.ndarray(view.shape, twin.dtype, twin.ravel("K"), offset, strides)


def deep_copy(model, memo):
    """Return copy.deepcopy(model), but share what cannot be copied (a lock, a file, another library's results)."""
    try:
        return copy.deepcopy(model, dict(memo))
    except Exception:
        twin = copy.copy(model)
    for name, value in vars(twin).items():
        try:
            vars(twin)[name] = copy.deepcopy(value, memo)
        except Exception:  # shared: forward makes it anew
            continue
    return twin


def differ(Y, other):
    """True if two outputs are not the same but for rounding. NaN is NaN's equal."""
    if isinstance(Y, tuple | list):
        return any(map(differ, Y, other))
    Y, other = np.asarray(Y, float), np.asarray(other, float)
    if Y.shape != other.shape:
        return True
    with np.errstate(all="ignore"):
        close = np.abs(Y - other) <= 1e-9 * np.nanmax(np.abs(Y), initial=0)
    return not (close | (Y == other) | np.isnan(Y) & np.isnan(other)).all()
