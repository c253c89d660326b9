"""Mean squared error: its value by hand, its gradient by the complex step. And whole numbers, for every loss."""

import numpy as np
import pytest

from rnn_lib.losses import cross_entropy_loss, last_step, mse_loss, softmax_mse_loss


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


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, bool])
def test_whole_numbers_do_not_wrap_round(dtype):
    Y, target = np.array([[0, 100], [1, 1]]).astype(dtype), np.array([[100, 0], [0, 1]]).astype(dtype)
    for loss_fn in (mse_loss, softmax_mse_loss):
        loss, dY = loss_fn(Y, target)
        expected, expected_dY = loss_fn(Y.astype(float), target.astype(float))
        assert loss == expected
        np.testing.assert_array_equal(dY, expected_dY)
    loss, dY = cross_entropy_loss(Y, [0, 1])
    expected, expected_dY = cross_entropy_loss(Y.astype(float), [0, 1])
    assert loss == expected
    np.testing.assert_array_equal(dY, expected_dY)


def test_last_step_of_whole_numbers():
    loss, dY = last_step(mse_loss)([[[1]], [[2]]], [[1.7]])
    np.testing.assert_allclose(dY, [[[0]], [[0.6]]], rtol=1e-12)
