"""Independent answers for the tests to compare with, models that are hard to get right by luck, and a bad answer."""

import contextlib
import copy

import numpy as np

from rnn_lib import GRU, LSTM, MLP, RNN, MinGRU
from rnn_lib.activations import sigmoid
from rnn_lib.exercises.verdict import Verdict
from rnn_lib.ground.report import Report
from rnn_lib.losses import mse_loss

RECURRENT = [RNN, LSTM, GRU]  # those that PyTorch has, too


def order_one(model, seed=0):
    """Give a model weights and biases of order one (biases included), so that tanh is far from linear."""
    rng = np.random.default_rng(seed)
    for param in model.params.values():
        param[...] = rng.normal(size=param.shape) / np.sqrt(param.shape[-1] if param.ndim == 2 else 1)
    return model


def recurrent_problem(Model, T=6, B=3, I=2, H=4, O=3, seed=0, dtype=np.float64):
    """Return (model, X, target, state): weights of order one, biases and initial state not zero."""
    rng = np.random.default_rng(seed + 1000)
    model = order_one(Model(I, H, O, dtype=dtype), seed)
    X, target = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O))
    states = tuple(rng.normal(size=(B, H)).astype(dtype) for _ in model.state_names)
    return model, X.astype(dtype), target.astype(dtype), states if len(states) > 1 else states[0]


def rnn_problem(*sizes, **settings):
    """`recurrent_problem` for an RNN."""
    return recurrent_problem(RNN, *sizes, **settings)


def on_each(function, state):
    """Apply a function to a state: to each of its parts if it is a tuple."""
    return tuple(map(function, state)) if isinstance(state, tuple) else function(state)


def parts(state):
    """The parts of a state: one, or those of the tuple."""
    return state if isinstance(state, tuple) else (state,)


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
    elif isinstance(model, MinGRU):
        sizes, h, carry = dict.fromkeys(p, 0.0), np.abs(model.hidden_states), 0.0
        for t in range(len(X), 0, -1):
            z, c, a = (np.abs(part[t - 1]) for part in model._forward[2:])
            dh = dY[t - 1] @ p["W_hy"] + carry
            for layer, d, x in (("z", dh * (c + h[t - 1]) * z * (1 + z), X[t - 1]), ("c", dh * z, X[t - 1]),
                                ("y", dY[t - 1], h[t])):
                W, b = ("W_hy" if layer == "y" else f"W_{layer}"), f"b_{layer}"
                sizes[W], sizes[b] = sizes[W] + d.T @ np.abs(x), sizes[b] + d.sum(axis=0)
            carry = dh * a
    else:
        sizes, h = dict.fromkeys(p, 0.0), np.abs(model.hidden_states)
        carries = [0.0] * len(model.state_names)
        for t in range(len(X), 0, -1):
            carries[0] = carries[0] + dY[t - 1] @ p["W_hy"]
            dz, da, *carries = ADDED_UP[type(model)](model, t, *carries)  # at the inputs' side, at the states' side
            carries[0] = carries[0] + da @ p["W_hh"]
            more = {"W_xh": dz.T @ np.abs(X[t - 1]), "W_hh": da.T @ h[t - 1], "W_hy": dY[t - 1].T @ h[t],
                    "b_h": dz.sum(axis=0), "b_xh": dz.sum(axis=0), "b_hh": da.sum(axis=0), "b_y": dY[t - 1].sum(axis=0)}
            sizes = {name: size + more[name] for name, size in sizes.items()}
    return {"loss": np.mean((Y + np.abs(target)) ** 2), **{name: np.max(size) for name, size in sizes.items()}}


def rnn_added_up(model, t, dh):
    """One step of that walk: from what is added up at h_t to that at z_t, twice, and what goes straight to h_{t-1}."""
    dz = dh * (1 + model.hidden_states[t] ** 2)
    return dz, dz, 0.0


def lstm_added_up(model, t, dh, dc):
    """The same for an LSTM: from h_t and c_t."""
    i, f, g, o = (np.abs(gate[t - 1]) for gate in model.gates.values())
    c, c_prev = np.abs(model.cell_states[t]), np.abs(model.cell_states[t - 1])
    dc = dc + dh * o * (1 + np.tanh(c) ** 2)
    dz = [dc * g * i * (1 + i), dc * c_prev * f * (1 + f), dc * i * (1 + g**2), dh * np.tanh(c) * o * (1 + o)]
    return *[np.concatenate(dz, axis=1)] * 2, 0.0, dc * f


