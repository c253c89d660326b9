"""Bad input, for every public function: one table.

A row names a function, says how to call it well, and gives for each argument the kind of value it takes. From the
kind come the bad values: wrong rank, wrong size, wrong type, empty, not finite, unknown. Each of them must raise
ValueError or TypeError in words that name the argument, what came and what was expected, without a warning, and must
leave everything as it was: parameters, hidden states, optimiser, arguments.

To cover a new function, add a row to TABLE. A public function without a row fails a test, and so does a parameter.
"""

import importlib
import inspect
import pkgutil
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from oracles import noted, recurrent_problem, rnn_problem

import rnn_lib
from rnn_lib import (
    GRU,
    LSTM,
    MLP,
    RNN,
    MinGRU,
    activations,
    data,
    gradcheck,
    initialization,
    losses,
    ngram,
    nudge,
    optim,
    training,
)
from rnn_lib.bugs import BuggyLSTM, BuggyRNN
from rnn_lib.generate import free_run, generate, sample
from rnn_lib.ground import seeds
from rnn_lib.interop import from_torch_state, to_torch_state
from rnn_lib.saliency import saliency

# --- kinds of arguments: each is a function from a good value to {what is wrong with it: bad value} -------------------


def with_limits(kind, *limits):
    """Attach the limits that are still good: they are tried too."""
    kind.limits = [limit for limit in limits if limit is not None]
    return kind


def whole(minimum, maximum=None):
    """A whole number from `minimum`."""
    bad = {"too small": minimum - 1, "negative": -7, "a fraction": minimum + 0.5, "a float": float(minimum),
           "NaN": np.nan, "inf": np.inf, "a bool": True, "a NumPy bool": np.True_, "a text": "3", "None": None,
           "a list": [3], "an array": np.array([3, 4]), "complex": 3 + 0j}
    if maximum is not None:
        bad["too large"] = maximum + 1
    return with_limits(lambda good: bad, minimum, maximum)


def number(above=None, minimum=None, below=None):
    """A real number between limits."""
    bad = {"NaN": np.nan, "inf": np.inf, "-inf": -np.inf, "a bool": True, "a NumPy bool": np.True_, "a text": "0.1",
           "None": None, "a list": [0.1], "an array": np.array([0.1, 0.2]), "complex": 0.1 + 0j, "no float": 10**400}
    if above is not None:
        bad["the lower limit"] = above
    if minimum is not None:
        bad["below the minimum"] = minimum - 1e-9
    if below is not None:
        bad["the upper limit"] = below
    just_inside = [limit + step for limit, step in ((above, 1e-9), (below, -1e-9)) if limit is not None]
    return with_limits(lambda good: bad, minimum, *just_inside)


def array(*fixed, real=True, nonfinite=True, rank=True):
    """An array; `fixed` are the axes whose length is given. Complex numbers are refused where `real`."""
    def bad(good):
        good = np.asarray(good)
        cases = {"None": None, "a word": "X", "a number of texts": good.astype(str), "objects": good.astype(object),
                 "a dict": {"X": 1}, "ragged": [[1.0], [1.0, 2.0]]}
        if rank:
            cases |= {"a dimension less": good[0], "a dimension more": good[None], "a number": 1.0}
        for axis in range(good.ndim):
            cases[f"empty along axis {axis}"] = good.take([], axis=axis)
        for axis in fixed:
            cases[f"one more along axis {axis}"] = np.concatenate([good, good.take([0], axis=axis)], axis=axis)
            if good.shape[axis] > 1:  # lengths 1 are what NumPy would broadcast
                cases[f"one along axis {axis}"] = good.take([0], axis=axis)
        if real:
            cases["complex"] = good + 1j
        if nonfinite:
            for value in (np.nan, np.inf, -np.inf):
                cases[str(value)] = good.astype(float)
                cases[str(value)].flat[-1] = value
        return cases
    return bad


def without(cases, *labels):
    """The cases without those that this argument allows."""
    return {label: value for label, value in cases.items() if label not in labels}


def optional(kind):
    """None, or something of that kind."""
    return with_limits(lambda good: without(kind(good), "None"), *getattr(kind, "limits", ()))


def labels(n_classes, *fixed):
    """Whole numbers from 0 to n_classes - 1."""
    def bad(good):
        cases = array(*fixed, rank=bool(fixed))(good)
        return {**cases, "floats": good.astype(float), "booleans": good.astype(bool),
                "a class too many": np.where(good == good.flat[0], n_classes, good),
                "negative": np.where(good == good.flat[0], -1, good)}
    return bad


def mask(good):
    """Booleans, at least one of them True."""
    cases = array(*range(good.ndim), nonfinite=False)(good)
    return {**cases, "numbers": good.astype(int), "False everywhere": np.zeros_like(good)}


def choice(good):
    """One of a few names."""
    return {"unknown": "no such name", "empty": "", "None": None, "a number": 3, "capitals": good.upper() + "!"}


def dtype(good):
    """float64 or float32."""
    return {"half": np.float16, "complex": complex, "whole": int, "texts": str, "big-endian": ">f8",
            "unknown": "no such dtype", "a number": 3, "None": None}


def function(good):
    """Something to call."""
    return {"None": None, "a text": "mse", "a number": 3}


def arrays_by_name(good):
    """The params of a model."""
    name, value = next(iter(good.items()))
    return {"None": None, "a list": list(good.values()), "an array": value, "empty": {},
            "a list inside": {**good, name: value.tolist()}, "None inside": {**good, name: None},
            "whole numbers inside": {**good, name: value.astype(int)},
            "complex numbers inside": {**good, name: value.astype(complex)}}


