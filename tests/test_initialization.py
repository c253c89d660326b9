"""Initialisations of W_hh: what they make of it, and what they leave alone."""

from types import SimpleNamespace

import numpy as np
import pytest

from rnn_lib import GRU, LSTM, RNN
from rnn_lib.initialization import chrono, forget_bias, identity, orthogonal, spectral_radius

GATED = pytest.mark.parametrize("Model", [LSTM, GRU])
EACH = pytest.mark.parametrize("start", [orthogonal, identity, lambda model: spectral_radius(model, 1.3)])


def gated(H=5, k=4, dtype=np.float64):
    """What stands for a model with gates: W_hh is k squares, one below the other."""
    rng = np.random.default_rng(3)
    return SimpleNamespace(params={"W_hh": rng.normal(size=(k * H, H)).astype(dtype), "b_h": np.ones(k * H, dtype)})


def test_orthogonal_keeps_lengths_and_gain_multiplies_them():
    for gain in (1.0, 0.3, 2.5):
        W_hh = orthogonal(RNN(1, 7, 1), gain).params["W_hh"]
        np.testing.assert_allclose(W_hh.T @ W_hh, gain**2 * np.eye(7), atol=1e-14 * gain**2)


def test_orthogonal_follows_its_seed_and_no_square_is_like_another():
    first, again, other = (orthogonal(gated(), **seed).params["W_hh"] for seed in ({}, {"seed": 0}, {"seed": 1}))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    squares = first.reshape(4, 5, 5)
    assert not any(np.allclose(squares[i], squares[j]) for i in range(4) for j in range(i))


def test_orthogonal_matrices_are_equally_likely():
    """The trace of one drawn so has mean 0 and variance 1 (QR without the signs: a mean of -2.3 for H = 8)."""
    traces = [np.trace(orthogonal(RNN(1, 8, 1), seed=seed).params["W_hh"]) for seed in range(300)]
    assert abs(np.mean(traces)) < 0.25 and 0.8 < np.var(traces) < 1.25


def test_identity_hands_on_scale_times_the_state():
    np.testing.assert_array_equal(identity(RNN(1, 3, 1)).params["W_hh"], np.eye(3))
    np.testing.assert_array_equal(identity(RNN(1, 3, 1), 0.5).params["W_hh"], np.eye(3) / 2)


@pytest.mark.parametrize("radius", [0.1, 1.0, 3.0])
def test_spectral_radius_is_what_was_asked_for_and_only_a_factor_is_new(radius):
    model = RNN(1, 6, 1)
    before = model.params["W_hh"].copy()
    W_hh = spectral_radius(model, radius).params["W_hh"]
    assert np.abs(np.linalg.eigvals(W_hh)).max() == pytest.approx(radius, rel=1e-12)
    assert np.ptp(W_hh / before) < 1e-12 * W_hh.max()


def test_gates_are_treated_one_by_one():
    for square in orthogonal(gated()).params["W_hh"].reshape(4, 5, 5):
        np.testing.assert_allclose(square @ square.T, np.eye(5), atol=1e-14)
    np.testing.assert_array_equal(identity(gated(), 2).params["W_hh"], np.tile(2 * np.eye(5), (4, 1)))
    for square in spectral_radius(gated(), 0.7).params["W_hh"].reshape(4, 5, 5):
        assert np.abs(np.linalg.eigvals(square)).max() == pytest.approx(0.7, rel=1e-12)


