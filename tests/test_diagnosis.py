"""The engine of the diagnosis knows no network by name: here it examines a feed-forward network made for this test."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from rnn_lib.bugs import BUGS, KINDS, BuggyRNN
from rnn_lib.bugs.patient import Bugs
from rnn_lib.bugs.subject import Problem, Subject
from rnn_lib.exercises.diagnosis import diagnose
from rnn_lib.exercises.verdict import returns_report
from rnn_lib.initialization import order_one

TOY_BUGS = Bugs()


def layers(params, X, A, dY, slope=lambda A: A * (1 - A), turn=lambda W: W):
    """y = W_2 a + b_2 with a = sigmoid(W_1 x + b_1), backwards; its two places for a mistake are arguments."""
    dZ = (dY @ turn(params["W_2"])) * slope(A)
    return {"W_1": dZ.T @ X, "b_1": dZ.sum(axis=0), "W_2": dY.T @ A, "b_2": dY.sum(axis=0)}


@TOY_BUGS.patient("slope_of_tanh")
def slope_of_tanh(params, X, A, dY):
    """The derivative of tanh stands where the sigmoid's belongs."""
    return layers(params, X, A, dY, slope=lambda A: 1 - A**2)


@TOY_BUGS.patient("slope_missing")
def slope_missing(params, X, A, dY):
    """The sigmoid's derivative is missing."""
    return layers(params, X, A, dY, slope=np.ones_like)


TOY_KINDS = {
    "slope_of_tanh": "The derivative of tanh.", "slope_missing": "No derivative at all.", "scale": "Wrong length.",
    "gradient_transposed": "It lies on its side.", "bias_missing": "A bias gets nothing.", "clipped": "Clipped.",
    "stale_cache": "Something old.", "weight_decay": "Something of the parameters.", "not_zeroed": "Kept.",
    "params_changed": "It writes into params.", "small_lost": "Small.", "truncated": "Cut.",
}


def toy_problem(B, I, H, O, seed, params=None):
    rng = np.random.default_rng(seed)
    shapes = {"W_1": (H, I), "b_1": (H,), "W_2": (O, H), "b_2": (O,)}
    params = params or {name: order_one(shape, rng) for name, shape in shapes.items()}
    X = rng.normal(size=(B, I))
    A = 1 / (1 + np.exp(-X @ params["W_1"].T - params["b_1"]))
    args = {"params": params, "X": X, "A": A, "dY": rng.normal(size=(B, O))}
    return Problem(args, {"X": ("B", "I"), "A": ("B", "H"), "dY": ("B", "O")}, layers)


FIRST = toy_problem(5, 4, 3, 2, seed=0)
TOY = Subject(
    first=FIRST, again=toy_problem(5, 4, 3, 2, seed=1, params=FIRST.params), others=(toy_problem(3, 2, 4, 6, seed=2),),
    bugs=TOY_BUGS, kinds=TOY_KINDS, biases=frozenset({"b_1", "b_2"}), walk=("b_1", "W_1"),
    forgotten=FIRST.with_args(A=np.full((5, 3), 0.5)),
)


def examined(backward):
    return returns_report(lambda: diagnose(TOY, backward))()


def changed(**gradients):
    def backward(*args):
        grads = layers(*args)
        return grads | {name: change(grads[name]) for name, change in gradients.items()}
    return backward


def stale(kept=[]):  # noqa: B006
    def backward(params, X, A, dY):
        kept[:] = kept if kept and kept[0].shape == A.shape else [A]
        return layers(params, X, kept[0], dY)
    return backward


def by_differences(params, X, A, dY):
    def loss(p):
        return (dY * ((1 / (1 + np.exp(-X @ p["W_1"].T - p["b_1"]))) @ p["W_2"].T + p["b_2"])).sum()

    grads = {name: np.empty_like(p) for name, p in params.items()}
    for name, p in params.items():
        for i in np.ndindex(p.shape):
            p[i] += 1e-5
            above = loss(params)
            p[i] -= 2e-5
            grads[name][i] = (above - loss(params)) / 2e-5
            p[i] += 1e-5
    return grads


@pytest.mark.parametrize(("backward", "kind", "words"), [
    (layers, "correct", "for B up to 5, at"), (slope_of_tanh, "slope_of_tanh", "It shows in: W_1, b_1."),
    (slope_missing, "slope_missing", "No derivative"), (changed(b_2=np.zeros_like), "bias_missing", "b_2"),
    (changed(b_1=lambda g: g[::-1]), "unknown", "The gradient of W_1, made of"),
    (changed(W_1=lambda g: g[::-1], b_1=lambda g: g[::-1]), "unknown", "Look at the lines that make the gradient of W"),
    (changed(W_2=lambda g: g.T), "gradient_transposed", "W_2"), (stale(), "stale_cache", "the first call's A"),
    (lambda p, X, A, dY: {k: g / len(X) for k, g in layers(p, X, A, dY).items()}, "scale", "is 1/B times"),
    (lambda p, X, A, dY: {k: g + 0.01 * p[k] for k, g in layers(p, X, A, dY).items()}, "weight_decay", "is 0.01 times"),
    (lambda p, X, A, dY: layers(p, X, A, np.clip(dY, -1, 1)), "clipped", "It shows in"),
    (by_differences, "numerical", "run"), (lambda *args: None, "not_started", "nothing yet"),
])
def test_another_network_is_diagnosed_by_the_same_engine(backward, kind, words):
    report = examined(backward)
    assert report.kind == kind and words in report.message, report


def test_fingerprints_are_made_once_and_only_when_they_are_needed():
    subject = replace(TOY)
    assert "fingerprints" not in vars(subject)
    assert diagnose(subject, layers) and "fingerprints" not in vars(subject)
    with pytest.raises(Exception, match="slope_missing"):
        diagnose(subject, slope_missing)
    assert subject.fingerprints is subject.fingerprints


@pytest.mark.parametrize("name", BUGS)
def test_patients_pickle_and_deep_copy(name):
    model = BuggyRNN(name, 2, 3, 2)
    X, dY = np.random.default_rng(0).normal(size=(2, 4, 3, 2))
    model.forward(X)
    model.backward(dY)
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    bugs = [pickle.loads(pickle.dumps(BUGS[name])), copy.deepcopy(BUGS[name])]
    model.forward(X)
    expected = model.backward(dY)
    for other in copies:  # the memory of a patient comes along, and is its own
        other.forward(X)
        grads = other.backward(dY)
        assert all(np.array_equal(grads[key], g) for key, g in expected.items())
    assert all(bug.sentence == BUGS[name].sentence and bug.kind in KINDS for bug in bugs)
