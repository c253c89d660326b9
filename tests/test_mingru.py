"""MinGRU: its equations, its gradients, and the same numbers as a PyTorch loop."""

from importlib.util import find_spec

import numpy as np
import pytest
from oracles import complex_step, gradients, order_one, worst_error

from rnn_lib import MinGRU
from rnn_lib.gradcheck import check_direction, check_gradients
from rnn_lib.losses import mse_loss
from rnn_lib.optim import Adam
from rnn_lib.training import fit, fit_stream

SIZES = [(6, 3, 2, 4, 3), (1, 1, 1, 1, 1), (1, 3, 2, 4, 3), (7, 1, 1, 2, 1), (4, 5, 1, 1, 4)]
LOWEST = [0.0, -1.0, 0.3]


def problem(T=6, B=3, I=2, H=4, O=3, seed=0, lowest=0.0, dtype=np.float64):
    """(model, X, target, state) of order one."""
    rng = np.random.default_rng(seed + 1000)
    model = order_one(MinGRU(I, H, O, dtype=dtype, lowest=lowest), seed)
    X, target, state = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O)), rng.normal(size=(B, H))
    return model, X.astype(dtype), target.astype(dtype), state.astype(dtype)


def by_the_book(params, X, h, lowest):
    """The equations, one sequence, one unit and one step at a time. Works on lists, arrays and complex numbers."""
    states, Y = [h], []
    for x in X:
        z = 1 / (1 + np.exp(-(x @ params["W_z"].T + params["b_z"])))
        c = x @ params["W_c"].T + params["b_c"]
        h = (1 - z + lowest * z) * h + z * c
        states.append(h)
        Y.append(h @ params["W_hy"].T + params["b_y"])
    return np.array(states), np.array(Y)


