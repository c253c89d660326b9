"""Mean squared error: its value by hand, its gradient by the complex step."""

import numpy as np
import pytest

from rnn_lib.losses import mse_loss


def test_by_hand():
    loss, dY = mse_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 5.0]]))
    assert loss == (0 + 4 + 9 + 1) / 4
    np.testing.assert_array_equal(dY, [[0, 1], [1.5, -0.5]])
    assert isinstance(loss, float)


@pytest.mark.parametrize("shape", [(1,), (4, 3), (5, 2, 3)])
def test_gradient_equals_the_complex_step(shape):
    rng = np.random.default_rng(0)
    Y, target = rng.normal(size=shape), rng.normal(size=shape)
    _, dY = mse_loss(Y, target)
    assert dY.shape == shape
    for index in np.ndindex(shape):
        moved = Y.astype(complex)
        moved[index] += 1e-30j
        assert dY[index] == pytest.approx(mse_loss(moved, target)[0].imag / 1e-30, rel=1e-12)


def test_arguments_are_left_alone_and_the_gradient_is_new():
    Y, target = np.ones((2, 3)), np.zeros((2, 3))
    _, dY = mse_loss(Y, target)
    dY[...] = 7
    assert (Y == 1).all() and not target.any()


def test_zero_at_the_target():
    loss, dY = mse_loss(np.ones((2, 3)), np.ones((2, 3)))
    assert loss == 0 and not dY.any()


def test_float32_in_float32_out():
    loss, dY = mse_loss(np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32))
    assert loss == 1 and loss.dtype == dY.dtype == np.float32