@EACH
@pytest.mark.parametrize("make", [lambda dtype: RNN(2, 3, 1, dtype=dtype), lambda dtype: LSTM(2, 3, 1, dtype=dtype)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_only_the_numbers_in_W_hh_change(start, make, dtype):
    model = make(dtype)
    arrays, before = dict(model.params), {name: p.copy() for name, p in model.params.items()}
    assert start(model) is model
    assert all(model.params[name] is p for name, p in arrays.items()), "in place: an optimiser holds these arrays"
    for name, p in before.items():
        assert model.params[name].dtype == dtype
        assert np.array_equal(model.params[name], p) == (name != "W_hh")


@EACH
def test_a_W_hh_that_is_a_view_changes_too(start):
    store = np.random.default_rng(0).normal(size=(3, 6))
    start(SimpleNamespace(params={"W_hh": store.T}))
    assert not np.array_equal(store, np.random.default_rng(0).normal(size=(3, 6)))


def test_a_square_without_eigenvalues_to_scale_is_refused_before_any_is_scaled():
    W_hh = np.concatenate([np.eye(2), np.eye(2, k=1)])
    model = SimpleNamespace(params={"W_hh": W_hh.copy()})
    with pytest.raises(ValueError, match="^model: expected a W_hh with an eigenvalue to scale, got one whose .* all 0"):
        spectral_radius(model, 0.5)
    np.testing.assert_array_equal(model.params["W_hh"], W_hh)


def bias_of(model, gate):
    """The bias of a gate: the sum of those that there are."""
    rows = model.gate_rows(gate)
    return sum(p[rows] for name, p in model.params.items() if name in ("b_h", "b_xh", "b_hh"))


@GATED
def test_chrono_opens_the_gate_that_keeps_for_lags_up_to_the_largest(Model):
    H, max_lag = 2000, 50
    model = chrono(Model(1, H, 1), max_lag)
    bias = bias_of(model, model.keeping)
    u = np.exp(bias)  # uniform from 1 to 49: its mean is 25, its deviation 48 / sqrt(12)
    assert 1 <= u.min() < 1.2 and 48.8 < u.max() <= 49
    assert u.mean() == pytest.approx(25, abs=1.5) and u.std() == pytest.approx(48 / np.sqrt(12), rel=0.05)
    if Model is LSTM:
        np.testing.assert_array_equal(bias_of(model, "i"), -bias)


def test_a_chrono_gate_keeps_for_about_as_many_steps_as_was_drawn():
    """With no input and no recurrent weights, c after t steps is f^t: down to 1/e after about 1 + u of them."""
    model = LSTM(1, 5, 1)
    for p in model.params.values():
        p[...] = 0
    chrono(model, 100, seed=3)
    model.forward(np.ones((300, 1, 1)), (np.zeros((1, 5)), np.ones((1, 5))))
    steps = (model.cell_states[:, 0] > np.exp(-1)).sum(axis=0)
    u = np.exp(model.params["b_h"][model.gate_rows("f")])
    np.testing.assert_allclose(steps, 1 + u, atol=1)


@pytest.mark.parametrize("Model, start, gates", [
    (LSTM, lambda model: chrono(model, 30), "if"), (LSTM, lambda model: forget_bias(model, 2.5), "f"),
    (GRU, lambda model: chrono(model, 30), "z"), (GRU, lambda model: forget_bias(model, 2.5), "z")])
def test_only_the_biases_of_these_gates_change(Model, start, gates):
    model = Model(2, 3, 1)
    arrays, before = dict(model.params), {name: p.copy() for name, p in model.params.items()}
    assert start(model) is model
    assert all(model.params[name] is p for name, p in arrays.items()), "in place: an optimiser holds these arrays"
    for name, p in before.items():
        rows = {gate for gate in model.gate_names if name in ("b_h", "b_xh", "b_hh")
                and (p[model.gate_rows(gate)] != arrays[name][model.gate_rows(gate)]).all()}
        assert rows == (set(gates) if name in ("b_h", "b_xh", "b_hh") else set())
        for gate in rows:
            p[model.gate_rows(gate)] = arrays[name][model.gate_rows(gate)]
        np.testing.assert_array_equal(p, arrays[name])


@GATED
def test_the_forget_bias_is_the_sum_of_the_biases(Model):
    model = forget_bias(Model(2, 3, 1), -1.5)
    np.testing.assert_array_equal(bias_of(model, model.keeping), [-1.5] * 3)


@GATED
def test_a_larger_forget_bias_keeps_more_of_the_state(Model):
    model, kept = Model(1, 4, 1, seed=1), []
    for value in (-3.0, 0.0, 3.0):
        forget_bias(model, value).forward(np.zeros((1, 1, 1)))
        kept.append(model.gates[model.keeping].mean())
    assert kept[0] < 0.1 < kept[1] < 0.9 < kept[2]


@GATED
def test_chrono_follows_its_seed(Model):
    first, again, other = (chrono(Model(1, 5, 1), 40, **seed) for seed in ({}, {"seed": 0}, {"seed": 1}))
    np.testing.assert_array_equal(bias_of(first, first.keeping), bias_of(again, first.keeping))
    assert (bias_of(first, first.keeping) != bias_of(other, first.keeping)).all()


@pytest.mark.parametrize("start", [lambda model: chrono(model, 30), lambda model: forget_bias(model, 1)])
def test_a_model_without_gates_is_refused(start):
    with pytest.raises(TypeError, match=r"^model: expected one with gates, such as LSTM or GRU, got RNN RNN\("):
        start(RNN(1, 2, 1))
