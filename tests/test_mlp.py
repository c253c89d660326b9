"""The memoryless network: parity with PyTorch, derivatives, saving, training, errors."""

import math

import numpy as np
import pytest

from rnn_lib import MLP
from rnn_lib.activations import sigmoid
from rnn_lib.losses import cross_entropy_loss, mse_loss
from rnn_lib.optim import SGD, Adam
from rnn_lib.training import fit

ACTIVATIONS = ["sigmoid", "tanh"]
DEPTHS = [(), (5,), (5, 3), (4, 6, 5)]


def grown(model, seed=1):
    """Weights of order one, and biases not zero."""
    rng = np.random.default_rng(seed)
    for p in model.params.values():
        p[...] = rng.normal(size=p.shape)
    return model


@pytest.mark.parametrize("shape", [(7, 3), (4, 2, 3), (1, 3), (1, 1, 3)])
@pytest.mark.parametrize("hidden_sizes", DEPTHS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_and_gradients_equal_pytorchs(activation, hidden_sizes, shape):
    torch = pytest.importorskip("torch")
    model = grown(MLP(3, hidden_sizes, 2, activation))
    sizes, layers = [3, *hidden_sizes, 2], []
    for k in range(model.n_layers):
        layer = torch.nn.Linear(sizes[k], sizes[k + 1], dtype=torch.float64)
        layer.weight.data[...] = torch.tensor(model.params[f"W_{k + 1}"])
        layer.bias.data[...] = torch.tensor(model.params[f"b_{k + 1}"])
        layers += [layer, torch.nn.Sigmoid() if activation == "sigmoid" else torch.nn.Tanh()]
    other = torch.nn.Sequential(*layers[:-1])
    rng = np.random.default_rng(0)
    X, target = rng.normal(size=shape), rng.normal(size=(*shape[:-1], 2))
    for _ in range(2):  # a second call must not see the first
        Y = model.forward(X)
        Z = other(torch.tensor(X))
        assert np.abs(Y - Z.detach().numpy()).max() < 1e-12
        grads = model.backward(mse_loss(Y, target)[1])
    torch.nn.functional.mse_loss(Z, torch.tensor(target)).backward()
    assert list(grads) == list(model.params)
    for k, layer in enumerate(layers[::2], start=1):
        assert np.abs(grads[f"W_{k}"] - layer.weight.grad.numpy()).max() < 1e-12
        assert np.abs(grads[f"b_{k}"] - layer.bias.grad.numpy()).max() < 1e-12


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_complex_step_agrees(activation):
    model = grown(MLP(3, (4, 5), 2, activation))
    X = np.random.default_rng(0).normal(size=(6, 3))
    labels = np.arange(6) % 2
    grads = model.backward(cross_entropy_loss(model.forward(X), labels)[1])
    real = model.params
    for name, gradient in grads.items():
        for index in np.ndindex(gradient.shape):
            model.params = {key: p.astype(complex) for key, p in real.items()}
            model.params[name][index] += 1e-30j
            derivative = cross_entropy_loss(model.forward(X), labels)[0].imag / 1e-30
            assert abs(derivative - gradient[index]) < 1e-14


def test_what_backward_needs_is_safe_from_the_caller():
    model, X = MLP(2, (3,), 2), np.ones((4, 2))
    model.forward(X)
    expected = model.backward(np.ones((4, 2)))
    model.forward(X)
    X[...] = 9
    for name, gradient in model.backward(np.ones((4, 2))).items():
        np.testing.assert_array_equal(gradient, expected[name])


def test_whole_numbers_as_weights_do_not_round_the_input():
    model = MLP(2, (), 2)
    model.params.update(W_1=np.eye(2, dtype=int), b_1=np.zeros(2, int))
    np.testing.assert_array_equal(model.forward([[0.5, 0.7]]), [[0.5, 0.7]])


def test_each_step_is_seen_alone():
    model = grown(MLP(3, (4,), 2))
    X = np.random.default_rng(0).normal(size=(5, 6, 3))
    Y = model.forward(X)
    order = np.random.default_rng(1).permutation(5)
    assert np.allclose(model.forward(X[order]), Y[order], rtol=0, atol=1e-15)
    assert np.allclose(model.forward(X[2]), Y[2], rtol=0, atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_huge_inputs_neither_overflow_nor_warn(activation):
    with np.errstate(all="raise", under="ignore"):
        Y = MLP(1, (4,), 2, activation).forward(np.array([[1e6], [-1e6], [0.0]]))
    assert np.isfinite(Y).all()


def test_an_earlier_output_stays_as_it_was():
    model = MLP(2, (3,), 1)
    first = model.forward(np.ones((4, 2)))
    kept = first.copy()
    model.forward(np.zeros((4, 2)))
    assert (first == kept).all()


@pytest.mark.parametrize("hidden_sizes", DEPTHS)
def test_save_and_load(tmp_path, hidden_sizes):
    model = MLP(3, hidden_sizes, 2, "tanh", seed=3, dtype=np.float32)
    model.save(tmp_path / "model.npz")
    again = MLP.load(tmp_path / "model.npz")
    assert repr(again) == repr(model) and again.dtype == np.float32
    X = np.random.default_rng(0).normal(size=(4, 3))
    assert (again.forward(X) == model.forward(X)).all()


def test_a_seed_gives_the_same_network_and_another_one_another():
    a, b, c = (MLP(3, (4,), 2, seed=seed) for seed in (0, 0, 1))
    assert all((a.params[name] == b.params[name]).all() for name in a.params)
    assert not (a.params["W_1"] == c.params["W_1"]).all()
    assert np.abs(a.params["W_2"]).max() <= 1 / np.sqrt(4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_learns_exclusive_or_in_mini_batches(activation):
    X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]).repeat(8, axis=0)
    labels = (X.sum(axis=1) == 1).astype(int)
    model = MLP(2, (8,), 2, activation)
    history = fit(
        model, X, labels, Adam(model.params, lr=0.05), loss_fn=cross_entropy_loss, epochs=150, batch_size=8,
        verbose=False,
    )
    assert history.loss[-1] < 0.05 < history.loss[0]
    assert (model.forward(X).argmax(axis=-1) == labels).all()


def test_it_trains_on_sequences_too():
    X = np.random.default_rng(0).normal(size=(5, 12, 2))
    labels = (X.sum(axis=-1) > 0).astype(int)
    model = MLP(2, (), 2)
    history = fit(
        model, X, labels, SGD(model.params, lr=1.0), loss_fn=cross_entropy_loss, epochs=200, batch_size=4, verbose=False
    )
    assert history.loss[-1] < 0.2


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((0, (3,), 1), ValueError, "input_size"),
        ((2, 3, 1), TypeError, r"hidden_sizes.*\(32,\).*3"),
        ((2, (3, 0), 1), ValueError, "hidden_sizes"),
        ((2, (3.0,), 1), TypeError, "hidden_sizes"),
        ((2, (3,), 0), ValueError, "output_size"),
        ((2, (3,), 1, "relu"), ValueError, "activation.*'sigmoid'.*'tanh'.*'relu'"),
        ((2, (3,), 1, "tanh", -1), ValueError, "seed"),
        ((2, (3,), 1, "tanh", 0, int), TypeError, "dtype"),
    ],
)
def test_the_constructor_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        MLP(*arguments)