def gradients_by_name(good):
    """Gradients, in the keys and shapes of the params."""
    name, value = next(iter(good.items()))
    last, end = list(good.items())[-1]
    changes = {"NaN": np.full_like(end, np.nan), "inf": np.full_like(end, np.inf), "a dimension more": end[None],
               "one more": np.concatenate([end, end[:1]]), "empty": end[:0], "a list": end.tolist(),
               "complex": end.astype(complex), "objects": end.astype(object), "a number": 1.0}
    return {**arrays_by_name(good), **{f"{label} in the last": {**good, last: bad} for label, bad in changes.items()},
            "one missing": {n: g for n, g in good.items() if n != name}, "one too many": {**good, "W_zz": value},
            "another name": {("other" if n == name else n): g for n, g in good.items()}}


def gradients_of_any_shape(good):
    """Gradients that need not match anything."""
    return {label: bad for label, bad in gradients_by_name(good).items()
            if label not in ("one missing", "one too many", "another name", "a dimension more in the last",
                             "one more in the last", "empty in the last")}


def text(good):
    """A text, not empty."""
    return {"None": None, "a number": 3, "bytes": good.encode(), "a list": list(good), "empty": ""}


def path(good):
    """A file's path."""
    return {"None": None, "a number": 3, "bytes": b"model.npz", "a list": ["model.npz"]}


# --- how to call each function well ---------------------------------------------------------------------------------


class Bound:
    """A function bound to what it may change: shown to the test as `__self__`."""

    def __init__(self, function, owner):
        self.function, self.__self__ = function, owner
        self.__signature__ = inspect.signature(function)

    def __call__(self, **arguments):
        return self.function(**arguments)


def rnn_after_a_call():
    model, X, target, state = rnn_problem(T=4, B=3, I=2, H=5, O=2)
    model.forward(X, state)
    return model, X, target, state


def rnn_forward():
    model, X, _, state = rnn_after_a_call()
    return model.forward, {"X": X, "state": state}


def rnn_backward():
    model, X, target, _ = rnn_after_a_call()
    return model.backward, {"dY": target}


def gated_call(Model, method):
    """How to call a method of another recurrent model, after a call of forward and backward."""
    def call():
        model, X, target, state = recurrent_problem(Model, T=4, B=3, I=2, H=5, O=2)
        model.forward(X, state)
        model.backward(target)
        good = {"forward": {"X": X, "state": state}, "backward": {"dY": target},
                "gate_rows": {"name": getattr(model, "keeping", None)}}[method]
        return getattr(model, method), good
    return call


def pair_of_states(good):
    """The pair (h, c)."""
    h, c = good
    cases = {"one": (h,), "three": (h, h, c), "an array": h, "a text": "hc", "a number": 1.0, "a dict": {"h": h}}
    return {**cases, **{f"h {label}": (bad, c) for label, bad in array(0, 1)(h).items()},
            **{f"c {label}": (h, bad) for label, bad in array(0, 1)(c).items()}}


def mlp_after_a_call():
    model, X = MLP(2, (4, 3), 1), np.random.default_rng(0).normal(size=(5, 2))
    return model, X, model.forward(X)


def mlp_forward():
    model, X, _ = mlp_after_a_call()
    return model.forward, {"X": X}


def mlp_backward():
    model, _, Y = mlp_after_a_call()
    return model.backward, {"dY": Y}


def step(make):
    def call():
        model, _, target, _ = rnn_after_a_call()
        optimizer = make(model.params)
        optimizer.step({name: np.ones_like(p) for name, p in model.params.items()})
        return optimizer.step, {"grads": model.backward(target)}
    return call


def with_a_part_missing(model):
    """The model without params, without forward, and without backward."""
    parts = {name: getattr(model, name) for name in ("params", "forward", "backward")}
    return {f"without {missing}": SimpleNamespace(**{name: part for name, part in parts.items() if name != missing})
            for missing in parts}


def fit_call():
    model, X, target, _ = rnn_after_a_call()
    good = {"model": model, "X": X, "target": target, "optimizer": optim.Adam(model.params), "loss_fn": losses.mse_loss,
            "epochs": 2, "batch_size": 2, "clip_norm": 1.0, "seed": 0, "verbose": False, "schedule": lambda epoch: 0.01,
            "on_epoch": lambda epoch, history: False}
    good["history"] = training.fit(**good)
    return training.fit, {**good, "mask": MASK.copy()}


def train_call():
    _, good = fit_call()
    X, target = good.pop("X"), good.pop("target")
    del good["batch_size"], good["seed"], good["mask"]
    return training.train, {**good, "batches": lambda epoch: [training.Batch(X, target)]}


def fit_stream_call():
    _, good = fit_call()
    del good["batch_size"], good["seed"]
    return training.fit_stream, {**good, "window": 3}


def set_params_call():
    model, *_ = rnn_after_a_call()
    return model.set_params, {"values": {"W_hh": np.ones((5, 5)), "b_h": np.ones(5)}}


def gradcheck_call(function, **settings):
    def call():
        model, X, target, state = rnn_after_a_call()
        states = {"state": state} if "state" in inspect.signature(function).parameters else {}
        return function, {"model": model, "X": X, "loss_fn": lambda Y: losses.mse_loss(Y, target), **states, **settings}
    return call


def example_parts():
    model, X, target, state = rnn_after_a_call()
    return {"params": {name: param.copy() for name, param in model.params.items()}, "X": X, "target": target,
            "state": state}


def example_call(method, **good):
    def call():
        example = nudge.Example(**example_parts())
        return getattr(example, method), {name: value.copy() if isinstance(value, np.ndarray) else value
                                          for name, value in good.items()}
    return call


def initialization_call(function, Model=RNN, **settings):
    return lambda: (function, {"model": Model(2, 3, 1), **settings})


def recurrent_model(good):
    """A model with a W_hh."""
    return {"None": None, "a class": RNN, "its params": good.params, "an MLP": MLP(2, (3,), 1),
            "W_hh that is not square": SimpleNamespace(params={"W_hh": np.ones((4, 3))}),
            "W_hh of another rank": SimpleNamespace(params={"W_hh": np.ones(3)})}


