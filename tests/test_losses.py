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


@pytest.mark.parametrize("loss_fn", [mse_loss, softmax_mse_loss])
def test_a_mask_leaves_float32_as_it_is(loss_fn):
    Y = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
    loss, dY = loss_fn(Y, Y[::-1], np.arange(12).reshape(4, 3) < 9)
    assert (loss.dtype, dY.dtype) == (np.float32, np.float32)


def test_a_single_number_is_no_output():
    for mask in (None, np.array(True)):
        with pytest.raises(ValueError, match=r"^Y: expected shape \(\.\.\., C\), got \(\)$"):
            mse_loss(1.0, 2.0, mask)


@pytest.mark.parametrize("answer, error, words", [
    (3.0, TypeError, r"loss_fn: expected \(loss, dLoss/dY\), as mse_loss returns, got float 3.0"),
    ((3.0, np.ones(2)), ValueError, r"loss_fn: dLoss/dY: expected shape \(3, 2\), got \(2,\)"),  # would be broadcast
    ((3.0, np.ones((4, 3, 2))), ValueError, r"loss_fn: dLoss/dY: expected shape \(3, 2\), got \(4, 3, 2\)"),
    ((3.0, np.ones((3, 2)) * 1j), TypeError, "loss_fn: dLoss/dY: expected real numbers, got dtype complex128"),
])
def test_last_step_looks_at_what_the_loss_returns(answer, error, words):
    with pytest.raises(error, match=f"^{words}$"):
        last_step(lambda Y, target: answer)(np.ones((4, 3, 2)), np.ones((3, 2)))
