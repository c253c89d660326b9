"""Nothing wrong passes check_gradients, nothing right is blamed, and the report names who is to blame."""

import functools
import types
import warnings

import numpy as np
import pytest

from rnn_lib import MLP, RNN
from rnn_lib.bugs import BUGS, BuggyRNN, right
from rnn_lib.bugs.rnn.healthy import weight_gradients
from rnn_lib.gradcheck import Direction, check_direction, check_gradients, numerical_gradients
from rnn_lib.losses import cross_entropy_loss, last_step, mse_loss, softmax, softmax_mse_loss

T, B, I, H, O = 6, 3, 2, 4, 3
rng = np.random.default_rng(0)
X, TARGET, LABELS = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O)), rng.integers(0, O, (T, B))
FLAT = MLP(I, (5, 4), O)


def mse(Y):
    return mse_loss(Y, TARGET[:Y.shape[0], :Y.shape[1]])


def rnn(forward=None, backward=None, base=RNN, **attributes):
    """An RNN with another forward or backward; each gets the model and what RNN's own would get."""
    methods = {name: method for name, method in (("forward", forward), ("backward", backward)) if method}
    return type("Model", (base,), {**methods, **attributes})(I, H, O)


def flat(A):
    return A.reshape(-1, A.shape[-1])


# --- losses, with and without the part of dY that belongs to what is not analytic ------------------------------------


def with_abs(Y, dY=True):
    loss, d = mse(Y)
    return loss + 0.5 * np.abs(Y - TARGET).mean(), d + 0.5 * dY * np.sign((Y - TARGET).real) / Y.size


def huber(Y, dY=True):
    D = Y - TARGET
    small = np.abs(D) < 0.5
    loss = np.where(small, 0.5 * D * D, 0.5 * (np.abs(D) - 0.25)).mean()
    return loss, (np.where(small, D, 0.5 * np.sign(D.real)) if dY else D) / Y.size


def variance(Y, factor=2):
    return np.var(Y), factor * (Y - Y.mean()) / Y.size


def squares(Y, factor=2):
    return np.vdot(Y, Y) / Y.size, factor * Y / Y.size


def sizes(Y, factor=1):
    return (Y * np.sign(Y)).mean(), factor * np.sign(Y) / Y.size


def half_conjugate(Y, factor=4):
    return (Y * Y).mean() + (Y * Y.conj()).mean(), factor * Y / Y.size


def destroys(Y):
    loss, dY = mse(Y)
    Y *= 0
    return loss, dY


# --- models ----------------------------------------------------------------------------------------------------------


def bent(self, X, state=None):
    self.Z = RNN.forward(self, X, state)
    return self.Z + 0.3 * np.abs(self.Z)


def with_memory(remember):
    """A backward pass that makes its gradients of what it remembers: `remember(self, what)` hands out both."""
    def backward(self, dY):
        return right(self.params, *remember(self, (self.inputs, self.hidden_states)), dY)
    return backward


def first_X(self, now):
    self.kept = getattr(self, "kept", now[0])
    return self.kept if self.kept.shape == now[0].shape else now[0], now[1]


def last_X(self, now):
    kept, self.kept = getattr(self, "kept", now[0]), now[0]
    return kept if kept.shape == now[0].shape else now[0], now[1]


def first_states(self, now):
    self.kept = getattr(self, "kept", now[1])
    return now[0], self.kept if self.kept.shape == now[1].shape else now[1]


def by_call(change):
    """A backward pass whose gradients are changed by the number of the call."""
    def backward(self, dY):
        self.n = getattr(self, "n", 0) + 1
        return change(self, self.n, RNN.backward(self, dY))
    return backward


def summed(self, n, grads):
    self.sums = {name: g + getattr(self, "sums", {}).get(name, 0) for name, g in grads.items()}
    return self.sums


def only_once(self, n, grads):
    if n > 1:
        raise ValueError("again")
    return grads


def of_the_call_before(self, n, grads):
    before, self.before = getattr(self, "before", grads), grads
    return before


def kept_slopes(self, dY):
    if getattr(self, "slopes", np.zeros(0)).shape != self.hidden_states[1:].shape:
        self.slopes = 1 - self.hidden_states[1:]**2
    dZ, carry = np.zeros_like(self.hidden_states[1:]), 0
    for t in reversed(range(len(dZ))):
        dZ[t] = (dY[t] @ self.params["W_hy"] + carry) * self.slopes[t]
        carry = dZ[t] @ self.params["W_hh"]
    return weight_gradients(self.inputs, self.hidden_states[:-1], self.hidden_states[1:], dZ, dY)


def truncated(n):
    """A backward pass in which an error travels n steps, counting its own."""
    def backward(self, dY):
        slopes, dZ = 1 - self.hidden_states[1:]**2, np.zeros_like(self.hidden_states[1:])
        for t in range(len(dZ)):
            error = dY[t] @ self.params["W_hy"] * slopes[t]
            for s in range(t, max(-1, t - n), -1):
                dZ[s] += error
                error = error @ self.params["W_hh"] * slopes[s - 1]
        return weight_gradients(self.inputs, self.hidden_states[:-1], self.hidden_states[1:], dZ, dY)
    return backward