@pytest.mark.parametrize("lowest", LOWEST)
@pytest.mark.parametrize("T, B, I, H, O", SIZES)
def test_forward_is_the_equations(T, B, I, H, O, lowest):
    model, X, _, state = problem(T, B, I, H, O, lowest=lowest)
    hidden, Y = by_the_book(model.params, X, state, lowest)
    np.testing.assert_allclose(model.forward(X, state), Y, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(model.hidden_states, hidden, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("lowest", LOWEST)
@pytest.mark.parametrize("T, B, I, H, O", SIZES)
def test_gradients_equal_the_complex_step(T, B, I, H, O, lowest):
    model, X, target, state = problem(T, B, I, H, O, lowest=lowest)
    assert worst_error(gradients(model, X, target, state)[1], complex_step(model, X, target, state)) < 1e-13


@pytest.mark.parametrize("lowest", LOWEST)
def test_the_gradients_of_input_and_initial_state_equal_the_complex_step(lowest):
    model, X, target, state = problem(lowest=lowest)
    gradients(model, X, target, state)
    p = model.params
    for value, gradient, use in (
            (X, model.input_gradient(), lambda moved: by_the_book(p, moved, state, lowest)[1]),
            (state, model.state_gradient(), lambda moved: by_the_book(p, X, moved, lowest)[1])):
        assert gradient.shape == value.shape
        for index in np.ndindex(value.shape):
            moved = value.astype(complex)
            moved[index] += 1e-30j
            assert mse_loss(use(moved), target)[0].imag / 1e-30 == pytest.approx(gradient[index], abs=1e-13)


def test_the_judges_of_the_course_agree():
    model, X, target, _ = problem(lowest=-1)
    assert check_gradients(model, X, lambda Y: mse_loss(Y, target)).passed
    assert check_direction(model, X, lambda Y: mse_loss(Y, target)).passed


def test_a_wrong_one_is_seen():
    class Wrong(MinGRU):
        def backward(self, dY):
            grads = super().backward(dY)
            return {**grads, "W_z": 1.01 * grads["W_z"]}

    model = order_one(Wrong(2, 4, 3))
    report = check_gradients(model, np.ones((4, 2, 2)), lambda Y: mse_loss(Y, np.ones((4, 2, 3))))
    assert not report.passed and "W_z" in str(report)


@pytest.mark.parametrize("lowest", LOWEST)
def test_the_multiplier_keeps_to_its_range(lowest):
    """With a candidate of 0, h_1 / h_0 is the multiplier."""
    model = MinGRU(1, 2, 1, lowest=lowest)
    for z, multiplier in ((-50.0, 1.0), (50.0, lowest), (0.0, (1 + lowest) / 2)):
        model.set_params({"W_z": np.zeros((2, 1)), "b_z": np.full(2, z), "W_c": np.zeros((2, 1)), "b_c": np.zeros(2)})
        model.forward(np.ones((1, 1, 1)), np.array([[1.0, -3.0]]))
        np.testing.assert_allclose(model.state, [[multiplier, -3 * multiplier]], atol=1e-15)


def test_state_carried_over_equals_the_whole():
    model, X, _, state = problem(T=9)
    whole = model.forward(X, state)
    first = model.forward(X[:4], state)
    np.testing.assert_allclose(np.concatenate([first, model.forward(X[4:], model.state)]), whole, rtol=1e-13)


def test_it_trains_is_saved_and_comes_back(tmp_path):
    model, X, target, _ = problem(lowest=-0.5)
    history = fit(model, X, target, Adam(model.params, lr=0.01), epochs=100, verbose=False, check=True)
    assert history.loss[-1] < 0.5 * history.loss[0]
    fit_stream(model, X, target, Adam(model.params), window=2, epochs=1, verbose=False)
    model.save(tmp_path / "m.npz")
    back = MinGRU.load(tmp_path / "m.npz")
    assert back.lowest == -0.5 and repr(back) == repr(model)
    np.testing.assert_array_equal(back.forward(X), model.forward(X))


def test_float32_stays_float32():
    model, X, target, state = problem(dtype=np.float32, lowest=-1)
    double, *rest = problem(lowest=-1)
    _, grads = gradients(model, X, target, state)
    assert {g.dtype for g in grads.values()} == {model.forward(X).dtype, model.state.dtype} == {np.dtype("f4")}
    assert worst_error(grads, gradients(double, *rest)[1]) < 1e-5


@pytest.mark.parametrize("lowest, message", [
    (1.0, "lowest: expected a finite number at least -1 and below 1, got 1.0"), (-1.1, "lowest: expected"),
    (np.nan, "lowest: expected"), ("0", "lowest: expected a number"), (None, "lowest: expected a number"),
])
def test_a_bad_range_is_refused(lowest, message):
    with pytest.raises((TypeError, ValueError), match=message):
        MinGRU(1, 2, 1, lowest=lowest)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("lowest", LOWEST)
def test_the_same_numbers_as_a_loop_in_pytorch(lowest):
    import torch

    model, X, target, state = problem(T=20, B=5, I=3, H=8, O=2, lowest=lowest)
    p = {name: torch.tensor(value, requires_grad=True) for name, value in model.params.items()}
    linear, x, h, Y = torch.nn.functional.linear, torch.tensor(X), torch.tensor(state), []
    for x_t in x:
        z = torch.sigmoid(linear(x_t, p["W_z"], p["b_z"]))
        h = torch.lerp(h, linear(x_t, p["W_c"], p["b_c"]), z) if lowest == 0 else (
            (1 - (1 - lowest) * z) * h + z * linear(x_t, p["W_c"], p["b_c"]))
        Y.append(linear(h, p["W_hy"], p["b_y"]))
    their_loss = torch.nn.functional.mse_loss(torch.stack(Y), torch.tensor(target))
    their_loss.backward()
    loss, grads = gradients(model, X, target, state)
    assert loss == pytest.approx(their_loss.item(), rel=1e-13)
    for name, tensor in p.items():
        np.testing.assert_allclose(grads[name], tensor.grad, rtol=0, atol=1e-13)
