"""Properties that hold for every shape, dtype and seed; hypothesis chooses them, the same ones in every run."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import RECURRENT, added_up, complex_step, gradients, on_each, order_one, parts, worst_error

from rnn_lib import GRU, LSTM, MLP, RNN, MinGRU
from rnn_lib.losses import cross_entropy_loss, mse_loss, softmax_mse_loss

PROFILE = dict(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.float32, np.float64])
few, many = settings(max_examples=40, **PROFILE), settings(max_examples=80, **PROFILE)


@st.composite
def problems(draw, longest=6, largest=4):
    """An RNN, LSTM, GRU or MinGRU with weights of order one, and (X, target, state) for it."""
    Model = draw(st.sampled_from([*RECURRENT, MinGRU]))
    T = draw(st.integers(1, longest))
    B, I, H, O = (draw(st.integers(1, largest)) for _ in range(4))
    rng = np.random.default_rng(draw(SEEDS))
    model = order_one(Model(I, H, O), draw(SEEDS))
    X, target = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O))
    states = tuple(rng.normal(size=(B, H)) for _ in model.state_names)
    return model, X, target, states if len(states) > 1 else states[0]


def twin(model, dtype):
    """The same model in another dtype."""
    other = type(model)(model.input_size, model.hidden_size, model.output_size, dtype=dtype)
    for name, p in model.params.items():
        other.params[name][...] = p
    return other


@few
@given(problems())
def test_gradients_equal_the_complex_step(problem):
    assert worst_error(gradients(*problem)[1], complex_step(*problem), added_up(*problem)) < 1e-13


@few
@given(problems(longest=4, largest=3), st.sampled_from(["cross entropy", "softmax and squared error"]), SEEDS)
def test_gradients_through_the_softmax_losses_equal_the_complex_step(problem, loss, seed):
    model, X, target, state = problem
    labels = np.random.default_rng(seed).integers(target.shape[-1], size=target.shape[:-1])
    loss_fn = cross_entropy_loss if loss == "cross entropy" else (
        lambda Y, labels: softmax_mse_loss(Y, np.eye(Y.shape[-1])[labels]))
    _, grads = gradients(model, X, labels, state, loss_fn=loss_fn)
    expected = complex_step(model, X, labels, state, loss_fn=loss_fn)
    for name, g in grads.items():  # all is of order one, and so is what is added up
        np.testing.assert_allclose(g, expected[name], rtol=1e-12, atol=1e-13)


@few
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.integers(1, 4), st.booleans(), SEEDS)
def test_gradients_of_the_mlp_equal_the_complex_step(sizes, B, use_tanh, seed):
    activation = "tanh" if use_tanh else "sigmoid"
    model = order_one(MLP(sizes[0], tuple(sizes[1:-1]), sizes[-1], activation), seed)
    rng = np.random.default_rng(seed)
    problem = model, rng.normal(size=(B, sizes[0])), rng.normal(size=(B, sizes[-1]))
    assert worst_error(gradients(*problem)[1], complex_step(*problem), added_up(*problem)) < 1e-13


@many
@given(problems(), st.data())
def test_a_sequence_in_two_pieces_with_the_state_carried_over_equals_the_whole(problem, data):
    model, X, _, state = problem
    whole, end = model.forward(X, state), model.state
    cut = data.draw(st.integers(1, len(X)), label="cut")
    pieces = [model.forward(X[:cut], state)]
    if cut < len(X):
        pieces.append(model.forward(X[cut:], model.state))
    np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(model.state, end, rtol=1e-12, atol=1e-13)


@many
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_batch_does_not_matter(problem, random):
    model, X, target, state = problem
    loss, grads = gradients(model, X, target, state)
    Y = model.forward(X, state)
    order = list(range(X.shape[1]))
    random.shuffle(order)
    shuffled = on_each(lambda part: part[order], state)
    other_loss, other = gradients(model, X[:, order], target[:, order], shuffled)
    sizes = added_up(*problem)
    assert abs(other_loss - loss) < 1e-13 * sizes["loss"]
    assert worst_error(other, grads, sizes) < 1e-13
    np.testing.assert_allclose(model.forward(X[:, order], shuffled), Y[:, order], rtol=1e-12, atol=1e-13)


@many
@given(problems())
def test_the_gradient_of_a_batch_is_the_mean_of_its_sequences_gradients(problem):
    model, X, target, state = problem
    loss, grads = gradients(model, X, target, state)
    alone = [gradients(model, X[:, [b]], target[:, [b]], on_each(lambda part, b=b: part[[b]], state))
             for b in range(X.shape[1])]
    mean = {name: np.mean([one[1][name] for one in alone], axis=0) for name in grads}
    sizes = added_up(*problem)
    assert abs(np.mean([one[0] for one in alone]) - loss) < 1e-13 * sizes["loss"]
    assert worst_error(mean, grads, sizes) < 1e-13


@many
@given(problems())
def test_float32_agrees_with_float64_within_its_precision(problem):
    model, X, target, state = problem
    small = twin(model, np.float32)
    loss, grads = gradients(model, X, target, state)
    small_loss, small_grads = gradients(small, X, target, state)
    assert {g.dtype for g in small_grads.values()} == {np.dtype(np.float32)}
    sizes = added_up(*problem)
    assert abs(small_loss - loss) < 1e-5 * sizes["loss"]
    assert worst_error(small_grads, grads, sizes) < 1e-4


@many
@given(st.sampled_from([RNN, LSTM, GRU, MinGRU, MLP]), st.tuples(*[st.integers(1, 5)] * 3), DTYPES, SEEDS)
def test_save_and_load_are_exact(Model, sizes, dtype, seed):
    I, H, O = sizes
    model = Model(I, (H,) if Model is MLP else H, O, seed=seed, dtype=dtype)
    for p in model.params.values():  # every float there is, large and small
        p[...] *= 10.0 ** np.random.default_rng(seed).uniform(-30, 30, p.shape)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "m.npz")
        back = Model.load(Path(folder) / "m.npz")
    assert repr(back) == repr(model)
    for name, p in model.params.items():
        assert back.params[name].dtype == p.dtype == dtype
        np.testing.assert_array_equal(back.params[name], p)


@many
@given(st.tuples(*[st.integers(1, 5)] * 3), DTYPES, SEEDS)
def test_initial_parameters_lie_within_their_bound_and_follow_the_seed(sizes, dtype, seed):
    I, H, O = sizes
    a, b = RNN(I, H, O, seed, dtype), RNN(I, H, O, seed, dtype)
    for name, p in a.params.items():
        assert np.abs(p).max() <= dtype(1 / np.sqrt(H))
        np.testing.assert_array_equal(p, b.params[name])


@many
@given(problems(), DTYPES)
def test_shapes_and_dtypes(problem, dtype):
    model, X, target, state = problem
    model = twin(model, dtype)
    Y = model.forward(X, state)
    (T, B, _), H = X.shape, model.hidden_size
    assert Y.shape == target.shape and model.hidden_states.shape == (T + 1, B, H)
    assert {part.shape for part in parts(model.state)} == {(B, H)}
    loss, dY = mse_loss(Y, target.astype(dtype))
    grads = model.backward(dY)
    assert {name: g.shape for name, g in grads.items()} == {name: p.shape for name, p in model.params.items()}
    assert {a.dtype for a in [Y, dY, *parts(model.state), np.asarray(loss), *grads.values()]} == {np.dtype(dtype)}