def test_forward_and_backward_refuse_wrong_arrays():
    model = MLP(3, (4,), 2)
    with pytest.raises(ValueError, match="forward"):
        model.backward(np.zeros((5, 2)))
    for X in (np.zeros((5, 2)), np.zeros(3), np.zeros((0, 3)), np.full((5, 3), np.nan), np.zeros((1, 1, 1, 3))):
        with pytest.raises(ValueError, match="X"):
            model.forward(X)
    with pytest.raises(TypeError, match="X"):
        model.forward([[1.0, 2.0, 3.0], [1.0]])
    model.forward(np.zeros((5, 3)))
    for dY in (np.zeros((5, 3)), np.zeros((1, 5, 2)), np.full((5, 2), np.inf)):
        with pytest.raises(ValueError, match="dY"):
            model.backward(dY)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sigmoid_keeps_its_lower_tail_as_pytorchs(dtype):
    z = np.linspace(-85, 85, 341, dtype=dtype)
    with np.errstate(all="raise", under="ignore"):
        value = sigmoid(z)
    exact = [1 / (1 + math.exp(-float(x))) for x in z]
    assert value.dtype == dtype
    np.testing.assert_allclose(value, exact, rtol=4 * np.finfo(dtype).eps)
    step = sigmoid(z.astype(complex) + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(step, [s * (1 - s) for s in exact], rtol=1e-6, atol=1e-16)
    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(value, torch.sigmoid(torch.tensor(z)).numpy(), rtol=4 * np.finfo(dtype).eps)


def test_the_first_weights_are_those_of_seed_0():
    np.testing.assert_array_equal(MLP(2, (3,), 1).params["W_1"], MLP(2, (3,), 1, seed=0).params["W_1"])
