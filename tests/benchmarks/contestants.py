"""Who races: each function takes a problem and returns `step()`, one training step (forward, loss, backward, SGD)."""

import statistics
import time
from dataclasses import dataclass

import numpy as np
import torch
from unchecked import UNCHECKED

from rnn_lib import GRU, LSTM, RNN
from rnn_lib.losses import mse_loss
from rnn_lib.optim import SGD

# ours, PyTorch's: another model is another line
MODELS = {"RNN": (RNN, torch.nn.RNN), "LSTM": (LSTM, torch.nn.LSTM), "GRU": (GRU, torch.nn.GRU)}
LR = 1e-3


@dataclass(frozen=True)
class Problem:
    """Sizes, dtype, and data to go with them."""

    T: int
    B: int
    I: int
    H: int
    O: int
    dtype: str = "float32"

    def data(self):
        rng = np.random.default_rng(0)
        X, target = rng.normal(size=(self.T, self.B, self.I)), rng.normal(size=(self.T, self.B, self.O))
        return X.astype(self.dtype), target.astype(self.dtype)


def ours(problem, model="RNN"):
    """The course's model, with all its checks of arguments."""
    X, target = problem.data()
    model = MODELS[model][0](problem.I, problem.H, problem.O, dtype=problem.dtype)
    optimizer = SGD(model.params, lr=LR)

    def step():
        _, dY = mse_loss(model.forward(X), target)
        optimizer.step(model.backward(dY))
    return step


def pytorch(problem, model="RNN", threads=1):
    """PyTorch, eager, on so many threads: all the process's PyTorch from now on."""
    torch.set_num_threads(threads)
    X, target = map(torch.tensor, problem.data())
    layer = MODELS[model][1](problem.I, problem.H, dtype=X.dtype)
    linear = torch.nn.Linear(problem.H, problem.O, dtype=X.dtype)
    optimizer = torch.optim.SGD([*layer.parameters(), *linear.parameters()], lr=LR)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(linear(layer(X)[0]), target).backward()
        optimizer.step()
    return step


def plain_loop(problem):
    """An RNN in NumPy as one writes it first: everything inside the loop over time."""
    X, target = problem.data()
    p = RNN(problem.I, problem.H, problem.O, dtype=problem.dtype).params
    W_xh, W_hh, b_h, W_hy, b_y = p.values()

    def step():
        h = [np.zeros((problem.B, problem.H), problem.dtype)]
        Y = []
        for t in range(problem.T):
            h.append(np.tanh(X[t] @ W_xh.T + h[-1] @ W_hh.T + b_h))
            Y.append(h[-1] @ W_hy.T + b_y)
        difference = np.array(Y) - target
        np.mean(difference**2)
        dY = 2 * difference / difference.size
        grads = {name: np.zeros_like(value) for name, value in p.items()}
        dh_next = np.zeros_like(h[0])
        for t in reversed(range(problem.T)):
            grads["W_hy"] += dY[t].T @ h[t + 1]
            grads["b_y"] += dY[t].sum(axis=0)
            dz = (dY[t] @ W_hy + dh_next) * (1 - h[t + 1] ** 2)
            grads["W_xh"] += dz.T @ X[t]
            grads["W_hh"] += dz.T @ h[t]
            grads["b_h"] += dz.sum(axis=0)
            dh_next = dz @ W_hh
        for name, value in p.items():
            value -= LR * grads[name]
    return step


def unchecked(problem, model="RNN"):
    """The mathematics of our model in functions that check nothing: see unchecked.py."""
    X, target = problem.data()
    params = MODELS[model][0](problem.I, problem.H, problem.O, dtype=problem.dtype).params
    forward, backward = UNCHECKED[model]

    def step():
        Y, left = forward(params, X)
        difference = Y - target
        (difference * difference).sum() / Y.size
        grads = backward(params, X, left, 2 * difference / Y.size)
        for name, p in params.items():
            p -= LR * grads[name]
    return step


def floor(problem):
    """The matrix products and tanh calls alone, into arrays that are there: nobody with NumPy can be faster."""
    (T, B, I, H, O), dtype = (problem.T, problem.B, problem.I, problem.H, problem.O), problem.dtype
    X, dY = (array.reshape(T * B, -1) for array in problem.data())
    rng = np.random.default_rng(0)
    W_xh, W_hh, W_hy = (rng.uniform(-1, 1, shape).astype(dtype) / H for shape in [(I, H), (H, H), (H, O)])
    h, Y = np.zeros((T, B, H), dtype), np.empty((T * B, O), dtype)
    flat, last = h.reshape(T * B, H), np.zeros((B, H), dtype)
    d_W_xh, d_W_hh, d_W_hy = (np.empty_like(W) for W in (W_xh, W_hh, W_hy))
    steps = list(h)

    def step():
        np.dot(X, W_xh, out=flat)
        for h_t in steps:
            last.dot(W_hh, out=h_t)
            np.tanh(h_t, out=h_t)
        flat.dot(W_hy, out=Y)
        dY.dot(W_hy.T, out=flat)
        for h_t in steps:
            h_t.dot(W_hh, out=last)
        X.T.dot(flat, out=d_W_xh)
        flat.T.dot(flat, out=d_W_hh)
        flat.T.dot(dY, out=d_W_hy)
    return step


def race(steps, seconds=2.0, rounds=5):
    """Time each step() in turn, round after round in one process. Returns {name: [seconds in round 1, …]}.

    The time of a round is that of its fastest step: the one that the machine's other work disturbed least.
    """
    calls = {}
    for name, step in steps.items():
        step()
        start = time.perf_counter()
        step()
        calls[name] = max(1, int(seconds / rounds / len(steps) / (time.perf_counter() - start)))
    times = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            taken = []
            for _ in range(calls[name]):
                start = time.perf_counter()
                step()
                taken.append(time.perf_counter() - start)
            times[name].append(min(taken))
    return times


def interleaved(a, b, between, seconds=2.0, rounds=5):
    """Time a() and b() by turns, one call each, with between() before every one: the caches are cold, as in real use.

    Returns the median over the rounds of a's median time over b's.
    """
    between()
    start = time.perf_counter()
    for step in (a, between, b, between):
        step()
    calls = max(3, int(seconds / rounds / (time.perf_counter() - start)))
    ratios = []
    for _ in range(rounds):
        taken = {a: [], b: []}
        for _ in range(calls):
            for step in (a, b):
                between()
                start = time.perf_counter()
                step()
                taken[step].append(time.perf_counter() - start)
        ratios.append(statistics.median(taken[a]) / statistics.median(taken[b]))
    return statistics.median(ratios)


def ratio(times, a, b):
    """The median over the rounds of a's time over b's."""
    return statistics.median(x / y for x, y in zip(times[a], times[b], strict=True))
