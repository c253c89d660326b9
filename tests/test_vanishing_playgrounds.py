"""The panels of notebook 08: the gradient by lag, and the cliff."""

import numpy as np
import pytest

from rnn_lib import RNN, playgrounds
from rnn_lib.playgrounds.lag import STEPS, H, sheared


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_without_shear_the_matrix_is_the_radius_times_a_reflection(radius):
    W = sheared(H, radius, 0)
    np.testing.assert_allclose(W @ W.T, radius**2 * np.eye(H), atol=1e-13)
    np.testing.assert_allclose(W, W.T, atol=1e-13)


@pytest.mark.parametrize("shear", [0.3, 2.0])
def test_shear_moves_no_eigenvalue_but_stretches(shear):
    """Every eigenvalue is ±0.8 if (W² − 0.8²)ᴴ = 0; `eigvals` itself is inaccurate for such a matrix."""
    W = sheared(H, 0.8, shear)
    N = W @ W - 0.64 * np.eye(H)
    size = np.linalg.norm(N, 2)
    np.testing.assert_allclose(np.linalg.matrix_power(N / size, H), 0, atol=1e-13)
    assert np.linalg.norm(W, 2) > 0.8 + shear / 3


@pytest.mark.parametrize("radius, shear, input_size", [(0.5, 0, 0.5), (1.0, 1.0, 0.5), (1.5, 2.0, 2.0), (1.2, 0.5, 0)])
@pytest.mark.parametrize("activation", ["tanh", "none (linear)"])
def test_the_stretch_keeps_to_its_bound(radius, shear, input_size, activation):
    run = playgrounds.run_lag(radius, shear, activation, input_size)
    assert (run.measured <= run.bound * (1 + 1e-9)).all() and run.measured[0] == 1
    if activation != "tanh" and not shear:
        np.testing.assert_allclose(run.measured, run.expected, rtol=1e-9)


def test_the_stretch_is_that_of_backward():
    """The largest singular value of the Jacobian that `RNN.backward` gives, row by row."""
    run = playgrounds.run_lag(1.1, 0.5, "tanh", 0.5)
    h = run.states
    drive = np.arctanh(h[1:, 0]) - h[:-1, 0] @ sheared(H, 1.1, 0.5).T  # what each step added
    model = RNN(H, H, H).set_params({
        "W_xh": np.eye(H), "W_hh": sheared(H, 1.1, 0.5), "b_h": np.zeros(H), "W_hy": np.eye(H)})
    for lag in (1, 7, STEPS):
        model.forward(drive[-lag:, None], h[-1 - lag])
        rows = []
        for unit in np.eye(H):
            dY = np.zeros((lag, 1, H))
            dY[-1] = unit
            model.backward(dY)
            rows.append(model.state_gradient()[0])
        assert run.measured[lag] == pytest.approx(np.linalg.norm(rows, 2), rel=1e-9)


def test_the_surface_is_the_loss_of_the_one_unit():
    for w, b in ((1.4, -0.1), (0.7, 0.3), (2.0, 0.0)):
        h = playgrounds.one_unit(w, b).forward(np.zeros((20, 1, 1)))[-1].item()
        assert playgrounds.one_unit_loss(w, b) == pytest.approx((h - 0.5) ** 2, rel=1e-12)


def test_the_descent_follows_the_slope_of_the_surface():
    way = playgrounds.descend_cliff(lr=0.01, steps=3)
    for before, after in zip(way.path[:-1], way.path[1:], strict=True):
        slopes = [playgrounds.one_unit_loss(*(before + 1e-30j * unit)).imag / 1e-30 for unit in np.eye(2)]
        np.testing.assert_allclose(after, before - 0.01 * np.array(slopes), rtol=1e-12)
    np.testing.assert_allclose(way.loss, [playgrounds.one_unit_loss(*place) for place in way.path], rtol=1e-12)


def test_no_clipped_step_is_longer_than_the_limit_allows():
    way = playgrounds.descend_cliff(lr=0.1, clip_norm=2.0)
    assert way.norms.max() > 2 and np.linalg.norm(np.diff(way.path, axis=0), axis=1).max() == pytest.approx(0.2)
    assert playgrounds.run_cliff(0.1, 1000.0).path.tolist() == playgrounds.descend_cliff(0.1).path.tolist()
