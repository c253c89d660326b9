"""Optimisers and clipping: each step computed here again, from the formula, one number at a time."""

import math

import numpy as np
import pytest

from rnn_lib.optim import SGD, Adam, clip_grad_norm, grad_norm


def numbers(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {"W": rng.normal(size=(2, 3)).astype(dtype), "b": rng.normal(size=3).astype(dtype)}


def copies(arrays):
    return {name: array.copy() for name, array in arrays.items()}


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_sgd_is_its_formula(momentum):
    params, expected = numbers(), numbers()
    velocity = {name: np.zeros_like(p) for name, p in params.items()}
    optimizer = SGD(params, lr=0.1, momentum=momentum)
    for step in range(4):
        grads = numbers(step + 1)
        optimizer.step(grads)
        for name, p in expected.items():
            velocity[name] = momentum * velocity[name] + grads[name]
            p -= 0.1 * velocity[name]
            np.testing.assert_allclose(params[name], p, rtol=1e-14)


def test_adam_is_its_formula():
    lr, beta_1, beta_2, eps = 0.02, 0.8, 0.95, 1e-4
    params, expected = {"w": np.array([0.5])}, 0.5
    optimizer = Adam(params, lr=lr, betas=(beta_1, beta_2), eps=eps)
    m = v = 0.0
    for t, g in enumerate([0.3, -2.0, 1e-3, 0.0, 5.0], start=1):
        optimizer.step({"w": np.array([g])})
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        expected -= lr * (m / (1 - beta_1**t)) / (math.sqrt(v / (1 - beta_2**t)) + eps)
        assert params["w"][0] == pytest.approx(expected, rel=1e-12)


def test_adams_defaults_are_the_papers():
    optimizer = Adam(numbers())
    assert (optimizer.lr, optimizer.betas, optimizer.eps) == (0.001, (0.9, 0.999), 1e-8)
    assert SGD(numbers(), lr=1).momentum == 0


def test_adams_first_step_is_lr_whatever_the_gradients_size():
    for size in (1e-3, 1.0, 1e3):
        params = {"w": np.array([1.0, 1.0])}
        Adam(params, lr=0.1).step({"w": np.array([size, -size])})
        np.testing.assert_allclose(params["w"], [0.9, 1.1], rtol=1e-5)


@pytest.mark.parametrize("make", [
    lambda p: SGD(p, lr=0.1), lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Adam(p, lr=0.1)])
def test_a_step_works_in_place_keeps_the_dtype_and_leaves_the_gradients_alone(make):
    params = numbers(dtype=np.float32)
    arrays = dict(params)
    optimizer = make(params)
    for step in (1, 2, 3):
        grads = numbers(step, dtype=np.float32)
        before, old = copies(grads), copies(params)
        optimizer.step(grads)
        for name in params:
            assert params[name] is arrays[name]
            assert params[name].dtype == np.float32
            assert (params[name] != old[name]).all()
            np.testing.assert_array_equal(grads[name], before[name])


def test_clipping_scales_all_gradients_by_one_factor_in_place():
    grads = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    arrays = dict(grads)
    assert grad_norm(grads) == 5
    assert clip_grad_norm(grads, 1.0) == 5
    np.testing.assert_allclose(arrays["a"], [0.6, 0])
    np.testing.assert_allclose(arrays["b"], [[0.8]])
    assert grad_norm(grads) == pytest.approx(1, rel=1e-15)


@pytest.mark.parametrize("max_norm", [5.0, 5.1, 1e6])
def test_short_gradients_are_not_touched(max_norm):
    grads = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    assert clip_grad_norm(grads, max_norm) == 5
    np.testing.assert_array_equal(grads["a"], [3, 0])
    np.testing.assert_array_equal(grads["b"], [[4]])


@pytest.mark.parametrize("size, dtype", [
    (1e25, np.float32), (1e-25, np.float32), (1e200, np.float64), (1e-200, np.float64), (1e15, np.float64),
    (1e-15, np.float64)])
def test_the_norm_of_huge_and_tiny_gradients(size, dtype):
    grads = {"a": np.array([3, 0], dtype) * dtype(size), "b": np.array([[-4]], dtype) * dtype(size)}
    assert grad_norm(grads) == pytest.approx(5 * size, rel=1e-6)
    clip_grad_norm(grads, size)
    np.testing.assert_allclose(grads["a"] / dtype(size), [0.6, 0], rtol=1e-6)
    np.testing.assert_allclose(grads["b"] / dtype(size), [[-0.8]], rtol=1e-6)


def test_the_norm_of_nothing_but_zeros():
    grads = {"a": np.zeros(2), "b": np.zeros((1, 1))}
    assert grad_norm(grads) == 0
    assert clip_grad_norm(grads, 1.0) == 0
    assert not grads["a"].any()


@pytest.mark.parametrize("dtype, large", [(np.float32, 1e20), (np.float64, 1e160)])
def test_adam_survives_gradients_whose_square_overflows_as_pytorchs_does(dtype, large):
    params = {"w": np.zeros(1, dtype)}
    optimizer = Adam(params, lr=0.01)
    path = []
    with np.errstate(over="ignore"):
        for g in (large, large, 1, 1):
            optimizer.step({"w": np.full(1, g, dtype)})
            path.append(float(params["w"][0]))
    expected = [-0.01, -0.02, -0.0277, -0.0341] if dtype == np.float32 else [0, 0, 0, 0]  # (0.001 g) g overflows there
    assert path == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_learning_rate_set_later_is_checked(optimizer):
    opt = optimizer(numbers(), lr=0.1)
    opt.lr = 0.05
    for bad in (0, -1, np.nan, "0.1", None):
        with pytest.raises((ValueError, TypeError), match="^lr: expected"):
            opt.lr = bad
    assert opt.lr == 0.05


def test_reset_makes_an_optimiser_new():
    for make in (lambda p: SGD(p, 0.1, momentum=0.9), Adam):
        used, new = numbers(), numbers()
        optimizer = make(used)
        optimizer.step(numbers(1))
        optimizer.reset()
        for name in used:
            used[name][...] = new[name]
        optimizer.step(numbers(2))
        make(new).step(numbers(2))
        assert all((used[name] == new[name]).all() for name in used)


def test_repr_is_the_constructor_call():
    assert repr(SGD(numbers(), 0.1)) == "SGD(lr=0.1, momentum=0)"
    assert repr(Adam(numbers())) == "Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08)"


def test_momentum_and_betas_may_come_otherwise():
    params = {"W": np.ones(2)}
    sgd = SGD(params, 0.5)
    sgd.step({"W": np.ones(2)})
    sgd.momentum = 0.5  # its velocity begins here
    for expected in (0.0, -0.75):
        sgd.step({"W": np.ones(2)})
        assert params["W"] == pytest.approx(expected)
    assert repr(Adam(params, betas=[0.5, 0.9])) == repr(Adam(params, betas=(0.5, 0.9)))