def walked(change):
    """A backward pass whose carry is changed by a function of itself and of the step's dY."""
    def backward(self, dY):
        slopes, carry = 1 - self.hidden_states[1:]**2, 0
        dZ = np.zeros_like(slopes)
        for t in reversed(range(len(dZ))):
            dZ[t] = (dY[t] @ self.params["W_hy"] + carry) * slopes[t]
            carry = change(dZ[t] @ self.params["W_hh"], dY[t])
        return weight_gradients(self.inputs, self.hidden_states[:-1], self.hidden_states[1:], dZ, dY)
    return backward


def ends_without_a_carry(self, dY):
    """The walk back ends where nothing comes back, as at a silent last step."""
    heard = dY.any(axis=(1, 2))
    return RNN.backward(self, dY if heard[-1] else 0 * dY)


def without_by(self, dY):
    return {**RNN.backward(self, dY), "b_y": np.zeros(O)}


def with_a_mask(self, X, mask=None):
    Y = RNN.forward(self, X)
    return Y if mask is None else Y * mask


class NoBatch:
    """An RNN for one sequence, (T, I), as in many a tutorial."""

    def __init__(self):
        self.inner = RNN(I, H, O)
        self.params = self.inner.params

    def forward(self, X, h0=None):
        h0 = np.zeros(H) if h0 is None else h0
        p, self.X, self.h = self.params, X, [h0]
        for x in X:
            self.h.append(np.tanh(x @ p["W_xh"].T + self.h[-1] @ p["W_hh"].T + p["b_h"]))
        return np.array(self.h[1:]) @ p["W_hy"].T + p["b_y"]

    def backward(self, dY):
        h = np.array([np.broadcast_to(state, self.h[-1].shape) for state in self.h])
        return right(self.params, self.X[:, None], h[:, None], dY[:, None])


class ReluRNN:
    """A recurrent ReLU network with biases of 0: where the input is 0 at first, so is what the ReLU gets."""

    def __init__(self):
        rng = np.random.default_rng(3)
        shapes = {"W": (H, I), "U": (H, H), "V": (O, H)}
        self.params = {name: 0.5 * rng.normal(size=shape) for name, shape in shapes.items()} | {"b": np.zeros(H)}

    def forward(self, X, h0=None):
        p, self.X = self.params, X
        self.h = [np.zeros((X.shape[1], H)) if h0 is None else h0]
        for x in X:
            self.h.append(np.maximum(0, x @ p["W"].T + self.h[-1] @ p["U"].T + p["b"]))
        return np.array(self.h[1:]) @ p["V"].T

    def backward(self, dY):
        h, carry = np.array(self.h), 0
        dZ = np.zeros_like(h[1:])
        for t in reversed(range(len(dY))):
            dZ[t] = (dY[t] @ self.params["V"] + carry) * (h[t + 1] > 0)
            carry = dZ[t] @ self.params["U"]
        return {"W": flat(dZ).T @ flat(self.X), "U": flat(dZ).T @ flat(h[:-1]), "b": flat(dZ).sum(axis=0),
                "V": flat(dY).T @ flat(h[1:])}


def float32_loss(Y):
    D = Y.astype(np.float32) - TARGET.astype(np.float32)
    return np.mean(D**2), 2 * (Y - TARGET) / Y.size


def log_of_more(Y, more=1e-12):
    """Cross-entropy with the small number that keeps log(0) away, and dL/dY as if it was not there."""
    p, hot = softmax(Y), np.eye(O)[LABELS]
    return -(hot * np.log(p + more)).sum() / LABELS.size, (p - hot) / LABELS.size


def scaled(factor):
    return lambda self, dY: {name: factor * g for name, g in RNN.backward(self, dY).items()}


def transposed(self, dY):
    grads = RNN.backward(self, dY)
    return {**grads, "W_hh": grads["W_hh"].T}


def h0_forward(self, X, h0=None):
    return RNN.forward(self, X, h0)


def hx_forward(self, X, hx=None):
    return RNN.forward(self, X, hx)


class Plain:
    """A learner's own RNN: it demands an initial state, by another name, and does not show its state."""

    def __init__(self, dtype=None, left_out=False, factor=1.0):
        rng = np.random.default_rng(1)
        shapes = {"Wx": (H, I), "Wh": (H, H), "Wy": (O, H)}
        self.params = {name: 0.7 * rng.normal(size=shape) for name, shape in shapes.items()}
        self.dtype, self.left_out, self.factor = dtype, left_out, factor

    def forward(self, X, h_prev):
        Wx, Wh, Wy = self.params.values()
        h = np.zeros((len(X) + 1, X.shape[1], H), self.dtype or Wh.dtype)
        h[0] = h_prev
        for t in range(len(X)):
            h[t + 1] = np.tanh(X[t] @ Wx.T + h[t] @ Wh.T)
        self.X, self.h = X, h
        return h[1:] @ Wy.T

    def backward(self, dY):
        Wx, Wh, Wy = self.params.values()
        params = {"W_xh": Wx, "W_hh": Wh, "W_hy": Wy, "b_h": 0, "b_y": 0}
        if self.left_out:
            self.h = np.concatenate([0 * self.h[:1], self.h[1:]])
        grads = right(params, self.X, self.h, dY)
        return {"Wx": grads["W_xh"], "Wh": self.factor * grads["W_hh"], "Wy": grads["W_hy"]}


