"""Independent answers for the tests to compare with, models that are hard to get right by luck, and a bad answer."""

import copy

import numpy as np

from rnn_lib import MLP, RNN
from rnn_lib.activations import sigmoid
from rnn_lib.losses import mse_loss


def order_one(model, seed=0):
    """Give a model weights and biases of order one (biases included), so that tanh is far from linear."""
    rng = np.random.default_rng(seed)
    for param in model.params.values():
        param[...] = rng.normal(size=param.shape) / np.sqrt(param.shape[-1] if param.ndim == 2 else 1)
    return model


def rnn_problem(T=6, B=3, I=2, H=4, O=3, seed=0, dtype=np.float64):
    """Return (model, X, target, state): weights of order one, biases and initial state not zero."""
    rng = np.random.default_rng(seed + 1000)
    model = order_one(RNN(I, H, O, dtype=dtype), seed)
    X, target, state = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O)), rng.normal(size=(B, H))
    return model, X.astype(dtype), target.astype(dtype), state.astype(dtype)


def gradients(model, X, target, *state, loss_fn=mse_loss):
    """One forward, loss and backward."""
    loss, dY = loss_fn(model.forward(X, *state), target)
    return loss, model.backward(dY)


def complex_step(model, X, target, *state, loss_fn=mse_loss, step=1e-30):
    """Gradients to machine precision: dL/dp is the imaginary part of L(p + i step) / step. The model is left alone."""
    model = copy.deepcopy(model)
    real = model.params
    model.params = {name: p.astype(complex) for name, p in real.items()}
    answer = {name: np.empty(p.shape) for name, p in real.items()}
    for name, p in model.params.items():
        for index in np.ndindex(p.shape):
            p[index] += step * 1j
            answer[name][index] = loss_fn(model.forward(X, *state), target)[0].imag / step
            p[index] = real[name][index]
    return answer


def added_up(model, X, target, *state):
    """How large the numbers are that are added up for "loss", the `mse_loss`, and for the gradients: {name: largest}.

    It is the walk back with every minus made plus, also in Y - target and in 1 - h^2. What is added up may nearly
    cancel: the right gradient is small then, and its rounding error is not.
    """
    Y = np.abs(model.forward(X, *state))
    p = {name: np.abs(param) for name, param in model.params.items()}
    dY = 2 * (Y + np.abs(target)) / Y.size
    if isinstance(model, MLP):
        sizes, dz, a = {}, dY, [X]
        for k in range(1, model.n_layers):
            z = a[-1] @ model.params[f"W_{k}"].T + model.params[f"b_{k}"]
            a.append(np.tanh(z) if model.activation == "tanh" else sigmoid(z))
        a = list(map(np.abs, a))
        for k in range(model.n_layers, 0, -1):
            sizes[f"W_{k}"], sizes[f"b_{k}"] = dz.T @ a[k - 1], dz.sum(axis=0)
            dz = dz @ p[f"W_{k}"] * (1 + a[k - 1] ** 2)
    else:
        sizes, carry, h = dict.fromkeys(p, 0.0), 0.0, np.abs(model.hidden_states)
        for t in range(len(X), 0, -1):
            dz = (dY[t - 1] @ p["W_hy"] + carry) * (1 + h[t] ** 2)
            for layer, error, x in (("hy", dY[t - 1], h[t]), ("xh", dz, np.abs(X[t - 1])), ("hh", dz, h[t - 1])):
                sizes[f"W_{layer}"] = sizes[f"W_{layer}"] + error.T @ x
            sizes["b_y"], sizes["b_h"] = sizes["b_y"] + dY[t - 1].sum(axis=0), sizes["b_h"] + dz.sum(axis=0)
            carry = dz @ p["W_hh"]
    return {"loss": np.mean((Y + np.abs(target)) ** 2), **{name: np.max(size) for name, size in sizes.items()}}


def worst_error(grads, expected, sizes=None):
    """The largest |grads - expected| of any parameter, relative to what was added up for it (`added_up`).

    Without `sizes`, where nothing cancels: relative to the parameter's largest expected element.
    """
    assert grads.keys() == expected.keys()
    assert all(grads[name].shape == expected[name].shape for name in expected)
    sizes = sizes or {name: np.abs(g).max() for name, g in expected.items()}
    return max(np.abs(grads[name] - expected[name]).max() / sizes[name] for name in expected)


def rnn_by_the_book(params, X, state):
    """The two equations, one sequence, one step and one sum at a time. Returns all states and outputs."""
    (T, B, _), (H, I), O = X.shape, params["W_xh"].shape, len(params["b_y"])
    hidden, Y = np.zeros((T + 1, B, H)), np.zeros((T, B, O))
    hidden[0] = state
    for b in range(B):
        for t in range(T):
            for j in range(H):
                z = params["b_h"][j]
                z += sum(params["W_xh"][j, i] * X[t, b, i] for i in range(I))
                z += sum(params["W_hh"][j, i] * hidden[t, b, i] for i in range(H))
                hidden[t + 1, b, j] = np.tanh(z)
            for k in range(O):
                Y[t, b, k] = params["b_y"][k] + sum(params["W_hy"][k, j] * hidden[t + 1, b, j] for j in range(H))
    return hidden, Y


class Awkward:
    """An answer that cannot be looked at."""

    def __repr__(self):
        raise RuntimeError("no")

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")