def gated_model(good):
    """A model with gates."""
    return {"None": None, "a class": LSTM, "its params": good.params, "an MLP": MLP(2, (3,), 1), "an RNN": RNN(2, 3, 1)}


def model_of_torch(good):
    """An RNN, LSTM or GRU."""
    return {"None": None, "a class": RNN, "its params": good.params, "an MLP": MLP(2, (3,), 1), "a text": "RNN"}


def kind_of_torch(good):
    """RNN, LSTM or GRU, or its name."""
    return {"None": None, "another name": "rnn", "another class": MLP, "a model": RNN(2, 3, 1), "a number": 3}


def torch_state(good):
    """A dict of arrays under PyTorch's names."""
    name = "weight_hh_l0"
    return {"None": None, "a list": list(good), "an array": good[name], "empty": {},
            "one missing": {n: p for n, p in good.items() if n != name},
            "one too many": {**good, "weight_hh_l1": good[name]},
            **{f"{which} {label}": {**good, which: bad} for which in good for label, bad in
               array(*range(1 if which == "weight_ih_l0" else good[which].ndim))(good[which]).items()}}


def rnn_weights(good):
    """The five weights of an RNN."""
    name = "W_hh"
    return {**arrays_by_name(good), "one missing": {n: p for n, p in good.items() if n != name},
            "one too many": {**good, "W_zz": good[name]}, "another size": {**good, name: good[name][:-1]},
            "without W_xh": {n: p for n, p in good.items() if n != "W_xh"},
            "NaN inside": {**good, name: np.full_like(good[name], np.nan)}}


def nudges(good):
    """A dict from (name, step) to an array of the quantity's shape."""
    (key, value), *_ = good.items()
    return {"None": None, "a list": [1], "an array": value, "an unknown name": {("W", 1): value},
            "a step too late": {("h", 9): value}, "a step too early": {("z", 0): value}, "no step": {"h": value},
            "a name that is no text": {(1, 1): value}, "another shape": {key: value[:1]}, "NaN": {key: value * np.nan}}


def steps(good):
    """A step, or several."""
    return {**without(whole(1, 4)(good), "a list", "an array"), "none": [], "one too late": (1, 5),
            "a text inside": ("1",)}


def saved(method, make):
    def call():
        model = make()
        return Bound(getattr(model, method), model), {"path": SAVED[0]}
    return call


SAVED = ["model.npz"]  # the path that save and load are given: see the fixture below


def plain(function, **good):
    return lambda: (function, {name: value.copy() if isinstance(value, np.ndarray) else value
                               for name, value in good.items()})


def parameters(**shapes):
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


PARAMS = parameters(W=(2, 3), b=(2,))
LOGITS = np.random.default_rng(0).normal(size=(4, 3, 2))
LABELS = np.random.default_rng(1).integers(2, size=(4, 3))
MASK = np.arange(12).reshape(4, 3) < 11
SEED = whole(0)

# --- the table: function -> (how to call it well, the kind of each argument) ------------------------------------------