def carrying(self, X, state=None):
    last = getattr(self, "last", None)
    if state is None and last is not None and len(last) == X.shape[1]:
        state = last
    Y = RNN.forward(self, X, state)
    self.last = self.hidden_states[-1].copy()
    return Y


def dropout(self, X, state=None):
    if not hasattr(self, "rng"):
        self.rng = np.random.default_rng(0)
    Y = RNN.forward(self, X, state)
    self.mask = 2 * (self.rng.random(Y.shape) < 0.5)
    return Y * self.mask


def global_dropout(self, X, state=None):
    Y = RNN.forward(self, X, state)
    self.mask = 2 * (np.random.random(Y.shape) < 0.5)  # noqa: NPY002  (what is not to be done)
    return Y * self.mask


def masked(self, dY):
    return RNN.backward(self, dY * self.mask)


def probabilities(self, X, state=None):
    self.p = softmax(RNN.forward(self, X, state))
    return self.p


def through_softmax(self, dY):
    return RNN.backward(self, self.p * (dY - (self.p * dY).sum(axis=-1, keepdims=True)))


class Buffer:
    """All parameters are views of one array; forward reads that array."""

    def __init__(self, made_at_every_look, factor=1):
        self.shapes = {name: p.shape for name, p in RNN(I, H, O).params.items()}
        self.theta = np.concatenate([p.ravel() for p in RNN(I, H, O).params.values()])
        self.kept = None if made_at_every_look else self.views()
        self.factor = factor

    def views(self):
        ends = np.cumsum([np.prod(shape) for shape in self.shapes.values()])
        parts = np.split(self.theta, ends[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}

    @property
    def params(self):
        return self.kept or self.views()

    def forward(self, X):
        self.inner = RNN(I, H, O)
        self.inner.params = self.views()
        return self.inner.forward(X)

    def backward(self, dY):
        grads = self.inner.backward(dY)
        return {**grads, "W_hh": self.factor * grads["W_hh"]}


class Columns:
    """Its parameters are views of one array in Fortran's order, a column each: y_t = tanh(x_t A) b."""

    def __init__(self):
        self.theta = np.asfortranarray(np.random.default_rng(0).normal(size=(I, H + 1)))
        self.params = {"A": self.theta[:, :H], "b": self.theta[:, H]}

    def forward(self, X):
        self.X, self.h = X, np.tanh(X @ self.theta[:, :H])
        return self.h[..., :I] @ self.theta[:, H:]

    def backward(self, dY):
        A, b = self.params.values()
        dZ = np.zeros_like(self.h)
        dZ[..., :I] = dY * b
        dZ *= 1 - self.h**2
        return {"A": np.tensordot(self.X, dZ, ((0, 1), (0, 1))), "b": (self.h[..., :I] * dY).sum(axis=(0, 1))}


def through_globals():
    model = RNN(I, H, O)
    return types.SimpleNamespace(params=model.params, forward=lambda X: model.forward(X), backward=model.backward)


def uncopyable(self, X, state=None):
    self.generator = (i for i in range(3))
    return RNN.forward(self, X, state)


def used(model):
    model.forward(X)
    return model


class Tied:
    """One matrix at two places, under one name."""

    def __init__(self, both=True):
        rng = np.random.default_rng(0)
        self.params, self.both = {"E": rng.normal(size=(I, H)), "W": rng.normal(size=(H, H))}, both

    def forward(self, X):
        self.X, self.h = X, np.tanh(X @ self.params["E"] @ self.params["W"].T)
        return self.h @ self.params["E"].T

    def backward(self, dY):
        E, W = self.params["E"], self.params["W"]
        dz = (dY @ E) * (1 - self.h**2)
        return {"E": flat(dY).T @ flat(self.h) + self.both * flat(self.X).T @ flat(dz @ W),
                "W": flat(dz).T @ flat(self.X @ E)}


def two_names():
    model = RNN(I, H, O)
    model.params["W_tied"] = model.params["W_hh"]
    return model


def extra_parameter():
    model = rnn(backward=lambda self, dY: {**RNN.backward(self, dY), "V": np.ones(2)})
    model.params["V"] = np.ones(2)
    return model


class Stacked:
    """Two RNNs, one above the other."""

    def __init__(self, factor=1):
        self.below, self.above, self.factor = RNN(I, H, H, seed=1), RNN(H, H, O, seed=2), factor

    @property
    def params(self):
        return {f"{layer}.{name}": p for layer in ("below", "above") for name, p in getattr(self, layer).params.items()}

    def forward(self, X):
        return self.above.forward(self.below.forward(X))

    def backward(self, dY):
        grads, h, p = self.above.backward(dY), self.above.hidden_states, self.above.params
        dX, carry = np.zeros_like(self.below.hidden_states[1:]), 0
        for t in reversed(range(len(dX))):
            dz = (dY[t] @ p["W_hy"] + carry) * (1 - h[t + 1]**2)
            carry, dX[t] = dz @ p["W_hh"], dz @ p["W_xh"]
        below = {f"below.{name}": g for name, g in self.below.backward(dX).items()}
        below["below.W_hh"] = self.factor * below["below.W_hh"]
        return {**below, **{f"above.{name}": g for name, g in grads.items()}}


class BatchFirst:
    """(B, T, I) in, (B, T, O) out."""

    def __init__(self, model):
        self.model, self.params = model, model.params

    def forward(self, X):
        return self.model.forward(X.swapaxes(0, 1)).swapaxes(0, 1)

    def backward(self, dY):
        return self.model.backward(dY.swapaxes(0, 1))


class Relu:
    def __init__(self, slope=True):
        rng = np.random.default_rng(3)
        self.params = {name: rng.normal(size=shape) for name, shape in {"W": (H, I), "b": (H,), "V": (O, H)}.items()}
        self.slope = slope

    def forward(self, X):
        self.X, self.z = X, X @ self.params["W"].T + self.params["b"]
        self.h = np.maximum(self.z, 0)
        return self.h @ self.params["V"].T

    def backward(self, dY):
        dz = dY @ self.params["V"] * (self.z > 0 if self.slope else 1)
        return {"W": flat(dz).T @ flat(self.X), "b": flat(dz).sum(axis=0), "V": flat(dY).T @ flat(self.h)}


class Embedding:
    """Whole numbers in, (T, B)."""

    def __init__(self, factor=1):
        self.params, self.factor = {"E": np.random.default_rng(0).normal(size=(5, O))}, factor

    def forward(self, X):
        self.X = X
        return self.params["E"][X]

    def backward(self, dY):
        dE = np.zeros((5, O))
        np.add.at(dE, self.X, dY)
        return {"E": self.factor * dE}


def fixed_shape(self, X, state=None):
    if X.shape != (T, B, I):
        raise ValueError("this model wants its own shape")
    return RNN.forward(self, X, state)


def two_answers(self, X, state=None):
    return RNN.forward(self, X, state), self.state


def centres(self, X, state=None):
    X -= X.mean()
    return RNN.forward(self, X, state)


def tanh_output(self, X, state=None):
    self.Y = np.tanh(RNN.forward(self, X, state))
    return self.Y


def chaotic():
    model = RNN(I, 8, 1, seed=5)
    for name, p in model.params.items():
        p *= 12 if name == "W_hh" else 3
    return model


def large(model, size):
    for p in model.params.values():
        p *= size
    return model


LONG_X = 0.1 * rng.normal(size=(150, 1, I))
TOKENS = rng.integers(0, 5, (T, B))
COLUMNS = np.abs(X) * [1, -1]


def columns(self, X, state=None):
    """Whatever data the check makes of this: what stands in a column is of that column's kind."""
    if (X[..., 0] < 0).any() or (X[..., 1] > 0).any():
        raise ValueError("the first column holds counts, the second one debts")
    return RNN.forward(self, X, state)


# name: (model, loss, X, words of the report)
RIGHT = {
    "mean |Y - t| beside mse": (RNN(I, H, O), with_abs, X, "loss_fn has a part that is not analytic"),
    "the same, tiny": (RNN(I, H, O), lambda Y: tuple(1e-6 * part for part in with_abs(Y)), X, "loss_fn has a part"),
    "float32, far from 0": (RNN(I, H, O), lambda Y: (np.float32(mse(Y)[0].real + 1e4), mse(Y)[1]), X,
                            "the gradient of W_xh at own weights, which rounding hides"),
    "Huber": (RNN(I, H, O), huber, X, "loss_fn has a part that is not analytic"),
    "np.var": (RNN(I, H, O), variance, X, "loss_fn drops imaginary parts (the loss came back real)"),
    "np.vdot": (RNN(I, H, O), squares, X, "loss_fn has a part"),
    "Y sign(Y)": (RNN(I, H, O), sizes, X, "loss_fn has a part"),
    "conj in one of two terms": (RNN(I, H, O), half_conjugate, X, "loss_fn has a part"),
    "forward with abs": (rnn(bent, lambda self, dY: RNN.backward(self, dY * (1 + 0.3 * np.sign(self.Z)))), mse, X,
                         "forward has a part"),
    "a state called h0": (rnn(h0_forward), mse, X, "from a zero and a non-zero initial state"),
    "a state that is demanded": (Plain(), mse, X, "from a zero and a non-zero initial state"),
    "float32 states": (Plain(np.float32), mse, X, "Single precision (6e-8) somewhere in forward"),
    "float32 gradients": (rnn(backward=lambda self, dY: {
        name: g.astype(np.float32) for name, g in RNN.backward(self, dY).items()}), mse, X, "in float32: compared"),
    "float32 model": (RNN(I, H, O, dtype=np.float32), mse, X, "within 1e-12"),
    "state carried from call to call": (
        rnn(carrying), mse, X, "forward carries something from call to call (its last state?): a second Y for the same "
        "X is another. Each call was compared as it is. If that is not meant, look at the line that sets the first "
        "state."),
    "dropout with its own generator": (rnn(dropout, masked), mse, X, "forward is random: a second Y for the same X is "
                                       "another (dropout?). Each call was compared with its own draws."),
    "softmax in the model, gone through": (rnn(probabilities, through_softmax), mse, X, "within 1e-12"),
    "views of one buffer": (Buffer(False), mse, X, "within 1e-12"),
    "views made at every look": (Buffer(True), mse, X, "within 1e-12"),
    "views of one array in Fortran's order": (Columns(), lambda Y: mse_loss(Y, TARGET[..., :1]), X, "within 1e-12"),
    "holds what cannot be copied": (used(rnn(uncopyable)), mse, X, "within 1e-12"),
    "tied weights": (Tied(), lambda Y: mse_loss(Y, TARGET[..., :I]), X, "within 1e-12"),
    "tanh on the output": (rnn(tanh_output, lambda self, dY: RNN.backward(self, dY * (1 - self.Y**2))), mse, X, ""),
    "cross-entropy": (RNN(I, H, O), lambda Y: cross_entropy_loss(Y, LABELS), X, "within 1e-12"),
    "softmax and squared error": (RNN(I, H, O), lambda Y: softmax_mse_loss(Y, np.eye(O)[LABELS]), X, "within 1e-12"),
    "the last step alone": (RNN(I, H, O), lambda Y: last_step(mse_loss)(Y, TARGET[0]), X, "within 1e-12"),
    "MLP": (FLAT, lambda Y: mse_loss(Y, TARGET[0]), X[0], "Tested on X of shape (3, 2), (130, 2), (1, 2)."),
    "stacked": (Stacked(), mse, X, "Not tested here: a non-zero initial state"),
    "ReLU": (Relu(), mse, X, "within 1e-12"),
    "batch first": (BatchFirst(RNN(I, H, O)), mse, X, "within 1e-12"),
    "columns of two kinds": (rnn(columns), mse, COLUMNS, "within 1e-12"),
    "whole numbers in": (Embedding(), mse, TOKENS, "(130, 3)"),
    "one shape only": (rnn(fixed_shape), mse, X, "Not tested here: X of shape (130, 3, 2) (this model wants its own"),
    "forward returns two things": (rnn(two_answers), lambda out: mse(out[0]), X, "forward returns tuple, not one"),
    "a chaotic run": (chaotic(), lambda Y: mse_loss(Y, np.zeros((150, 1, 1))), LONG_X,
                      "the gradient of W_hh at own weights, which rounding hides"),
    "a loss that is constant": (RNN(I, H, O), lambda Y: (0 * Y.sum(), 0 * Y), X,
                               "Not tested here: this loss, whose gradient is 0."),
    "tiny weights": (large(RNN(I, H, O), 1e-4), mse, X, "within 1e-12"),
    "a mask as the second argument": (rnn(with_a_mask, state=property(lambda self: self.none)), mse, X,
                                      "Not tested here: a non-zero initial state"),
    "no batch axis": (NoBatch(), lambda Y: (np.mean(Y**2), 2 * Y / Y.size), X[:, 0], "(130, 2), (1, 2), from a zero"),
    "ReLU at a kink": (ReluRNN(), mse, X * (np.arange(T) > 0)[:, None, None], "own weights from no initial"),
    "ReLU at a kink for other data": (ReluRNN(), mse, X * (np.arange(T) < 5)[:, None, None], "the loss has a kink"),
    "a loss in float32": (RNN(I, H, O), float32_loss, X, "within 0.002"),
    "constant data": (RNN(1, H, O), mse, np.zeros((1, 1, 1)),
                      "Not tested here: other data of the same shape; the gradient of W_xh, which is 0 throughout."),
}
WRONG = {
    "abs missing in dY": (RNN(I, H, O), lambda Y: with_abs(Y, False), X, "loss_fn is to blame"),
    "Huber's corner missing in dY": (RNN(I, H, O), lambda Y: huber(Y, False), X, "loss_fn is to blame"),
    "np.var, 2 times": (RNN(I, H, O), lambda Y: variance(Y, 4), X, "loss_fn is to blame"),
    "np.vdot, dY 0": (RNN(I, H, O), lambda Y: squares(Y, 0), X, "loss_fn is to blame"),
    "Y sign(Y), 2 times": (RNN(I, H, O), lambda Y: sizes(Y, 2), X, "loss_fn is to blame"),
    "conj missing in dY": (RNN(I, H, O), lambda Y: half_conjugate(Y, 2), X, "loss_fn is to blame"),
    "forward with abs, backward without": (rnn(bent), mse, X, "forward has a part that is not analytic"),
    "dY 2 times": (RNN(I, H, O), lambda Y: (mse(Y)[0], 2 * mse(Y)[1]), X, "loss_fn is to blame"),
    "dY of the sum": (RNN(I, H, O), lambda Y: (mse(Y)[0], 2 * (Y - TARGET)), X, "loss_fn is to blame"),
    "dY in float32": (RNN(I, H, O), lambda Y: (mse(Y)[0], mse(Y)[1].real.astype(np.float32)), X, "rounding of float32"),
    "keeps its first X": (rnn(backward=with_memory(first_X)), mse, X, "something survives"),
    "the X of the call before": (rnn(backward=with_memory(last_X)), mse, X, "something survives"),
    "keeps its first states": (rnn(backward=with_memory(first_states)), mse, X, "something survives"),
    "keeps its first slopes": (rnn(backward=kept_slopes), mse, X, "something survives"),
    "the gradient of the call before": (rnn(backward=by_call(of_the_call_before)), mse, X, "something survives"),
    "wrong at the second call": (rnn(backward=by_call(
        lambda self, n, g: {**g, "W_hh": (1 + (n == 2)) * g["W_hh"]})), mse, X, "something survives"),
    "negated at every second call": (rnn(backward=by_call(
        lambda self, n, g: {name: (-1)**n * a for name, a in g.items()})), mse, X, "something survives"),
    "sums of all calls": (rnn(backward=by_call(summed)), mse, X, "something survives"),
    "fails at its second call": (rnn(backward=by_call(only_once)), mse, X,
                                 "after one with X of shape (6, 3, 2), fails (again)"),
    "no carry, checked at T = 1": (BuggyRNN("carry_missing", I, H, O), mse, X[:1], "(130, 3, 2) it is not"),
    "no carry, batch first, T = 1": (BatchFirst(BuggyRNN("carry_missing", I, H, O)), mse, X[:, :1],
                                     "(6, 130, 2) it is not"),
    "1/B, checked at B = 1": (BuggyRNN("scale", I, H, O), mse, X[:, :1], "(6, 130, 2) it is not"),
    "truncated at 8": (rnn(backward=truncated(8)), mse, X, "(130, 3, 2) it is not"),
    "truncated at 30": (rnn(backward=truncated(30)), mse, X, "(130, 3, 2) it is not"),
    "hx left out": (rnn(hx_forward, backward=lambda self, dY: right(
        self.params, self.inputs, np.concatenate([0 * self.hidden_states[:1], self.hidden_states[1:]]), dY)), mse, X,
        "From a zero initial"),
    "h_prev left out": (Plain(left_out=True), mse, X, "From a zero initial state all is right"),
    "float32 states, and wrong": (Plain(np.float32, factor=1.05), mse, X, "the gradient of Wh is not"),
    "carries its state, transposed": (rnn(carrying, transposed), mse, X, "the gradient of W_hh is not"),
    "dropout without its mask": (rnn(dropout), mse, X, "forward is random"),
    "softmax twice": (rnn(probabilities), lambda Y: cross_entropy_loss(Y, LABELS), X, "forward ends in a softmax"),
    "views of one buffer, wrong": (Buffer(False, factor=2), mse, X, "the gradient of W_hh is not"),
    "cannot be copied, negative": (used(rnn(uncopyable, scaled(-1))), mse, X, "Together they are -1 times"),
    "one of two tied places": (Tied(both=False), lambda Y: mse_loss(Y, TARGET[..., :I]), X, "the gradient of E is not"),
    "1.00005 times": (rnn(backward=scaled(1.00005)), mse, X, "1.00005 times the derivative"),
    "float32 inside backward": (rnn(backward=lambda self, dY: {
        name: g.astype(np.float32).astype(float) for name, g in RNN.backward(self, dY).items()}), mse, X,
        "look for an array of float32"),
    "a carry a bit too large": (rnn(backward=walked(lambda carry, dY: carry * (1 + 1e-9))), mse, X, "a small number"),
    "a carry with a small number": (rnn(backward=walked(lambda carry, dY: carry + 1e-9)), mse, X, "without dL/dY"),
    "log(p + 1e-12)": (RNN(I, H, O), log_of_more, X, "as in log(p + 1e-12)"),
    "skips steps without an error": (rnn(backward=walked(
        lambda carry, dY: carry * dY.any())), mse, X, "wrong where it is 0 at some steps"),
    "a sequence's carry ends where it has no error": (rnn(backward=walked(
        lambda carry, dY: carry * dY.any(axis=1, keepdims=True))), mse, X, "wrong where it is 0 at some steps"),
    "ends without a carry": (rnn(backward=ends_without_a_carry), mse, X, "a mask, that skips a step or ends the loop"),
    "clips its carry": (rnn(backward=walked(lambda carry, dY: np.clip(carry, -1, 1))), mse, X, "look for np.clip"),
    "clips its gradients": (rnn(backward=lambda self, dY: {
        name: np.clip(g, -1, 1) for name, g in RNN.backward(self, dY).items()}), mse, X, "look for np.clip"),
    "clips their norm": (rnn(backward=lambda self, dY: {
        name: g / max(1, np.linalg.norm(g)) for name, g in RNN.backward(self, dY).items()}), mse, X, "a norm inside"),
    "loses a small carry": (rnn(backward=walked(
        lambda carry, dY: carry * (np.abs(carry) > 1e-12))), mse, X, "wrong for a tiny one"),
    "decay in the gradient": (rnn(backward=lambda self, dY: {
        name: g + 1e-4 * self.params[name] for name, g in RNN.backward(self, dY).items()}), mse, X, "Wrong"),
    "changes its X": (rnn(centres), mse, X, "forward changes the X that it is given."),
    "the loss destroys Y": (rnn(tanh_output, lambda self, dY: RNN.backward(self, dY * (1 - self.Y**2))), destroys, X,
                            "loss_fn changes the Y that it is given"),
    "a parameter that is not read": (extra_parameter(), mse, X, "forward does not read V"),
    "stacked, 0 below": (Stacked(factor=0), mse, X, "the gradient of below.W_hh is not"),
    "ReLU without its slope": (Relu(slope=False), mse, X, "the gradient of W, b is not"),
    "whole numbers in, 2 times": (Embedding(2), mse, TOKENS, "Together they are 2 times the derivative"),
    "squeezes a batch of one": (rnn(backward=lambda self, dY: RNN.backward(self, np.squeeze(dY))), mse, X,
                                "A call with X of shape (1, 1, 2) fails (dY: expected shape"),
    "two things, b_y wrong": (rnn(two_answers, lambda self, dY: {**RNN.backward(self, dY), "b_y": np.zeros(O)}),
                              lambda out: mse(out[0]), X, "the gradient of b_y is not"),
}
NOT_TO_BE_JUDGED = {
    "dropout from NumPy's own generator": (
        rnn(global_dropout, masked), mse, ValueError, r"^model: expected the same Y from two calls of forward on the "
        r"same X, got two that differ. Something is drawn at random \(dropout\?\): switch it off for the check, or let "
        "the model keep its own random generator$"),
    "a model that reads globals": (
        through_globals(), mse, TypeError, "^model: expected forward to read params, got the same Y when all of them "
        "are changed. In a copy of the model it reads other arrays: globals, or tensors whose views params are$"),
    "one array under two names": (two_names(), mse, ValueError, "W_hh and W_tied in the same memory"),
    "a loss that is random": (RNN(I, H, O), lambda Y: mse_loss(Y, np.random.random(Y.shape)),  # noqa: NPY002
                              ValueError, "loss_fn: expected the same loss from two calls"),
    "a loss that is not finite": (RNN(I, H, O), lambda Y: (np.nan * Y.sum(), Y), ValueError, "loss_fn: expected a fin"),
    "dY of another shape": (RNN(I, H, O), lambda Y: (mse(Y)[0], mse(Y)[1][0]), ValueError,
                            r"^loss_fn: expected dL/dY of shape \(6, 3, 3\), as Y, got \(3, 3\)$"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_not_blamed(name):
    model, loss_fn, X, words = RIGHT[name]
    before = X.copy()
    report = check_gradients(model, X, loss_fn)
    assert report.passed and words in str(report), report
    assert ("rounding hides" in str(report)) == ("rounding hides" in words), report  # nothing is left untested
    assert check_direction(model, X, loss_fn).passed
    assert np.array_equal(X, before)


def test_central_differences_that_were_asked_for_know_single_precision():
    report = check_gradients(Plain(np.float32), X, mse, method="central")
    assert report.passed and report.tolerance > 1e-6 and "Single precision (6e-8) somewhere in forward" in str(report)
    assert "rounding hides" not in str(report)


def warns(self, X, state=None):
    warnings.warn("nothing that matters", UserWarning, stacklevel=1)
    return RNN.forward(self, X, state)


@pytest.mark.filterwarnings("ignore:nothing that matters")
def test_a_warning_is_no_reason_against_the_complex_step():
    assert "does not apply" not in str(check_gradients(rnn(warns), X, mse))


@functools.cache
def report_of_wrong(name):
    model, loss_fn, X, _ = WRONG[name]
    before = X.copy()
    report = check_gradients(model, X, loss_fn)
    assert np.array_equal(X, before)
    return report


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_and_named(name):
    report = report_of_wrong(name)
    assert not report.passed and WRONG[name][-1] in str(report), report


def test_a_gradient_that_is_missing_was_tested():
    report = check_gradients(rnn(backward=without_by), X, mse)
    assert report.wrong == ["b_y"] and "Not tested" not in str(report), report


@pytest.mark.parametrize("name", [name for name in WRONG if name.startswith("clips ")])
def test_what_is_clipped_is_no_memory(name):
    assert "survives" not in str(report_of_wrong(name))


@pytest.mark.parametrize("name", NOT_TO_BE_JUDGED)
@pytest.mark.parametrize("check", [check_gradients, check_direction])
def test_what_cannot_be_judged_is_refused(check, name):
    model, loss_fn, error, words = NOT_TO_BE_JUDGED[name]
    with pytest.raises(error, match=words):
        check(model, X, loss_fn)


@pytest.mark.parametrize("hidden_size, size", [(2, 1), (4, 1), (8, 1), (16, 1), (2, 10), (16, 10)])
def test_a_truncation_at_30_steps_is_found_from_six_steps_of_data(hidden_size, size):
    """Also where large inputs hold tanh at its ends: there the check makes them small."""
    for seed in range(3):
        model = type("Truncated", (RNN,), {"backward": truncated(30)})(I, hidden_size, O, seed=seed)
        assert "(130, 3, 2) it is not" in check_gradients(model, size * X, mse, seed=seed).message


@pytest.mark.parametrize("check", [check_gradients, check_direction, numerical_gradients])
def test_a_forward_that_changes_what_it_is_given_changes_nothing_of_the_caller(check):
    def changes(self, X, state=None):
        X *= 2
        if state is not None:
            state *= 2
        return RNN.forward(self, X, state)

    data, state = X.copy(), np.full((B, H), 0.3)
    if check is numerical_gradients:
        found, expected = check(rnn(changes), data, mse, state=state), check(RNN(I, H, O), 2 * X, mse, state=2 * state)
        assert all(np.array_equal(found[name], expected[name]) for name in found)
    else:
        check(rnn(changes), data, mse)
    assert np.array_equal(data, X) and (state == 0.3).all()


def test_only_what_is_guilty_is_named():
    blame = ["to blame", "survives", "does not read", "softmax", "Together", "From a zero", "it is not", "the size of"]
    for name, (*_, words) in WRONG.items():
        message = report_of_wrong(name).message
        guilty = [word for word in blame if word in message]
        assert len(guilty) <= 1 and all(word in words for word in guilty if any(b in words for b in blame))


# --- the check of one direction -----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.* encountered in matmul")  # a gradient that explodes is wrong as well
@pytest.mark.parametrize("shape", [(6, 3, 2, 4, 3), (60, 16, 3, 8, 2)])
@pytest.mark.parametrize("name", BUGS)
def test_one_direction_catches_every_bug_in_every_draw(name, shape):
    T, B, I, H, O = shape
    rng = np.random.default_rng(0)
    X, target = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O))

    def sum_of_squares(Y):  # not the mean: what is clipped must be large enough
        loss, dY = mse_loss(Y, target)
        return Y.size * loss, Y.size * dY

    for seed in range(4):
        passed = check_direction(BuggyRNN(name, I, H, O), X, sum_of_squares, seed=seed).passed
        right_here = name == "small_carry_dropped" and T == 6  # in so few steps its carry is hardly ever small
        assert right_here or not passed


@pytest.mark.parametrize("shape", [(6, 3, 2, 4, 3), (1, 1, 1, 1, 1), (200, 32, 5, 20, 4), (1000, 1, 1, 8, 1)])
def test_one_direction_passes_what_is_right(shape):
    T, B, I, H, O = shape
    rng = np.random.default_rng(0)
    X, target = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O))
    for seed in range(10):
        found = check_direction(RNN(I, H, O, seed=seed), X, lambda Y: mse_loss(Y, target), seed=seed)
        assert found.passed and found.tolerance == 1e-12 and found.remark == ""
        assert found.numerical == pytest.approx(found.backward, rel=1e-9)
        mlp = check_direction(MLP(I, (H,), O, seed=seed), X[0], lambda Y: mse_loss(Y, target[0]), seed=seed)
        assert mlp.passed and mlp.tolerance == 1e-12


