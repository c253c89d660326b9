"""The RNN: its equations, its gradients, and what it remembers from one call to the next."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from oracles import complex_step, gradients, order_one, rnn_by_the_book, rnn_problem, worst_error

from rnn_lib import RNN
from rnn_lib.data import tiny_example
from rnn_lib.losses import mse_loss
from rnn_lib.optim import Adam
from rnn_lib.training import fit

SIZES = [(6, 3, 2, 4, 3), (1, 1, 1, 1, 1), (1, 3, 2, 4, 3), (7, 1, 1, 2, 1), (5, 2, 6, 3, 1), (4, 5, 1, 1, 4)]


@pytest.mark.parametrize("T, B, I, H, O", SIZES)
def test_forward_is_the_two_equations(T, B, I, H, O):
    model, X, _, state = rnn_problem(T, B, I, H, O)
    hidden, Y = rnn_by_the_book(model.params, X, state)
    np.testing.assert_allclose(model.forward(X, state), Y, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(model.hidden_states, hidden, rtol=1e-13, atol=1e-13)


def test_tiny_example_by_hand():
    params, X, target = tiny_example()
    model = RNN(1, 2, 1)
    for name, param in params.items():
        model.params[name][...] = param
    Y = model.forward(X)
    h_1 = np.tanh([0.5 * 1.0 + 0.1, -0.3 * 1.0 - 0.1])
    z_2 = [0.5 * 0.5 + 0.1 * h_1[0] + 0.4 * h_1[1] + 0.1, -0.3 * 0.5 - 0.2 * h_1[0] + 0.3 * h_1[1] - 0.1]
    np.testing.assert_allclose(model.hidden_states[1, 0], h_1, rtol=1e-15)
    np.testing.assert_allclose(model.hidden_states[2, 0], np.tanh(z_2), rtol=1e-15)
    assert Y[0, 0, 0] == pytest.approx(0.7 * h_1[0] - 0.5 * h_1[1] + 0.2, rel=1e-15)
    assert worst_error(gradients(model, X, target)[1], complex_step(model, X, target)) < 1e-12


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("T, B, I, H, O", SIZES)
def test_gradients_equal_the_complex_step(T, B, I, H, O, seed):
    model, X, target, state = rnn_problem(T, B, I, H, O, seed)
    _, grads = gradients(model, X, target, state)
    assert worst_error(grads, complex_step(model, X, target, state)) < 1e-12


@pytest.mark.parametrize("scale", [1e-3, 3.0])
def test_gradients_where_tanh_is_linear_and_where_it_is_flat(scale):
    model, X, target, state = rnn_problem()
    for param in model.params.values():
        param *= scale
    _, grads = gradients(model, X, target, state)
    assert worst_error(grads, complex_step(model, X, target, state)) < 1e-11


def test_gradients_of_a_second_call_owe_nothing_to_the_first():
    model, X, target, state = rnn_problem()
    gradients(model, 2 * X, -target)
    _, grads = gradients(model, X, target, state)
    assert worst_error(grads, complex_step(model, X, target, state)) < 1e-12
    _, again = gradients(model, X, target, state)
    for name in grads:
        np.testing.assert_array_equal(again[name], grads[name])


def test_backward_twice_gives_the_same_and_does_not_touch_dY():
    model, X, target, state = rnn_problem()
    _, dY = mse_loss(model.forward(X, state), target)
    before = dY.copy()
    first, second = model.backward(dY), model.backward(dY)
    np.testing.assert_array_equal(dY, before)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_gradients_after_training():
    model, X, target, state = rnn_problem()
    fit(model, X, target, Adam(model.params, lr=0.05), epochs=30, verbose=False)
    _, grads = gradients(model, X, target, state)
    assert worst_error(grads, complex_step(model, X, target, state)) < 1e-11


def test_without_a_state_the_sequence_starts_from_zeros():
    model, X, _, state = rnn_problem()
    np.testing.assert_array_equal(model.forward(X), model.forward(X, np.zeros_like(state)))
    assert not model.hidden_states[0].any()


def test_each_forward_starts_afresh():
    model, X, *_ = rnn_problem()
    np.testing.assert_array_equal(model.forward(X), model.forward(X))


def test_state_carried_over_equals_the_whole():
    model, X, _, state = rnn_problem(T=9)
    whole, hidden = model.forward(X, state), model.hidden_states
    first = model.forward(X[:4], state)
    assert model.state.shape == state.shape
    second = model.forward(X[4:], model.state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(model.hidden_states, hidden[4:], rtol=1e-13, atol=1e-13)


def test_hidden_states_and_state():
    model, X, _, state = rnn_problem(T=5, B=3, H=4)
    model.forward(X, state)
    assert model.hidden_states.shape == (6, 3, 4)
    np.testing.assert_array_equal(model.hidden_states[0], state)
    np.testing.assert_array_equal(model.state, model.hidden_states[-1])


def test_results_of_an_earlier_call_stay_as_they_were():
    model, X, target, state = rnn_problem()
    Y = model.forward(X, state)
    grads = model.backward(mse_loss(Y, target)[1])
    results = [Y, model.hidden_states, model.state, *grads.values()]
    before = [result.copy() for result in results]
    model.backward(mse_loss(model.forward(3 * X), -target)[1])
    for result, kept in zip(results, before, strict=True):
        np.testing.assert_array_equal(result, kept)


def test_arguments_are_left_alone():
    model, X, _, state = rnn_problem()
    arguments = [X.copy(), state.copy()]
    model.backward(model.forward(X, state))
    np.testing.assert_array_equal(X, arguments[0])
    np.testing.assert_array_equal(state, arguments[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_backward_needs_is_safe_from_the_caller(dtype):
    model, X, _, state = rnn_problem()
    twin, x, h = RNN(2, 4, 3, dtype=dtype), X.astype(dtype), state.astype(dtype)
    dY = np.ones_like(twin.forward(x, h))
    expected = twin.backward(dY)
    twin.forward(x, h)
    x[...], h[...] = 9, 9
    twin.state[...] = 9
    with pytest.raises(ValueError, match="read-only"):
        twin.hidden_states[...] = 9
    for name, gradient in twin.backward(dY).items():
        np.testing.assert_array_equal(gradient, expected[name])


def test_weights_of_another_dtype_are_not_rounded():
    model, _, _, _ = rnn_problem()
    twin = RNN(2, 4, 3)
    for name, p in model.params.items():
        model.params[name], twin.params[name] = np.round(9 * p).astype(int), np.round(9 * p)
    X = np.full((3, 1, 2), 0.05)
    np.testing.assert_allclose(model.forward(X), twin.forward(X), rtol=1e-14)


def test_lists_integers_and_strided_arrays_are_numbers_too():
    model, X, _, state = rnn_problem(I=1)
    whole = model.forward(np.round(3 * X), np.ones_like(state))
    np.testing.assert_array_equal(model.forward(np.round(3 * X).astype(int).tolist(), np.ones(state.shape, int)), whole)
    strided = np.asfortranarray(np.repeat(np.round(3 * X), 2, axis=1))[:, ::2]
    np.testing.assert_allclose(model.forward(strided, np.ones_like(state)), whole, rtol=1e-14)


def test_float32_stays_float32_and_agrees_with_float64():
    model, X, target, state = rnn_problem()
    small, *_ = rnn_problem(dtype=np.float32)
    loss, grads = gradients(model, X, target, state)
    small_loss, small_grads = gradients(small, X, target, state)      # float64 arguments are cast
    assert small_loss == pytest.approx(loss, rel=1e-5)
    assert small.forward(X).dtype == small.hidden_states.dtype == small.state.dtype == np.float32
    assert {g.dtype for g in small_grads.values()} == {p.dtype for p in small.params.values()} == {np.dtype("f4")}
    assert worst_error(small_grads, grads) < 1e-5


def test_parameters_have_names_shapes_and_the_uniform_distribution_of_pytorch():
    H = 100
    model = RNN(30, H, 20, seed=3)
    assert {name: p.shape for name, p in model.params.items()} == {
        "W_xh": (H, 30), "W_hh": (H, H), "b_h": (H,), "W_hy": (20, H), "b_y": (20,)}
    for p in model.params.values():
        assert p.dtype == np.float64
        assert np.abs(p).max() <= 0.1
        assert np.abs(p).max() > 0.08
        assert p.min() < 0 < p.max()
    assert model.params["W_hh"].std() == pytest.approx(0.1 / np.sqrt(3), rel=0.02)
    assert abs(model.params["W_hh"].mean()) < 0.002
    assert model.n_params == H * 30 + H * H + H + 20 * H + 20


def test_the_seed_decides_the_parameters():
    same, other = RNN(2, 3, 1, seed=5), RNN(2, 3, 1, seed=6)
    for name, p in RNN(2, 3, 1, seed=5).params.items():
        np.testing.assert_array_equal(p, same.params[name])
        assert (p != other.params[name]).all()
    np.testing.assert_array_equal(RNN(2, 3, 1).params["W_hh"], RNN(2, 3, 1, seed=0).params["W_hh"])


def test_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    RNN(2, 3, 1, seed=5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_float32_parameters_are_the_float64_ones_rounded():
    big, small = RNN(2, 3, 1, dtype="float64"), RNN(2, 3, 1, dtype=np.float32)
    for name, p in big.params.items():
        np.testing.assert_array_equal(small.params[name], p.astype(np.float32))


def test_repr_is_the_constructor_call():
    assert repr(RNN(1, 16, 1)) == "RNN(input_size=1, hidden_size=16, output_size=1): 305 parameters, float64"


def test_before_forward_there_is_nothing_to_remember():
    model = RNN(1, 2, 1)
    for use in (lambda: model.backward(np.ones((3, 1, 1))), lambda: model.state, lambda: model.hidden_states,
                lambda: model.inputs, model.input_gradient, model.state_gradient):
        with pytest.raises(ValueError, match=r"RNN: expected a call of forward before this one"):
            use()
    assert not hasattr(model, "state")
    model.forward(np.ones((3, 1, 1)))
    assert hasattr(model, "state")
    for use in (model.input_gradient, model.state_gradient):
        with pytest.raises(ValueError, match=r"RNN: expected a call of backward before this one"):
            use()


@pytest.mark.parametrize("T, B, I, H, O", SIZES)
def test_the_gradients_of_input_and_initial_state_equal_the_complex_step(T, B, I, H, O):
    model, X, target, state = rnn_problem(T, B, I, H, O)
    gradients(model, X, target, state)
    into, before = model.input_gradient(), model.state_gradient()
    assert into.shape == X.shape and before.shape == state.shape
    p = {name: param.astype(complex) for name, param in model.params.items()}

    def loss(X, state):
        h, Y = state, []
        for x in X:
            h = np.tanh(x @ p["W_xh"].T + h @ p["W_hh"].T + p["b_h"])
            Y.append(h @ p["W_hy"].T + p["b_y"])
        return mse_loss(np.array(Y), target)[0]

    for value, gradient, use in ((X, into, lambda moved: loss(moved, state)),
                                 (state, before, lambda moved: loss(X, moved))):
        for index in np.ndindex(value.shape):
            moved = value.astype(complex)
            moved[index] += 1e-30j
            assert abs(use(moved).imag / 1e-30 - gradient[index]) <= 1e-12 * np.abs(gradient).max()


def test_input_and_state_gradients_are_those_of_the_last_backward():
    model, X, target, state = rnn_problem()
    _, dY = mse_loss(model.forward(X, state), target)
    model.backward(dY)
    first = model.input_gradient(), model.state_gradient()
    model.backward(2 * dY)
    np.testing.assert_allclose(model.input_gradient(), 2 * first[0], rtol=1e-13)
    np.testing.assert_allclose(model.state_gradient(), 2 * first[1], rtol=1e-13)


def test_models_can_be_copied_and_pickled():
    model, X, target, state = rnn_problem()
    gradients(model, X, target, state)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.state, model.state)
        _, grads = gradients(twin, X, target, state)
        np.testing.assert_array_equal(grads["W_hh"], gradients(model, X, target, state)[1]["W_hh"])


def test_a_refused_forward_leaves_the_last_one_in_place():
    model, X, target, state = rnn_problem()
    Y = model.forward(X, state)
    expected, hidden = model.backward(Y), model.hidden_states.copy()
    for bad in (dict(X=X[..., :1]), dict(X=X, state=state[:1]), dict(X=X * np.nan)):
        with pytest.raises(ValueError):
            model.forward(**bad)
    np.testing.assert_array_equal(model.hidden_states, hidden)
    for name, g in model.backward(Y).items():
        np.testing.assert_array_equal(g, expected[name])


def test_a_training_step_needs_three_large_arrays():
    """The states, dL/dz and 1 - h^2, each of T·B·H numbers; the last one is not kept after the step."""
    T, B, H = 100, 32, 32
    model, X, target, _ = rnn_problem(T, B, 1, H, 1)
    gradients(model, X, target)
    tracemalloc.start()
    gradients(model, X, target)
    kept, peak = (size / (T * B * H * 8) for size in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    assert kept < 2.1 and peak < 3.3


def test_order_one_weights_are_of_order_one():
    model = order_one(RNN(2, 50, 3))
    assert all(np.abs(p).max() > 0.3 for p in model.params.values())