TRAINING = {
    "model": lambda good: {
        "None": None, "a class": RNN, "its params": good.params, "a text": "RNN", **with_a_part_missing(good)},
    "optimizer": lambda good: {
        "None": None, "a text": "Adam", "a class": optim.Adam, "another model's": optim.Adam(RNN(2, 5, 2).params),
        "without step": SimpleNamespace(params=good.params)},
    "loss_fn": function, "epochs": whole(1), "clip_norm": optional(number(above=0)), "on_epoch": optional(function),
    "schedule": optional(function),
    "history": lambda good: {"a list": [0.1], "a text": "history", "a number": 3},
}
RNN_SIZES = {"input_size": whole(1), "hidden_size": whole(1), "output_size": whole(1), "seed": SEED, "dtype": dtype}
TABLE = {
    "RNN": (plain(RNN, input_size=2, hidden_size=3, output_size=1, seed=0, dtype="float64"), RNN_SIZES),
    "RNN.forward": (rnn_forward, {"X": array(2), "state": optional(array(0, 1))}),
    "RNN.last_state": (lambda: (rnn_after_a_call()[0].last_state, {"mask": MASK}), {"mask": mask}),
    "RNN.backward": (rnn_backward, {"dY": array(0, 1, 2)}),
    "RNN.save": (saved("save", lambda: RNN(1, 2, 1)), {"path": path}),
    "RNN.load": (saved("load", lambda: RNN(1, 2, 1)), {"path": path}),
    "MinGRU": (
        plain(MinGRU, input_size=2, hidden_size=3, output_size=1, seed=0, dtype="float64", lowest=-1.0),
        {**RNN_SIZES, "lowest": number(minimum=-1, below=1)}),
    "MinGRU.forward": (gated_call(MinGRU, "forward"), {"X": array(2), "state": optional(array(0, 1))}),
    "MinGRU.backward": (gated_call(MinGRU, "backward"), {"dY": array(0, 1, 2)}),
    "MinGRU.save": (saved("save", lambda: MinGRU(1, 2, 1)), {"path": path}),
    "MinGRU.load": (saved("load", lambda: MinGRU(1, 2, 1)), {"path": path}),
    "MLP": (
        plain(MLP, input_size=2, hidden_sizes=(3,), output_size=1, activation="tanh", seed=0, dtype="float64"),
        {"input_size": whole(1), "output_size": whole(1), "activation": choice, "seed": SEED, "dtype": dtype,
         "hidden_sizes": lambda good: {
             "None": None, "a number": 3, "a text": "33", "zero inside": (0,), "a fraction inside": (3, 2.5),
             "a bool inside": (True,), "a text inside": ("3",)}}),
    "MLP.forward": (mlp_forward, {"X": lambda good: without(array(1)(good), "a dimension more")}),
    "MLP.backward": (mlp_backward, {"dY": array(0, 1)}),
    "MLP.save": (saved("save", lambda: MLP(1, (2,), 1)), {"path": path}),
    "MLP.load": (saved("load", lambda: MLP(1, (2,), 1)), {"path": path}),
    "bugs.BuggyRNN": (
        plain(BuggyRNN, bug="scale", input_size=2, hidden_size=3, output_size=1, seed=0, dtype="float64"),
        {"bug": choice, **RNN_SIZES}),
    "bugs.BuggyLSTM": (
        plain(BuggyLSTM, bug="scale", input_size=2, hidden_size=3, output_size=1, seed=0, dtype="float64"),
        {"bug": choice, **RNN_SIZES}),
    "losses.mse_loss": (
        plain(losses.mse_loss, Y=LOGITS, target=LOGITS, mask=MASK),
        {"Y": array(real=False, rank=False), "target": array(0, 1, 2, real=False), "mask": optional(mask)}),
    "losses.softmax": (plain(losses.softmax, logits=LOGITS), {"logits": array(real=False, rank=False)}),
    "losses.cross_entropy_loss": (
        plain(losses.cross_entropy_loss, logits=LOGITS, labels=LABELS, mask=MASK),
        {"logits": array(real=False, rank=False), "labels": labels(2, 0, 1),
         "mask": optional(mask)}),
    "losses.softmax_mse_loss": (
        plain(losses.softmax_mse_loss, logits=LOGITS, one_hot=np.eye(2)[LABELS], mask=MASK),
        {"logits": array(real=False, rank=False), "one_hot": array(0, 1, 2, real=False), "mask": optional(mask)}),
    "losses.last_step": (plain(losses.last_step, loss_fn=losses.mse_loss), {"loss_fn": function}),
    "optim.SGD": (
        plain(optim.SGD, params=PARAMS, lr=0.1, momentum=0.9),
        {"params": arrays_by_name, "lr": number(above=0), "momentum": number(minimum=0, below=1)}),
    "optim.SGD.step": (step(lambda params: optim.SGD(params, 0.1, momentum=0.9)), {"grads": gradients_by_name}),
    "optim.Adam": (
        plain(optim.Adam, params=PARAMS, lr=0.1, betas=(0.9, 0.99), eps=1e-8),
        {"params": arrays_by_name, "lr": number(above=0), "eps": number(above=0),
         "betas": lambda good: {
             "None": None, "a number": 0.9, "one": (0.9,), "three": [0.9, 0.9, 0.9], "a text": "ab", "1": (0.9, 1.0),
             "negative": (-0.1, 0.9), "NaN": (0.9, np.nan), "a bool": (True, 0.9), "a text inside": ("0.9", 0.9)}}),
    "optim.Adam.step": (step(optim.Adam), {"grads": gradients_by_name}),
    "optim.clip_grad_norm": (
        plain(optim.clip_grad_norm, grads=PARAMS, max_norm=0.1),
        {"grads": gradients_of_any_shape, "max_norm": number(above=0)}),
    "optim.grad_norm": (plain(optim.grad_norm, grads=PARAMS), {"grads": gradients_of_any_shape}),
    "training.fit": (
        fit_call,
        {**TRAINING, "X": lambda good: without(array()(good), "a dimension less"),
         "target": lambda good: without(array(1, real=False)(good), "a dimension less"),
         "mask": lambda good: {**optional(mask)(good), "a sequence that is all padding": good & [True, True, False]},
         "batch_size": optional(whole(1, 3)), "seed": SEED}),
    "training.train": (train_call, {**TRAINING, "batches": function}),
    "training.fit_stream": (
        fit_stream_call,
        {**TRAINING, "X": array(), "target": lambda good: without(array(0, 1, real=False)(good), "a dimension less"),
         "mask": lambda good: {**optional(mask)(good), "a window that is all padding": good & np.eye(4, 1, dtype=bool)},
         "window": whole(1, 4)}),
    "training.Batch": (plain(training.Batch, X=LOGITS, target=LOGITS, weight=1, state=None), {}),
    "RNN.set_params": (set_params_call, {"values": lambda good: {
        "None": None, "a list": [1.0], "an unknown name": {"Wxh": np.ones((5, 2))},
        "another shape": {"b_h": np.ones(4)},
        "one right, one wrong": {"b_h": np.ones(5), "b_y": np.full(2, np.nan)}, "complex": {"b_h": np.ones(5) * 1j}}}),
    "generate.generate": (
        plain(generate, model=RNN(1, 2, 2), warm_up=np.ones((3, 2, 1)), n_steps=3, next_input=lambda y: y[..., :1]),
        {"model": lambda good: {"None": None, "a text": "RNN"}, "warm_up": array(2, real=False), "n_steps": whole(1),
         "next_input": function}),
    "activations.sigmoid": (plain(activations.sigmoid, z=LOGITS), {}),
    "ground.seeds.generator": (plain(seeds.generator, seed=0, use="weights", number=1), {"seed": SEED}),
    "initialization.uniform": (plain(initialization.uniform, shape=(2, 3), rng=np.random.default_rng(0), fan_in=3), {}),
    "initialization.order_one": (plain(initialization.order_one, shape=(2, 3), rng=np.random.default_rng(0)), {}),
    "initialization.orthogonal": (
        initialization_call(initialization.orthogonal, gain=1.5, seed=0),
        {"model": recurrent_model, "gain": number(above=0), "seed": SEED}),
    "initialization.identity": (
        initialization_call(initialization.identity, scale=0.9), {"model": recurrent_model, "scale": number(above=0)}),
    "initialization.spectral_radius": (
        initialization_call(initialization.spectral_radius, radius=1.2),
        {"model": recurrent_model, "radius": number(above=0)}),
    "initialization.chrono": (
        initialization_call(initialization.chrono, LSTM, max_lag=20, seed=0),
        {"model": gated_model, "max_lag": whole(2), "seed": SEED}),
    "initialization.forget_bias": (
        initialization_call(initialization.forget_bias, GRU, value=1.0), {"model": gated_model, "value": number()}),
    "data.sine_wave": (
        plain(data.sine_wave, n_points=50, points_per_period=10, noise=0.1, seed=0),
        {"n_points": whole(1), "points_per_period": number(above=0), "noise": number(minimum=0), "seed": SEED}),
    "data.logistic_map": (
        plain(data.logistic_map, n_points=20, start=0.3, r=3.9),
        {"n_points": whole(1), "start": number(above=0, below=1),
         "r": with_limits(lambda good: number(above=0)(good) | {"above 4": 4.0001}, 1e-9, 4)}),
    "data.windows": (
        plain(data.windows, series=np.arange(10.0), length=4, stride=2),
        {"series": lambda good: {**array(real=False)(good), "too short for one window": good[:1]},
         "length": whole(1, 9), "stride": whole(1)}),
    "data.streams": (
        plain(data.streams, series=np.arange(10.0), n_streams=3),
        {"series": lambda good: without(array(real=False)(good), "a dimension more"), "n_streams": whole(1, 10)}),
    "data.pad": (
        plain(data.pad, sequences=[np.ones((3, 2)), np.ones((1, 2))]),
        {"sequences": lambda good: {
            "None": None, "an array": np.ones((4, 3, 2)), "a dict": {"a": good[0]}, "none": [], "a text": "ab",
            "a text inside": [good[0], "ab"]}}),
    "data.one_hot": (
        plain(data.one_hot, labels=LABELS, n_classes=2),
        {"labels": labels(2), "n_classes": lambda good: whole(1)(good)}),  # of which 1 is too few for these labels
    "data.first_symbol": (
        plain(data.first_symbol, n_sequences=5, length=4, n_symbols=3, seed=0),
        {"n_sequences": whole(1), "length": whole(1), "n_symbols": whole(2), "seed": SEED}),
    "data.parity": (
        plain(data.parity, n_sequences=5, length=4, seed=0),
        {"n_sequences": whole(1), "length": whole(1), "seed": SEED}),
    "data.brackets": (
        plain(data.brackets, n_sequences=5, length=8, seed=0),
        {"n_sequences": whole(1), "length": lambda good: {**whole(6)(good), "odd": 9}, "seed": SEED}),
    "data.random_labels": (
        plain(data.random_labels, n_sequences=5, n_classes=3, seed=0),
        {"n_sequences": whole(1), "n_classes": whole(1), "seed": SEED}),
    "data.load_digits": (plain(data.load_digits, split="mixed"), {"split": choice}),
    "generate.free_run": (
        lambda: (free_run, {"model": rnn_after_a_call()[0], "warm_up": np.ones((3, 2, 2)), "n_steps": 4}),
        {"model": lambda good: {"None": None, "a text": "RNN", "a class": RNN},
         "warm_up": array(2, real=False), "n_steps": whole(1)}),
    "gradcheck.numerical_gradients": (
        gradcheck_call(gradcheck.numerical_gradients, method="complex", step=1e-30),
        {"model": lambda good: {"None": None, "a text": "RNN", "its params": good.params, **with_a_part_missing(good)},
         "X": array(2, real=False), "loss_fn": function, "method": choice, "step": optional(number(above=0)),
         "state": optional(array(0, 1, real=False))}),
    "gradcheck.check_direction": (
        gradcheck_call(gradcheck.check_direction, seed=0),
        {"model": lambda good: {"None": None, "a text": "RNN", "its params": good.params, **with_a_part_missing(good)},
         "X": array(2, real=False), "loss_fn": function, "seed": SEED}),
    "gradcheck.check_gradients": (
        gradcheck_call(gradcheck.check_gradients, method="central", tolerance=1e-6, seed=0),
        {"model": lambda good: {"None": None, "a text": "RNN", "its params": good.params, **with_a_part_missing(good)},
         "X": array(2, real=False), "loss_fn": function, "method": choice, "tolerance": optional(number(above=0)),
         "seed": SEED}),
}