def test_one_direction_says_what_it_found():
    assert str(check_direction(RNN(I, H, O), X, mse)).startswith("Right: along a random direction of all weights")
    wrong = check_direction(BuggyRNN("scale", I, H, O), X, mse)
    assert str(wrong).startswith("Wrong: along") and wrong.backward == pytest.approx(wrong.numerical / 3)
    assert check_direction(BuggyRNN("scale", I, H, O), X, mse, seed=1).numerical != wrong.numerical
    central = check_direction(RNN(I, H, O), X, with_abs)
    assert central.tolerance == 1e-6 and "has a part that is not analytic" in central.remark
    model, loss_fn, long_X, _ = RIGHT["a chaotic run"]
    chaotic_run = check_direction(model, long_X, loss_fn)
    assert chaotic_run.passed and chaotic_run.tolerance > 1e-9 and str(chaotic_run).endswith("Rounding hides the rest.")
    assert str(chaotic_run._replace(tolerance=2.0)).startswith("Undecided: ")


def test_one_direction_in_full():
    found = Direction(1.23456, -0.25, 0.02345, 1e-12)
    slopes = "along a random direction of all weights the loss has slope 1.235, the gradients -0.25"
    assert str(found) == f"Wrong: {slopes} (relative error 0.023)."
    assert str(found._replace(error=1e-14, remark="So.")) == f"Right: {slopes} (relative error < 1e-12). So."
    assert str(found._replace(tolerance=0.1)) == f"Undecided: {slopes} (relative error < 1e-01)."


def test_one_direction_leaves_the_model_alone():
    model = used(RNN(I, H, O))
    before, states = {name: p.copy() for name, p in model.params.items()}, model.hidden_states
    check_direction(model, X, mse)
    assert model.hidden_states is states and all(np.array_equal(p, before[name]) for name, p in model.params.items())


def test_numerical_gradients_of_a_model_that_carries_its_state():
    for method in ("complex", "central"):
        carried, plain = (numerical_gradients(model, X, mse, method) for model in (rnn(carrying), RNN(I, H, O)))
        assert all(np.allclose(carried[name], plain[name], rtol=1e-6, atol=1e-9) for name in plain)


def test_no_warning_comes_of_what_is_wrong():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("1.00005 times", "abs missing in dY", "truncated at 8", "keeps its first X"):
            model, loss_fn, X, _ = WRONG[name]
            check_gradients(model, X, loss_fn)
