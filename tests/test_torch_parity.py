"""The same numbers as PyTorch: forward, states, gradients, loss, and several steps of each optimiser."""

from importlib.util import find_spec

import numpy as np
import pytest
from oracles import RECURRENT, gradients, parts, recurrent_problem, rnn_problem

from rnn_lib.interop import from_torch_state, to_torch_state
from rnn_lib.losses import mse_loss
from rnn_lib.optim import SGD, Adam, clip_grad_norm

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None, reason="PyTorch is not installed: `pip install torch` compares with it too"
)


@pytest.fixture(scope="module", autouse=True)
def import_torch():
    """Import PyTorch only where it is used: above, every process that collects tests would wait for it."""
    global torch
    import torch


TOLERANCE = {"rtol": 0, "atol": 1e-10}


def pytorch_twin(model):
    """Return PyTorch's layer of the same name and torch.nn.Linear with the model's weights, and the tensor that stands
    for each of our parameters. (Where we have one bias, PyTorch's second one is zero.)"""
    I, H, O = model.input_size, model.hidden_size, model.output_size
    layer = getattr(torch.nn, type(model).__name__)(I, H, dtype=torch.float64)
    linear = torch.nn.Linear(H, O, dtype=torch.float64)
    state = {name: torch.tensor(value) for name, value in to_torch_state(model).items()}
    linear.load_state_dict({name: state.pop(name) for name in ("weight", "bias")})
    layer.load_state_dict(state)
    tensors = {"W_xh": layer.weight_ih_l0, "W_hh": layer.weight_hh_l0, "b_h": layer.bias_ih_l0,
               "b_xh": layer.bias_ih_l0, "b_hh": layer.bias_hh_l0, "W_hy": linear.weight, "b_y": linear.bias}
    return layer, linear, {name: tensors[name] for name in model.params}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("Model", RECURRENT)
def test_a_network_made_by_pytorch_becomes_ours(Model, dtype):
    """With both of its biases; tensors are taken as they are."""
    torch.manual_seed(0)
    layer = getattr(torch.nn, Model.__name__)(3, 5, dtype=getattr(torch, dtype))
    linear = torch.nn.Linear(5, 2, dtype=getattr(torch, dtype))
    model = from_torch_state(Model, {**layer.state_dict(), **linear.state_dict()})
    assert model.dtype == dtype
    X = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(dtype)
    theirs = linear(layer(torch.tensor(X))[0]).detach()
    np.testing.assert_allclose(model.forward(X), theirs, rtol=0, atol=1e-10 if dtype == "float64" else 1e-6)


def pytorch_loss(layer, linear, X, target, state):
    """Returns loss, Y, hidden states, and the last state; X and the parts of the state may be tensors."""
    states = [torch.as_tensor(part)[None] for part in parts(state)]
    hidden, last = layer(torch.as_tensor(X), tuple(states) if len(states) > 1 else states[0])
    Y = linear(hidden)
    return torch.nn.functional.mse_loss(Y, torch.tensor(target)), Y, hidden, [part[0] for part in parts(last)]


SIZES = [(6, 3, 2, 4, 3), (1, 1, 1, 1, 1), (50, 8, 5, 32, 2), (25, 1, 20, 40, 20), (120, 1, 1, 8, 2),
         (5, 64, 10, 33, 7)]


@pytest.mark.parametrize("T, B, I, H, O", SIZES)
@pytest.mark.parametrize("Model", RECURRENT)
def test_forward_states_loss_and_gradients(Model, T, B, I, H, O):
    """In two calls in a row: from a state that is given, and from none, on other data."""
    model, data, wanted, state = recurrent_problem(Model, T, B, I, H, O)
    layer, linear, tensors = pytorch_twin(model)
    zeros = tuple(np.zeros((B, H)) for _ in parts(state))
    for X, target, given, their_state in ((data, wanted, [state], state), (data[::-1] / 2, -wanted, [], zeros)):
        theirs = [torch.tensor(array.copy(), requires_grad=True) for array in (X, *parts(their_state))]
        layer.zero_grad()
        linear.zero_grad()
        loss, Y, hidden, last = pytorch_loss(layer, linear, theirs[0], target, tuple(theirs[1:]))
        loss.backward()

        np.testing.assert_allclose(model.forward(X, *given), Y.detach(), **TOLERANCE)
        np.testing.assert_allclose(model.hidden_states[1:], hidden.detach(), **TOLERANCE)
        our_loss, grads = gradients(model, X, target, *given)
        assert our_loss == pytest.approx(loss.item(), abs=1e-12)
        for ours, tensor in zip(parts(model.state), last, strict=True):
            np.testing.assert_allclose(ours, tensor.detach(), **TOLERANCE)
        for name, tensor in tensors.items():
            np.testing.assert_allclose(grads[name], tensor.grad, **TOLERANCE)
        for ours, tensor in zip((model.input_gradient(), *parts(model.state_gradient())), theirs, strict=True):
            np.testing.assert_allclose(ours, tensor.grad, **TOLERANCE)