def gru_added_up(model, t, dh):
    """The same for a GRU, where W_xh x_t and W_hh h_{t-1} go different ways."""
    r, z, n = (np.abs(gate[t - 1]) for gate in model.gates.values())
    h_prev, rows = np.abs(model.hidden_states[t - 1]), model.gate_rows("n")
    m = h_prev @ np.abs(model.params["W_hh"][rows]).T + np.abs(model.params["b_hh"][rows])
    dn = dh * (1 + z) * (1 + n**2)
    dr, dz = dn * m * r * (1 + r), dh * (h_prev + n) * z * (1 + z)
    return np.concatenate([dr, dz, dn], axis=1), np.concatenate([dr, dz, dn * r], axis=1), dh * z


ADDED_UP = {RNN: rnn_added_up, LSTM: lstm_added_up, GRU: gru_added_up}


def worst_error(grads, expected, sizes=None):
    """The largest |grads - expected| of any parameter, relative to what was added up for it (`added_up`).

    Without `sizes`, where nothing cancels: relative to the parameter's largest expected element.
    """
    assert grads.keys() == expected.keys()
    assert all(grads[name].shape == expected[name].shape for name in expected)
    sizes = sizes or {name: np.abs(g).max() for name, g in expected.items()}
    return max(np.abs(grads[name] - expected[name]).max() / sizes[name] for name in expected)


def rnn_cell(p, x, h):
    """One step of one sequence, as in the book: the new states, a tuple."""
    return (np.tanh(p["W_xh"] @ x + p["W_hh"] @ h + p["b_h"]),)


def lstm_cell(p, x, h, c):
    """The same for an LSTM."""
    i, f, g, o = np.split(p["W_xh"] @ x + p["W_hh"] @ h + p["b_h"], 4)
    c = plain_sigmoid(f) * c + plain_sigmoid(i) * np.tanh(g)
    return plain_sigmoid(o) * np.tanh(c), c


def gru_cell(p, x, h):
    """The same for a GRU."""
    (x_r, x_z, x_n), (h_r, h_z, h_n) = np.split(p["W_xh"] @ x + p["b_xh"], 3), np.split(p["W_hh"] @ h + p["b_hh"], 3)
    r, z = plain_sigmoid(x_r + h_r), plain_sigmoid(x_z + h_z)
    return ((1 - z) * np.tanh(x_n + r * h_n) + z * h,)


def mingru_cell(p, x, h):
    """The same for a MinGRU."""
    z = plain_sigmoid(p["W_z"] @ x + p["b_z"])
    return ((1 - z) * h + z * (p["W_c"] @ x + p["b_c"]),)


def plain_sigmoid(z):
    """Return 1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


CELLS = {RNN: rnn_cell, LSTM: lstm_cell, GRU: gru_cell, MinGRU: mingru_cell}


def by_the_book(model, X, state):
    """The equations, one sequence and one step at a time. Returns (each of its states at all steps, a list; Y).

    X and the state may be complex: the weights are the model's.
    """
    (T, B, _), p = X.shape, model.params
    dtype = np.result_type(X, *parts(state))
    all_states = [np.zeros((T + 1, B, model.hidden_size), dtype) for _ in model.state_names]
    Y = np.zeros((T, B, model.output_size), dtype)
    for b in range(B):
        now = [part[b] for part in parts(state)]
        for t in range(T + 1):
            for steps, part in zip(all_states, now, strict=True):
                steps[t, b] = part
            if t < T:
                now = CELLS[type(model)](p, X[t, b], *now)
                Y[t, b] = p["W_hy"] @ now[0] + p["b_y"]
    return all_states, Y


class Awkward:
    """An answer that cannot be looked at."""

    def __repr__(self):
        raise RuntimeError("no")

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")


def examined(check, answer):
    """A check without what makes a report of every exception: it would hide a defect of the check itself."""
    try:
        with np.errstate(all="ignore"):
            return Report("correct", check.__wrapped__(answer))
    except Verdict as verdict:
        return verdict.report


@contextlib.contextmanager
def noted(case):
    """Say of which case an error came, where one test tries many: a test for each would take longer than the cases."""
    try:
        yield
    except BaseException as error:  # pytest's own is no Exception
        error.add_note(f"case: {case}")
        raise


def refuse_all(check, answers):
    """None of these answers raises in an exercise's check, passes it, or gets a report that cannot be shown."""
    for number, answer in enumerate(answers):
        with noted(f"answer {number}"):
            report = check(answer)
            assert not report.passed
            assert str(report) and report._repr_html_()