SYMBOLS = LABELS[:, 0]  # 0s and 1s, (4,)
TABLE |= {
    "data.Vocabulary": (plain(data.Vocabulary, text="banana"), {"text": text}),
    "data.Vocabulary.encode": (
        lambda: (data.Vocabulary("banana").encode, {"text": "nab"}),
        {"text": lambda good: {**text(good), "unknown symbol": "x"}}),
    "data.Vocabulary.decode": (
        lambda: (data.Vocabulary("ba").decode, {"numbers": SYMBOLS.copy()}),
        {"numbers": lambda good: without(labels(2)(good), "a dimension less") | {"two rows": good.reshape(2, 2)}}),
    "ngram.ngram_losses": (
        plain(ngram.ngram_losses, train=SYMBOLS, test=SYMBOLS, n=2, n_symbols=2),
        {"train": lambda good: labels(2)(good) | {"two rows": good.reshape(2, 2)},
         "test": lambda good: labels(2)(good) | {"two rows": good.reshape(2, 2)}, "n": whole(0, 4),
         "n_symbols": whole(2)}),
    "generate.sample": (
        plain(sample, model=RNN(2, 3, 2), warm_up=LABELS, n_steps=3, temperature=0.5, top_k=2, seed=0,
              on_step=lambda symbols: None),
        {"model": lambda good: {"None": None, "a text": "RNN", "a class": RNN}, "n_steps": whole(1),
         "warm_up": lambda good: labels(2)(good) | {"one row": good[0]}, "temperature": number(minimum=0),
         "top_k": optional(whole(1, 2)), "seed": SEED, "on_step": optional(function)}),
    "interop.to_torch_state": (lambda: (to_torch_state, {"model": RNN(2, 3, 1)}), {"model": model_of_torch}),
    "interop.from_torch_state": (
        lambda: (from_torch_state, {"kind": "RNN", "state_dict": to_torch_state(RNN(2, 3, 1))}),
        {"kind": kind_of_torch, "state_dict": torch_state}),
    "saliency.saliency": (
        plain(saliency, model=RNN(2, 3, 2), X=LOGITS[:, :1], outputs=SYMBOLS, steps=np.arange(len(SYMBOLS))),
        {"model": lambda good: {"None": None, "a text": "RNN", "a class": RNN}, "X": array(1, 2, real=False),
         "outputs": lambda good: without(labels(2, 0)(good), "a dimension less"),
         "steps": optional(labels(len(SYMBOLS)))}),
}