OPTIMISERS = {
    "SGD": (lambda p: SGD(p, lr=0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "SGD with momentum": (lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "Adam": (lambda p: Adam(p), lambda p: torch.optim.Adam(p)),
    "Adam, all settings": (lambda p: Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-3),
                           lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.95), eps=1e-3)),
    "Adam, betas 0": (lambda p: Adam(p, betas=(0.0, 0.0), eps=0.1),
                      lambda p: torch.optim.Adam(p, betas=(0.0, 0.0), eps=0.1)),
}


@pytest.mark.parametrize("ours, theirs", OPTIMISERS.values(), ids=OPTIMISERS.keys())
def test_ten_steps_of_training_with_clipping(ours, theirs):
    model, X, target, state = rnn_problem()
    rnn, linear, tensors = pytorch_twin(model)
    optimizer, their_optimizer = ours(model.params), theirs(list(tensors.values()))
    for _ in range(10):
        _, grads = gradients(model, X, target, state)
        norm = clip_grad_norm(grads, 0.5)
        optimizer.step(grads)
        their_optimizer.zero_grad()
        pytorch_loss(rnn, linear, X, target, state)[0].backward()
        their_norm = torch.nn.utils.get_total_norm([tensor.grad for tensor in tensors.values()])
        assert norm == pytest.approx(their_norm.item(), rel=1e-10)
        for tensor in tensors.values():  # clip_grad_norm_ divides by norm + 1e-6, a choice we do not follow
            tensor.grad *= min(1, 0.5 / their_norm)
        their_optimizer.step()
        for name, tensor in tensors.items():
            np.testing.assert_allclose(model.params[name], tensor.detach(), **TOLERANCE)


@pytest.mark.parametrize("max_norm", [0.01, 1e3])
def test_clip_grad_norm(max_norm):
    model, X, target, state = rnn_problem()
    _, grads = gradients(model, X, target, state)
    tensors = [torch.nn.Parameter(torch.tensor(p)) for p in model.params.values()]
    for tensor, grad in zip(tensors, grads.values(), strict=True):
        tensor.grad = torch.tensor(grad)
    their_norm = torch.nn.utils.clip_grad_norm_(tensors, max_norm)
    assert clip_grad_norm(grads, max_norm) == pytest.approx(their_norm.item(), rel=1e-12)
    for tensor, grad in zip(tensors, grads.values(), strict=True):
        np.testing.assert_allclose(grad, tensor.grad, rtol=1e-5)  # PyTorch adds 1e-6 to the norm


def test_mse_loss():
    _, Y, target, _ = rnn_problem(I=3)
    their_Y = torch.tensor(Y, requires_grad=True)
    their_loss = torch.nn.functional.mse_loss(their_Y, torch.tensor(target))
    their_loss.backward()
    loss, dY = mse_loss(Y, target)
    assert loss == pytest.approx(their_loss.item(), rel=1e-14)
    np.testing.assert_allclose(dY, their_Y.grad, rtol=1e-14)


@pytest.mark.parametrize("Model", RECURRENT)
def test_initialisation_has_the_range_of_pytorch(Model):
    H = 64
    torch.manual_seed(0)
    ours, theirs = Model(5, H, 3).params, getattr(torch.nn, Model.__name__)(5, H)
    for name, tensor in {"W_xh": theirs.weight_ih_l0, "W_hh": theirs.weight_hh_l0}.items():
        assert np.abs(ours[name]).max() <= 1 / np.sqrt(H)
        assert np.abs(ours[name]).max() == pytest.approx(tensor.abs().max().item(), rel=0.1)
        assert ours[name].std() == pytest.approx(tensor.std().item(), rel=0.25)