HIDDEN = np.ones((3, 5))  # a hidden state of example_parts
TABLE |= {
    "nudge.Example": (
        lambda: (nudge.Example, example_parts()),
        {"params": rnn_weights, "X": array(2), "target": array(0, 1, 2), "state": optional(array(0, 1))}),
    "nudge.Example.forward": (example_call("forward", nudges={("h", 2): HIDDEN}), {"nudges": nudges}),
    "nudge.Example.loss": (example_call("loss", nudges={("h", 2): HIDDEN}), {"nudges": nudges}),
    "nudge.Example.slope": (example_call("slope", name="z", steps=2), {"name": choice, "steps": steps}),
    "nudge.Example.agrees": (
        example_call("agrees", claim=HIDDEN, name="z", steps=2),
        {"claim": array(0, 1), "name": choice, "steps": steps}),
    "nudge.Example.check": (
        example_call("check", claim=nudge.Example(**example_parts()).slope("z", 2), name="z", steps=2),
        {"claim": array(0, 1), "name": choice, "steps": steps}),
    "nudge.Example.shape": (example_call("shape", name="z"), {"name": choice}),
    "nudge.Example.list_steps": (example_call("list_steps", name="z", steps=2), {"name": choice, "steps": steps}),
}

for Model, a_state in ((LSTM, pair_of_states), (GRU, array(0, 1))):
    TABLE |= {f"{Model.__name__}{name}": row for name, row in {
        "": (plain(Model, input_size=2, hidden_size=3, output_size=1, seed=0, dtype="float64"), RNN_SIZES),
        ".forward": (gated_call(Model, "forward"), {"X": array(2), "state": optional(a_state)}),
        ".backward": (gated_call(Model, "backward"), {"dY": array(0, 1, 2)}),
        ".gate_rows": (gated_call(Model, "gate_rows"), {"name": choice}),
        ".save": (saved("save", lambda Model=Model: Model(1, 2, 1)), {"path": path}),
        ".load": (saved("load", lambda Model=Model: Model(1, 2, 1)), {"path": path}),
    }.items()}

NO_WRONG_VALUE = {
    ("training.fit", "verbose"): "anything is true or false", ("training.fit", "check"): "anything is true or false",
    ("training.train", "verbose"): "anything is true or false",
    ("training.fit_stream", "verbose"): "anything is true or false",
    ("training.fit_stream", "check"): "anything is true or false",
    **{(name, p): "for the library's own use: a wrong value fails where it is used" for name, p in [
        ("activations.sigmoid", "z"), ("ground.seeds.generator", "use"), ("ground.seeds.generator", "number"),
        ("initialization.uniform", "shape"), ("initialization.uniform", "rng"), ("initialization.uniform", "fan_in"),
        ("initialization.order_one", "shape"), ("initialization.order_one", "rng"),
        *(("training.Batch", p) for p in training.Batch._fields),
    ]},
}


# --- the tests ------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="module")
def saved_model(tmp_path_factory):
    SAVED[:] = [tmp_path_factory.mktemp("bad_input") / "model.npz"]


def snapshot(thing, seen=()):
    """Everything inside a thing, to compare: arrays as bytes, objects by what they hold."""
    if isinstance(thing, np.ndarray):
        return (thing.dtype.str, thing.shape, thing.tobytes() if thing.dtype != object else repr(thing))
    if isinstance(thing, dict):
        return {key: snapshot(value, seen) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [snapshot(value, seen) for value in thing]
    if type(thing).__module__.startswith("rnn_lib") and id(thing) not in seen:
        return {key: snapshot(value, (*seen, id(thing))) for key, value in vars(thing).items()}
    return repr(thing)


def what_came(value):
    """Words of which a message about this value has at least one."""
    words = [repr(value)[:30], str(value)[:30], type(value).__name__]
    if isinstance(value, float):
        words.append("()")  # as an array
    if isinstance(value, np.ndarray):
        words += [str(value.shape), str(value.dtype), f"got {value.size}", "nan", "inf", "False everywhere"]
        words += [f"got {value.flat[i]}" for i in range(min(2, value.size))]
    if isinstance(value, dict):
        words += [*map(str, value)]
    if isinstance(value, list | tuple):
        words += [*map(repr, value), *(word for inside in value for word in what_came(inside))]
    return words


def refuse(call, good, argument, value):
    """Fail unless this value is refused as it should be."""
    arguments = {**good, argument: value}
    before = snapshot([getattr(call, "__self__", None), arguments])
    with warnings.catch_warnings(), pytest.raises((ValueError, TypeError)) as caught:
        warnings.simplefilter("error")
        call(**arguments)
    message = str(caught.value)
    assert caught.type in (ValueError, TypeError)
    assert re.search(rf"\b{argument}\b", message.partition(" expected ")[0]), message
    assert "expected" in message and ", got " in message
    assert any(word in message for word in what_came(value)), message
    assert snapshot([getattr(call, "__self__", None), arguments]) == before


@pytest.mark.parametrize("name, argument", [(name, argument) for name, row in TABLE.items() for argument in row[1]])
def test_bad_values_are_refused_in_plain_words_and_change_nothing(name, argument):
    make, kinds = TABLE[name]
    labels = list(kinds[argument](make()[1][argument]))
    assert labels
    for label in labels:
        call, good = make()
        with noted(f"{name}: {argument}: {label}"):
            refuse(call, good, argument, kinds[argument](good[argument])[label])


@pytest.mark.parametrize("name", TABLE)
def test_the_good_values_are_accepted(name):
    call, good = TABLE[name][0]()
    if name.endswith(".load"):
        call.__self__.save(good["path"])
    call(**good)


@pytest.mark.parametrize("name, argument, limit", [
    (name, argument, limit) for name, (_, kinds) in TABLE.items() for argument, kind in kinds.items()
    for limit in getattr(kind, "limits", ())])
def test_the_limits_themselves_are_accepted(name, argument, limit):
    call, good = TABLE[name][0]()
    call(**{**good, argument: limit})


@pytest.mark.parametrize("name", TABLE)
def test_every_parameter_has_a_row(name):
    make, kinds = TABLE[name]
    call, good = make()
    parameters = [p for p in inspect.signature(call).parameters if (name, p) not in NO_WRONG_VALUE]
    assert sorted(parameters) == sorted(kinds)
    assert set(kinds) <= set(good)


# What is not meant for callers outside, or takes nothing that could be wrong.
NOT_PUBLIC = {"History": "a result, made by fit", "GradientReport": "a result, made by check_gradients",
              "Direction": "a result, made by check_direction"}
# The methods that a caller uses; a model's others are for the classes derived from it.
METHODS = {
    "forward", "backward", "last_state", "set_params", "save", "load", "step", "encode", "decode",
    "gate_rows", "loss", "slope", "agrees", "check", "shape", "list_steps",
}
SAME_AS_RNNS = {"MLP.set_params", "LSTM.set_params", "GRU.set_params", "LSTM.last_state", "GRU.last_state",
                "MinGRU.set_params", "MinGRU.last_state"}
WITHOUT_ARGUMENTS = {"data.load_co2", "data.load_course_text", "data.tiny_example"}
MODULES_WITHOUT_ROWS = {
    "ground": "the checks themselves (test_validation.py), verdicts, threads; random streams have a row",
    "bugs": "wrong backward passes, on purpose: only BuggyRNN and BuggyLSTM have rows",
    "model": "reached through RNN and MLP", "recurrent": "reached through RNN, LSTM, GRU and MinGRU",
    "race": "runs of notebook 12, whose settings are checked as a panel's are",
    "plots": "figures", "playgrounds": "panels", "exercises": "checks of a learner's answer, which may be anything",
    "grade": "a command",
    "datasets": "files", "rnn": "in __all__", "mlp": "in __all__",
    "lstm": "in __all__", "gru": "in __all__", "mingru": "in __all__",
}


def public_names():
    """Every public function, class and method that takes an argument."""
    modules = {m.name for m in pkgutil.iter_modules(rnn_lib.__path__)} - set(MODULES_WITHOUT_ROWS)
    things = [(name, getattr(rnn_lib, name)) for name in rnn_lib.__all__]
    for module_name in sorted(modules):
        module = importlib.import_module(f"rnn_lib.{module_name}")
        names = [name for name in module.__all__ if name not in NOT_PUBLIC]
        things += [(f"{module_name}.{name}", getattr(module, name)) for name in names]
    for name, thing in things:
        yield name
        if inspect.isclass(thing):
            yield from (f"{name}.{method}" for method in METHODS if hasattr(thing, method))


def test_every_public_function_has_a_row():
    assert set(public_names()) - WITHOUT_ARGUMENTS - SAME_AS_RNNS - set(TABLE) == set()


def test_every_row_is_of_a_function_that_exists():
    assert set(TABLE) - {"bugs.BuggyLSTM", "bugs.BuggyRNN", "ground.seeds.generator"} <= set(public_names())


# --- mistakes that take two arguments -------------------------------------------------------------------------------


def test_a_target_of_another_length_of_time():
    call, good = fit_call()
    with pytest.raises(ValueError, match=r"target: expected shape \(4, 3, 2\), got \(3, 3, 2\)"):
        call(**{**good, "target": good["target"][:3], "batch_size": None})
    with pytest.raises(ValueError, match="target: expected one target for each of the 3 sequences in X, got shape "):
        call(**{**good, "target": good["target"][:2]})


def test_training_data_that_do_not_fit_the_model():
    call, good = fit_call()
    before = snapshot(good["model"])
    with pytest.raises(ValueError, match=r"X: expected shape \(T, B, 2\), got \(4, 3, 1\)"):
        call(**{**good, "X": good["X"][..., :1], "batch_size": None})
    assert snapshot(good["model"]) == before


def test_a_state_of_another_batch():
    model, X, _, state = rnn_after_a_call()
    with pytest.raises(ValueError, match=r"state: expected shape \(2, 5\), got \(3, 5\)"):
        model.forward(X[:, :2], state)


FLAT, DEEP, LONG = np.ones(3), np.ones((2, 2, 2, 2)), np.zeros(40, int)


def stream_call():
    _, good = fit_call()
    return good["model"], FLAT, FLAT, good["optimizer"]


@pytest.mark.parametrize("call, expected", [
    (lambda: RNN(5, 2, 1).forward(FLAT), "X: expected shape (T, B, 5), got (3,)"),
    (lambda: RNN(5, 2, 1).forward(np.ones((2, 3, 5)), FLAT), "state: expected shape (3, 2), got (3,)"),
    (lambda: MLP(5, (2,), 1).forward(DEEP), "X: expected shape (T, B, 5), got (2, 2, 2, 2)"),
    (lambda: MLP(5, (2,), 1).forward(np.ones((3, 4))), "X: expected shape (B, 5), got (3, 4)"),
    (lambda: training.fit(**{**fit_call()[1], "X": DEEP}), "X: expected shape (T, B, I), got (2, 2, 2, 2)"),
    (lambda: training.fit_stream(*stream_call(), window=1), "X: expected shape (T, B, I), got (3,)"),
    (lambda: training.fit(**{**fit_call()[1], "X": np.ones((0, 2))}),
     "X: expected shape (B, I), got (0, 2), which is empty"),
    (lambda: losses.last_step(losses.mse_loss)(FLAT, FLAT), "Y: expected shape (T, B, C), got (3,)"),
    (lambda: losses.softmax(1.0), "logits: expected shape (..., C), got ()"),
    (lambda: losses.cross_entropy_loss(DEEP, FLAT), "logits: expected shape (T, B, C), got (2, 2, 2, 2)"),
    (lambda: losses.cross_entropy_loss(np.ones((0, 2)), FLAT),
     "logits: expected shape (B, C), got (0, 2), which is empty"),
    (lambda: data.windows(DEEP, 1), "series: expected shape (N,), got (2, 2, 2, 2)"),
    (lambda: free_run(RNN(2, 3, 2), FLAT, 1), "warm_up: expected shape (T, B, 2), got (3,)"),
    (lambda: sample(RNN(2, 3, 2), FLAT, 1), "warm_up: expected shape (T, B), got (3,)"),
    (lambda: data.streams(1.0, 1), "series: expected shape (N, ...), got ()"),
    (lambda: data.Vocabulary("ab").decode(DEEP), "numbers: expected shape (N,), got (2, 2, 2, 2)"),
    (lambda: ngram.ngram_losses(DEEP, [1], 1, 3), "train: expected shape (M,), got (2, 2, 2, 2)"),
    (lambda: ngram.ngram_losses([1], DEEP, 1, 3), "test: expected shape (N,), got (2, 2, 2, 2)"),
    (lambda: ngram.ngram_losses(LONG, LONG, 32, 4), "n: expected a whole number from 0 to 31, got 32"),
    (lambda: RNN(2, 3, 2).set_params({"W": FLAT, "b_h": FLAT, "b": FLAT}),
     "values: expected names among W_xh, W_hh, b_h, W_hy, b_y, got W, b"),
    (lambda: saliency(RNN(2, 3, 2), FLAT, [0]), "X: expected shape (T, 1, 2), got (3,)"),
    (lambda: nudge.Example({**RNN(2, 3, 2).params, "W_hy": FLAT}, DEEP, DEEP),
     "params['W_hy']: expected shape (out, in), got (3,)"),
    (lambda: nudge.Example(RNN(2, 3, 2).params, FLAT, DEEP), "X: expected shape (T, B, 2), got (3,)"),
    (lambda: from_torch_state("RNN", {**to_torch_state(RNN(2, 3, 2)), "weight_hh_l0": FLAT}),
     "state_dict['weight_hh_l0']: expected shape (out, in), got (3,)"),
])
def test_the_shape_that_was_expected_is_spelt_out(call, expected):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == expected


READERS = "forward", "input_size", "output_size"
TRAINED = "params", "forward", "backward"


@pytest.mark.parametrize("call, needed", [
    (lambda model: generate(model, np.ones((1, 1, 2)), 1, np.copy), READERS),
    (lambda model: free_run(model, np.ones((1, 1, 2)), 1), READERS), (lambda model: sample(model, [[0]], 1), READERS),
    (lambda model: saliency(model, np.ones((1, 1, 2)), [0]), ("forward", "backward", "input_gradient", *READERS[1:])),
    (lambda model: training.fit(model, FLAT, FLAT, fit_call()[1]["optimizer"]), TRAINED),
    (lambda model: gradcheck.check_gradients(model, DEEP, losses.mse_loss), TRAINED),
    (initialization.identity, ["params"]),
])
def test_a_model_that_lacks_one_thing(call, needed):
    for missing in needed:
        with pytest.raises(TypeError, match=f"^model: expected an object with {', '.join(needed)}, got SimpleN"):
            call(SimpleNamespace(**{name: 2 for name in needed if name != missing}))


@pytest.mark.parametrize("call, error, message", [
    (lambda: initialization.identity(SimpleNamespace(params={})), TypeError,
     "model.params: expected a dict of arrays, such as model.params, got dict {}"),
    (lambda: training.fit(SimpleNamespace(params={}, forward=print, backward=print), FLAT, FLAT,
                          fit_call()[1]["optimizer"]), TypeError,
     "model.params: expected a dict of arrays, such as model.params, got dict {}"),
    (lambda: from_torch_state("RNN", {}), ValueError, "state_dict: expected the names weight_ih_l0, weight_hh_l0, "
     "bias_ih_l0, bias_hh_l0, weight, bias, got none"),
    (lambda: from_torch_state("RNN", {"weight": FLAT, "bias": FLAT}), ValueError, "state_dict: expected the names "
     "weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, weight, bias, got weight, bias"),
    (lambda: rnn_lib.rnns, AttributeError, "module rnn_lib has no attribute 'rnns'"),
])
def test_the_words_of_some_other_refusals(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_every_module_can_be_asked_for():
    assert dir(rnn_lib) == sorted({*vars(rnn_lib), *rnn_lib.MODULES})
    for name in rnn_lib.MODULES:
        assert rnn_lib.__getattr__(name) is importlib.import_module(f"rnn_lib.{name}")


def test_a_forecast_by_a_model_whose_outputs_cannot_be_inputs():
    with pytest.raises(ValueError, match="^model: expected outputs .* got input size 2 and output size 1"):
        free_run(RNN(2, 3, 1), np.ones((3, 1, 2)), 4)


def test_numbers_too_large_for_float32():
    model = RNN(1, 2, 1, dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"X: expected finite numbers, got inf at index \(0, 0, 0\)"):
            model.forward(np.full((1, 1, 1), 1e300))
